/**
 * How many blobs are served at once. A member's first transfer never waits, so that those who ask for many cannot shut
 * the others out: at most `max` are open, or one for each member. Further ones wait in line, for a while.
 */
import type { NodeId } from '../base/index.ts';

interface Waiting {
  readonly enter: () => void;
}

/** See the file header. */
export class TransferSlots {
  readonly #max: number;
  readonly #waitMs: number;
  readonly #openBy = new Map<NodeId, number>();
  readonly #line: Waiting[] = [];
  #open = 0;

  constructor(max: number, waitMs: number) {
    this.#max = max;
    this.#waitMs = waitMs;
  }

  /** Transfers open now. */
  get open(): number {
    return this.#open;
  }

  /** A slot, to be given back by calling what is returned, once; `null` when none came free in time. */
  async take(member: NodeId): Promise<(() => void) | null> {
    const isFirst = (this.#openBy.get(member) ?? 0) === 0;
    if (!isFirst && this.#open >= this.#max && !(await this.#wait())) return null;
    this.#open += 1;
    this.#openBy.set(member, (this.#openBy.get(member) ?? 0) + 1);
    return () => {
      this.#open -= 1;
      const left = (this.#openBy.get(member) ?? 1) - 1;
      if (left > 0) this.#openBy.set(member, left);
      else this.#openBy.delete(member);
      if (this.#open < this.#max) this.#line.shift()?.enter();
    };
  }

  async #wait(): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        enter: () => {
          clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        resolve(false);
      }, this.#waitMs);
      this.#line.push(waiting);
    });
  }
}
