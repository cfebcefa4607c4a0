/**
 * The time of a run: the machine's, but for the pauses. A run that was ended and goes on later finds its rounds'
 * deadlines as far away as they were, so that it takes the course it would have taken.
 */
import type { Clock } from '../../base/index.ts';

/** A clock that can be moved on, never back. */
export interface RunClock extends Clock {
  /** From the first call on, time goes on from `ms`; later calls move it forward only. */
  continueFrom(ms: number): void;
}

/** The time of `machine` until `continueFrom` moves it. */
export function runClock(machine: Clock): RunClock {
  let offsetMs: number | null = null;
  return {
    nowMs: () => machine.nowMs() + (offsetMs ?? 0),
    setTimer: (delayMs, fire) => machine.setTimer(delayMs, fire),
    continueFrom: (ms) => {
      offsetMs = Math.max(offsetMs ?? -Infinity, ms - machine.nowMs());
    },
  };
}
