/** The timers of one epoch of a peer, by name. Each runs its task in the peer's queue. */
import type { CancelTimer, Clock } from '../base/index.ts';
import type { Task } from './event-queue.ts';

/** See the file's header. */
export class Timers {
  readonly #clock: Pick<Clock, 'setTimer'>;
  readonly #post: (task: Task) => void;
  readonly #running = new Map<string, CancelTimer>();
  #isOver = false;

  constructor(clock: Pick<Clock, 'setTimer'>, post: (task: Task) => void) {
    this.#clock = clock;
    this.#post = post;
  }

  /** Replaces a running timer of the same name. */
  set(name: string, delayMs: number, task: Task): void {
    if (this.#isOver) return;
    this.clear(name);
    const cancel = this.#clock.setTimer(delayMs, () => {
      this.#running.delete(name);
      this.#post(() => (this.#isOver ? undefined : task()));
    });
    this.#running.set(name, cancel);
  }

  /** Ends a timer; nothing happens when none of that name runs. */
  clear(name: string): void {
    this.#running.get(name)?.();
    this.#running.delete(name);
  }

  /** Ends all timers for good: what is set later never runs, nor does a task that waits in the queue. */
  end(): void {
    this.#isOver = true;
    for (const cancel of this.#running.values()) cancel();
    this.#running.clear();
  }
}
