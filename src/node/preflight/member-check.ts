/** Whether the other members can be reached, and what is between when they cannot. */
import type { ProbeReport } from '../../network/index.ts';
import { fine, type Finding } from './finding.ts';

const slowBytesPerSecond = 500_000;

/**
 * One line a member, and one for all. A failed attempt does not blame the member alone: where no other can be reached
 * either, it is likely this side's network, and the line says so.
 *
 * @param quorum members that must be there for a round, this one included
 */
export function checkMembers(reports: readonly ProbeReport[], quorum: number): Finding[] {
  const reached = reports.filter(({ link }) => link.state === 'connected').length;
  // Whoever answers, be it with a refusal, shows that this side's network works.
  const isSilent = ({ link: { problem } }: ProbeReport): boolean =>
    problem === null ||
    problem.layer === 'name' ||
    (problem.layer === 'tcp' && !problem.reason.includes('ECONNREFUSED'));
  const isOwnFault = reached === 0 && reports.length > 1 && reports.every(isSilent);
  const lines = reports.map((report) => lineOf(report, isOwnFault));
  const isEnough = reached + 1 >= quorum;
  const summary: Finding = {
    ...{ check: 'member', subject: 'all', outcome: isEnough ? 'ok' : 'warn' },
    found: `${reached} of ${reports.length} other members reached; a round needs ${quorum} of ${reports.length + 1}`,
    remedy: isEnough
      ? null
      : 'see the lines of those that were not reached; if the others have not started yet, start all the same: the node waits for them',
  };
  return [...lines, summary];
}

function lineOf({ link, roundTripMs, bytesPerSecond }: ProbeReport, isOwnFault: boolean): Finding {
  const { member, state, direction, problem } = link;
  if (state === 'connected') {
    const way = direction === 'inbound' ? 'it dialled this node' : 'direct';
    const trip = roundTripMs === null ? '' : `, ${roundTripMs.toFixed(0)} ms`;
    const rate =
      bytesPerSecond === null ? '' : `, ${((bytesPerSecond * 8) / 1e6).toFixed(1)} Mbit/s`;
    const found = `reached (${way})${trip}${rate}`;
    if (bytesPerSecond === null || bytesPerSecond >= slowBytesPerSecond) {
      return fine('member', member, found);
    }
    const remedy = 'updates will take long: a better line, or a longer roundTimeoutMs in the plan';
    return { check: 'member', subject: member, outcome: 'warn', found, remedy };
  }
  if (problem === null) {
    const found =
      state === 'waiting'
        ? 'it has no address and dials out only; it has not dialled yet'
        : 'not reached yet, and nothing is known to be wrong';
    return { check: 'member', subject: member, outcome: 'unknown', found, remedy: null };
  }
  const { layer, reason } = problem;
  const remedy = isOwnFault
    ? `no member was reached: look at this side first, its cable, VPN and firewall; then ${problem.remedy}`
    : problem.remedy;
  const found = `not reached, at ${layer}: ${reason}`;
  return { check: 'member', subject: member, outcome: 'warn', found, remedy };
}
