/**
 * How long a round of a stage is waited for, after how long its rounds took: what OPEN and CUT blocks say, so that every member
 * and auditor makes the same of it. docs/specs/manifest.md, "deadlineFactorMicro"
 */
import type { Cut, Open } from './block.ts';
import type { PlanStage } from './plan.ts';

/** What the rounds of a stage took so far. */
export interface Pace {
  /** From OPEN to CUT, ms, of the last rounds that lacked nobody; oldest first. */
  readonly tookMs: readonly number[];
  /** Rounds since then that lacked somebody, or ended without a CUT. */
  readonly lacking: number;
}

/** Before the first round of a stage, and when other members are in force. */
export const noPace: Pace = Object.freeze({ tookMs: [], lacking: 0 });

/** So many rounds are remembered: one that was odd does not move the middle of five. */
export const paceRoundsMax = 5;
/** No deadline is shorter than this part of the plan's. */
const shortestShare = 10;
/** Who is slow for good must not hold up all others: its work comes late, and is carried into a later round. */
const doublingsMax = 2;

type PacedStage = Pick<PlanStage, 'roundTimeoutMs' | 'deadlineFactorMicro'>;

/**
 * min(limit, max(limit / 10, factor · median) · 2^min(lacking, 2)), with `roundTimeoutMs` as the limit; the limit itself without
 * a factor, or before a round was complete. Who was too slow once is waited for twice as long the next time.
 */
export function roundTimeMs(
  { roundTimeoutMs, deadlineFactorMicro }: PacedStage,
  { tookMs, lacking }: Pace,
): number {
  const sorted = [...tookMs].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (deadlineFactorMicro === undefined || median === undefined) return roundTimeoutMs;
  const wanted = Math.ceil((median * deadlineFactorMicro) / 1e6);
  const shortest = Math.ceil(roundTimeoutMs / shortestShare);
  return Math.min(
    roundTimeoutMs,
    Math.max(shortest, wanted) * 2 ** Math.min(lacking, doublingsMax),
  );
}

/** The pace after the first CUT of a round. @param ts time of its block, ms since 1970 */
export function paceAfterCut(
  pace: Pace,
  stage: PacedStage,
  open: Pick<Open, 'deadline' | 'participants'>,
  cut: Pick<Cut, 'updates'>,
  ts: number,
): Pace {
  if (cut.updates.length < open.participants.length) return paceAfterLack(pace);
  // The deadline was set by this very pace.
  const openedMs = open.deadline - roundTimeMs(stage, pace);
  const tookMs = [...pace.tookMs, Math.max(0, ts - openedMs)].slice(-paceRoundsMax);
  return { tookMs, lacking: 0 };
}

/** The pace after a round that lacked somebody. */
export function paceAfterLack({ tookMs, lacking }: Pace): Pace {
  return { tookMs, lacking: lacking + 1 };
}
