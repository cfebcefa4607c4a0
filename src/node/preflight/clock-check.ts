/** Whether this machine's clock can be right. */
import type { NodeId } from '../../base/index.ts';
import { fine, type Finding } from './finding.ts';

/** What time it is here, and what is known of time elsewhere. Milliseconds since 1970. */
export interface ClockFacts {
  readonly nowMs: number;
  /** Things that have happened: no clock may stand before them. */
  readonly past: readonly { readonly what: string; readonly atMs: number }[];
  /** How far this clock is ahead of each member's that could be asked. */
  readonly aheadMs: readonly number[];
  /** A block further off than this is not accepted. */
  readonly skewMsMax: number;
}

const remedy =
  'set the clock from a time server: timedatectl set-ntp true, or the time service of this machine';

/** The clock against the past and against the members: half of them cannot all be wrong in the same way. */
export function checkClock({ nowMs, past, aheadMs, skewMsMax }: ClockFacts): Finding {
  const latest = [...past].sort((a, b) => b.atMs - a.atMs)[0];
  if (latest !== undefined && nowMs + skewMsMax < latest.atMs) {
    const found = `${span(latest.atMs - nowMs)} before ${latest.what}, which is in the past`;
    return { check: 'clock', subject: 'this machine', outcome: 'fail', found, remedy };
  }
  const sorted = [...aheadMs].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) {
    const found = 'after everything known here; no member could be asked for its time';
    return fine('clock', 'this machine', found);
  }
  const side = median < 0 ? 'behind' : 'ahead of';
  const found = `${span(Math.abs(median))} ${side} the members' clocks (median of ${sorted.length})`;
  if (Math.abs(median) <= skewMsMax / 2) return fine('clock', 'this machine', found);
  const outcome = Math.abs(median) > skewMsMax ? 'fail' : 'warn';
  const limit = `; blocks more than ${span(skewMsMax)} off are refused`;
  return { check: 'clock', subject: 'this machine', outcome, found: found + limit, remedy };
}

/** Members whose clock is not near that of most, this one's among them: theirs is wrong, and blocks of theirs are refused. */
export function checkMemberClocks(
  aheadMs: readonly { readonly member: NodeId; readonly aheadMs: number }[],
  skewMsMax: number,
): Finding[] {
  const all = [0, ...aheadMs.map((one) => one.aheadMs)].sort((a, b) => a - b);
  const middle = all[Math.floor(all.length / 2)] ?? 0;
  return aheadMs
    .filter((one) => Math.abs(one.aheadMs - middle) > skewMsMax / 2)
    .map(({ member, aheadMs: ms }): Finding => {
      const [by, side] = [span(Math.abs(ms - middle)), ms > middle ? 'behind' : 'ahead of'];
      return {
        ...{ check: 'clock', subject: member, outcome: 'warn' },
        found: `its clock is ${by} ${side} those of most members`,
        remedy: 'ask its operator to set the clock from a time server',
      };
    });
}

/** A length of time in the unit that fits it. */
export function span(ms: number): string {
  const units = [
    [86_400_000, 'days'],
    [3_600_000, 'hours'],
    [60_000, 'minutes'],
  ] as const;
  const unit = units.find(([size]) => ms >= 2 * size);
  return unit === undefined
    ? `${(ms / 1000).toFixed(1)} s`
    : `${(ms / unit[0]).toFixed(1)} ${unit[1]}`;
}
