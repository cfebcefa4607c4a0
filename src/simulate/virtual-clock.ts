/** Time that passes only when told: the clock of simulations and tests. Deterministic for one schedule. */
import { setImmediate } from 'node:timers/promises';

import { invariant, type CancelTimer, type Clock } from '../base/index.ts';
import { sealingUnderWay } from '../crypto/index.ts';

/** When `runUntil` gives up. */
export interface RunLimits {
  /** Virtual time not to pass; unlimited when absent. */
  readonly untilMs?: number;
  /** Timers not to exceed; a million when absent. */
  readonly maxTimers?: number;
}

/** A `Clock` with a handle to turn. */
export interface VirtualClock extends Clock {
  /** Timers set and neither fired nor cancelled. */
  readonly pendingCount: number;
  /**
   * Time stands still until `work` settles: for work on other threads, which virtual time cannot see.
   * (Sealing by HPKE, which WebCrypto does elsewhere, is waited for without asking.)
   * Gives `work` back.
   */
  hold<T>(work: Promise<T>): Promise<T>;
  /**
   * Fires timers in order of time, then of setting, until `isDone`. Promises settle, and `isDone` is asked, after all of one time.
   * Whether `isDone` became true; false when no timer is left or a limit is reached.
   */
  runUntil(isDone: () => boolean, limits?: RunLimits): Promise<boolean>;
  /** Lets `durationMs` pass. */
  advance(durationMs: number): Promise<void>;
}

interface Timer {
  readonly atMs: number;
  readonly serial: number;
  fire: (() => void) | null;
}

/** A clock that starts at `startMs` (0 when absent). */
export function virtualClock(startMs = 0): VirtualClock {
  return new SteppedClock(startMs);
}

class SteppedClock implements VirtualClock {
  #nowMs: number;
  #serial = 0;
  #pending = 0;
  /** Binary heap: the earliest timer first. */
  readonly #heap: Timer[] = [];
  readonly #held = new Set<Promise<unknown>>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  get pendingCount(): number {
    return this.#pending;
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    invariant(delayMs >= 0 && Number.isFinite(delayMs), 'a delay is finite and not negative');
    const timer: Timer = { atMs: this.#nowMs + delayMs, serial: this.#serial++, fire };
    this.#push(timer);
    this.#pending++;
    return () => {
      if (timer.fire === null) return;
      timer.fire = null;
      this.#pending--;
    };
  }

  hold<T>(work: Promise<T>): Promise<T> {
    this.#held.add(work);
    const release = (): void => {
      this.#held.delete(work);
    };
    work.then(release, release);
    return work;
  }

  async runUntil(isDone: () => boolean, limits: RunLimits = {}): Promise<boolean> {
    const { untilMs = Infinity, maxTimers = 1_000_000 } = limits;
    await this.#settle();
    for (let fired = 0; fired < maxTimers; fired++) {
      if (isDone()) return true;
      const timer = this.#next();
      if (timer === null || timer.atMs > untilMs) return false;
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      fired += this.#fireUntil(timer.atMs, this.#serial, maxTimers - fired) - 1;
      await this.#settle();
    }
    return isDone();
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await this.runUntil(() => false, { untilMs });
    this.#nowMs = untilMs;
  }

  /** Fires what is due by `atMs` and was set before `serial`; gives how many. */
  #fireUntil(atMs: number, serial: number, countMax: number): number {
    let count = 0;
    for (; count < countMax; count++) {
      const timer = this.#next();
      if (timer === null || timer.atMs > atMs || timer.serial >= serial) break;
      this.#pop();
      const { fire } = timer;
      timer.fire = null;
      this.#pending--;
      fire?.();
    }
    return count;
  }

  async #settle(): Promise<void> {
    // One turn of the event loop runs every promise reaction that is ready, and those they make ready.
    await setImmediate();
    for (;;) {
      const busy = this.#held.size > 0 ? Promise.allSettled(this.#held) : sealingUnderWay();
      if (busy === null) return;
      await busy;
      await setImmediate();
    }
  }

  /** The earliest live timer; cancelled ones before it are dropped. */
  #next(): Timer | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return null;
      if (first.fire !== null) return first;
      this.#pop();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) break;
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let index = 0; ;) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      const child = right < heap.length && this.#isEarlier(right, left) ? right : left;
      if (child >= heap.length || !this.#swapIfEarlier(child, index)) break;
      index = child;
    }
  }

  #swapIfEarlier(a: number, b: number): boolean {
    if (!this.#isEarlier(a, b)) return false;
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return false;
    this.#heap[a] = y;
    this.#heap[b] = x;
    return true;
  }

  #isEarlier(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return false;
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.serial < y.serial);
  }
}
