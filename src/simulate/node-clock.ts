/** What one machine takes for the time: virtual time with a skew and a drift, which may change while it runs. */
import { invariant, type CancelTimer, type Clock } from '../base/index.ts';
import type { Process } from './process.ts';

/** How a machine's clock goes wrong. */
export interface ClockError {
  /** What it is ahead of virtual time from now on, ms; negative when behind. */
  readonly skewMs: number;
  /** What it gains, in parts per million: 100 gains 8.6 s a day. */
  readonly driftPpm: number;
}

/** No error. */
export const trueClock: ClockError = Object.freeze({ skewMs: 0, driftPpm: 0 });

/** The clock of one machine, for one program after the other. Never falls, as the port demands. */
export class NodeClock {
  readonly #time: Clock;
  #error: ClockError = trueClock;
  #sinceMs: number;
  #lastMs = -Infinity;

  constructor(time: Clock) {
    this.#time = time;
    this.#sinceMs = time.nowMs();
  }

  /** Sets the error from now on. A clock that would fall stands still until it is caught up with. */
  setError(error: ClockError): void {
    invariant(error.driftPpm > -1_000_000, 'a clock goes forward');
    this.#error = error;
    this.#sinceMs = this.#time.nowMs();
  }

  /** The port of a program that runs on this machine. Its timers end with it, and wait while it is paused. */
  of(process: Process): Clock {
    return {
      nowMs: () => this.#nowMs(),
      setTimer: (delayMs, fire): CancelTimer => {
        let isCancelled = false;
        const cancel = this.#time.setTimer(delayMs / this.#rate(), () => {
          process.wake(() => {
            // A paused program may cancel it before it comes to it.
            if (!isCancelled) fire();
          });
        });
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
  }

  #rate(): number {
    return 1 + this.#error.driftPpm / 1e6;
  }

  #nowMs(): number {
    const trueMs = this.#time.nowMs();
    const gainedMs = (trueMs - this.#sinceMs) * (this.#rate() - 1);
    this.#lastMs = Math.max(this.#lastMs, trueMs + this.#error.skewMs + gainedMs);
    return this.#lastMs;
  }
}
