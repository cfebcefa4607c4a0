/**
 * One run of a program on a virtual machine. Timers, the disk and the network wake it through here, so that a paused
 * program hears of everything late and in order, and a dead one of nothing.
 */

/** Messages that a paused program's machine keeps for it; more are lost, as full buffers of a kernel lose them. */
const messagesKeptMax = 4_096;

/** See the file's header. */
export class Process {
  #state: 'running' | 'paused' | 'dead' = 'running';
  #waiting: (() => void)[] = [];
  #messages = 0;
  readonly #onWake: () => void;

  /** @param onWake hears of every task before it runs */
  constructor(onWake: () => void = () => undefined) {
    this.#onWake = onWake;
  }

  /** Whether it will ever do anything again. */
  get isAlive(): boolean {
    return this.#state !== 'dead';
  }

  /** Whether it runs now. */
  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Runs `task` in the program: now, when it goes on, or never when it is dead. */
  wake(task: () => void): void {
    if (this.#state === 'running') this.#run(task);
    else if (this.#state === 'paused') this.#waiting.push(task);
  }

  /** As `wake`, for a message from outside, which is lost when too many wait. */
  deliver(task: () => void): void {
    if (this.#state === 'running') {
      this.#run(task);
    } else if (this.#state === 'paused' && this.#messages < messagesKeptMax) {
      this.#messages += 1;
      this.#waiting.push(task);
    }
  }

  /** Stops the program where it is. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** Lets it go on; what waited for it runs first, in the order it came. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#messages = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const task of waiting) this.wake(task);
  }

  /** Ends it for ever, between two instructions. */
  kill(): void {
    this.#state = 'dead';
    this.#waiting = [];
  }

  #run(task: () => void): void {
    this.#onWake();
    task();
  }
}
