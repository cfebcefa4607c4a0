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
  fire: (() => void) | null;
}

/** Timers of one time, in the order of setting. */
interface Step {
  readonly atMs: number;
  readonly timers: Timer[];
  /** The first that neither fired nor was found cancelled. */
  next: number;
}

/** A clock that starts at `startMs` (0 when absent). */
export function virtualClock(startMs = 0): VirtualClock {
  return new SteppedClock(startMs);
}

class SteppedClock implements VirtualClock {
  #nowMs: number;
  #pending = 0;
  /** By time. Messages come at whole milliseconds, many at one: what is ordered is the times, of which there are few. */
  readonly #steps = new Map<number, Step>();
  readonly #order = new TimeHeap();
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
    const atMs = this.#nowMs + delayMs;
    const timer: Timer = { fire };
    let step = this.#steps.get(atMs);
    if (step === undefined) {
      step = { atMs, timers: [], next: 0 };
      this.#steps.set(atMs, step);
      this.#order.push(step);
    }
    step.timers.push(timer);
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
    for (let fired = 0; fired < maxTimers;) {
      if (isDone()) return true;
      const step = this.#next();
      if (step === null || step.atMs > untilMs) return false;
      this.#nowMs = Math.max(this.#nowMs, step.atMs);
      fired += this.#fire(step, maxTimers - fired);
      await this.#settle();
    }
    return isDone();
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await this.runUntil(() => false, { untilMs });
    this.#nowMs = untilMs;
  }

  /** Fires what was set for this time before now, no more than `countMax`; gives how many. What is set meanwhile waits. */
  #fire(step: Step, countMax: number): number {
    const { timers } = step;
    const end = timers.length;
    let count = 0;
    while (step.next < end && count < countMax) {
      const timer = timers[step.next++];
      if (timer?.fire == null) continue;
      const { fire } = timer;
      timer.fire = null;
      this.#pending--;
      count++;
      fire();
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

  /** The earliest step with a live timer; those without are dropped. */
  #next(): Step | null {
    for (;;) {
      const step = this.#order.first;
      if (step === null) return null;
      const { timers } = step;
      while (step.next < timers.length && timers[step.next]?.fire === null) step.next++;
      if (step.next < timers.length) return step;
      this.#steps.delete(step.atMs);
      this.#order.pop();
    }
  }
}

/** Binary heap of steps: the earliest first. */
class TimeHeap {
  readonly #heap: Step[] = [];

  get first(): Step | null {
    return this.#heap[0] ?? null;
  }

  push(step: Step): void {
    const heap = this.#heap;
    let index = heap.push(step) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) break;
      index = parent;
    }
  }

  pop(): void {
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
    return x !== undefined && y !== undefined && x.atMs < y.atMs;
  }
}
