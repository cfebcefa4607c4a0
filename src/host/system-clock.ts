/** The machine's clock as a port: wall time that never falls, and timers. */
import type { CancelTimer, Clock } from '../base/index.ts';

/** Longest delay a Node timer keeps; a longer one would fire at once. */
const delayMsMax = 2 ** 31 - 1;

/** Wall time anchored once to the monotonic clock: steps of the system clock do not reach timers. */
export function systemClock(): Clock {
  const offsetMs = Date.now() - performance.now();
  return {
    nowMs: () => Math.floor(offsetMs + performance.now()),
    setTimer(delayMs: number, fire: () => void): CancelTimer {
      const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), delayMsMax));
      return () => {
        clearTimeout(timer);
      };
    },
  };
}
