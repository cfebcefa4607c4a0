/** Keeps a hospital's cases still while a job reads them: changes wait for a moment without jobs, jobs for a change under way. */

/** Many may read at once; a change is alone. A change that waits keeps no reader out, so that no vote waits for it. */
export class CaseGate {
  #readers = 0;
  #change: Promise<void> | null = null;
  #waiting: (() => void)[] = [];

  /** Runs `work`, after a change that is under way. */
  async read<T>(work: () => Promise<T>): Promise<T> {
    while (this.#change !== null) await this.#change;
    this.#readers += 1;
    try {
      return await work();
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0) this.#wake();
    }
  }

  /** Runs `work` as soon as nobody reads, and alone. */
  async change<T>(work: () => Promise<T>): Promise<T> {
    while (this.#readers > 0 || this.#change !== null) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const done = work();
    this.#change = done.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await done;
    } finally {
      this.#change = null;
      this.#wake();
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
