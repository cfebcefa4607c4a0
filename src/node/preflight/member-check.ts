/** Whether the other members can be reached, and what is between when they cannot. */
import type { NodeId } from '../../base/index.ts';
import { fine, type Finding } from './finding.ts';

/** Where an attempt to reach a member ended. */
export type FailedLayer = 'name' | 'tcp' | 'noise' | 'membership' | 'version';

/** One bounded attempt to reach a member. */
export interface Attempt {
  readonly member: NodeId;
  /** Multiaddresses that the manifest has for it; none for one that only dials out. */
  readonly addresses: readonly string[];
  /** How it ended; null when nothing was tried. */
  readonly failure: { readonly layer: FailedLayer; readonly words: string } | null;
  /** Whether it is connected, by whom. */
  readonly connected: 'dialled' | 'they dialled' | null;
  readonly roundTripMs: number | null;
  readonly bytesPerSecond: number | null;
}

const remedies: Readonly<Record<FailedLayer, string>> = {
  name: 'check the name in its address and the name servers of this machine',
  tcp: 'check that its node runs, that its firewall lets your address in and yours lets you out, and the port',
  noise:
    'another machine or another key answers at its address: check the address, and whether it has renewed its keys',
  membership:
    'one of you has another consortium or an older manifest: compare annulus consortium show',
  version: 'one of you runs another version of annulus: install the same',
};
const slowBytesPerSecond = 500_000;

/**
 * One line a member. A failed attempt does not blame the member alone: where no other can be reached either, it is likely
 * this side's network, and the line says so.
 */
export function checkMembers(attempts: readonly Attempt[], quorum: number): Finding[] {
  const reached = attempts.filter(({ connected }) => connected !== null).length;
  const isOwnFault = reached === 0 && attempts.length > 1;
  const lines = attempts.map((attempt) => lineOf(attempt, isOwnFault));
  const isEnough = reached + 1 >= quorum;
  const summary: Finding = {
    ...{ check: 'member', subject: 'all', outcome: isEnough ? 'ok' : 'fail' },
    found: `${reached} of ${attempts.length} members reached; ${quorum} of ${attempts.length + 1} must be there for a round`,
    remedy: isEnough ? null : 'see the lines of those that were not reached',
  };
  return [...lines, summary];
}

function lineOf(attempt: Attempt, isOwnFault: boolean): Finding {
  const { member, addresses, failure, connected, roundTripMs, bytesPerSecond } = attempt;
  if (connected !== null) {
    const way = connected === 'dialled' ? 'direct' : 'they dialled: outbound only, from their side';
    const trip = roundTripMs === null ? '' : `, ${roundTripMs.toFixed(0)} ms`;
    const rate =
      bytesPerSecond === null ? '' : `, ${((bytesPerSecond * 8) / 1e6).toFixed(0)} Mbit/s`;
    const found = `reached ${way}${trip}${rate}`;
    if (bytesPerSecond === null || bytesPerSecond >= slowBytesPerSecond) {
      return fine('member', member, found);
    }
    const remedy = 'updates will take long: a better line, or a longer roundTimeoutMs in the plan';
    return { check: 'member', subject: member, outcome: 'warn', found, remedy };
  }
  if (failure === null) {
    const found =
      addresses.length === 0
        ? 'it has no address and dials out only; it has not dialled yet'
        : 'not tried';
    return { check: 'member', subject: member, outcome: 'unknown', found, remedy: null };
  }
  const remedy = isOwnFault
    ? `no member was reached: look at this side first, its cable, VPN and firewall; then ${remedies[failure.layer]}`
    : remedies[failure.layer];
  const found = `not reached, at ${failure.layer}: ${failure.words}`;
  return { check: 'member', subject: member, outcome: 'warn', found, remedy };
}
