/**
 * The network of a simulated world. In bad times messages are lost, by a chance of each kind and receiver, cut off by
 * partitions that change, doubled and delayed by up to most of a second; after them only delayed.
 */
import type { Random } from '../../src/base/index.ts';
import type { EventQueue } from './event-queue.ts';

/** See the file's header. */
export class LossyNetwork {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #memberCount: number;
  readonly #isCalm: () => boolean;
  readonly #drop = new Map<string, number>();
  #partition: number[] = [];
  #sides: readonly number[] | null = null;

  constructor(queue: EventQueue, random: Random, memberCount: number, isCalm: () => boolean) {
    this.#queue = queue;
    this.#random = random;
    this.#memberCount = memberCount;
    this.#isCalm = isCalm;
  }

  /** Calls `deliver` for each copy that arrives. */
  transmit(from: number, to: number, kind: string, deliver: () => void): void {
    const copies = !this.#isCalm() && this.#random.uniform() < 0.05 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#isLost(from, to, kind)) continue;
      const range = this.#isCalm() ? 50 : this.#random.integer(4) * 250 + 50;
      this.#queue.after(1 + this.#random.integer(range), deliver);
    }
  }

  /** Bad times with these two sides and nothing else; members of neither (-1) hear and reach all. */
  split(sides: readonly number[]): void {
    this.#sides = sides;
  }

  /** Another partition now, and again until good times begin. */
  shufflePartition(): void {
    const sides = this.#random.uniform() < 0.5 ? 1 : 2;
    this.#partition = Array.from({ length: this.#memberCount }, () => this.#random.integer(sides));
    if (this.#isCalm()) return;
    this.#queue.after(500 + this.#random.integer(3_000), () => {
      this.shufflePartition();
    });
  }

  #isLost(from: number, to: number, kind: string): boolean {
    if (this.#isCalm()) return false;
    if (this.#sides !== null) {
      const [a = -1, b = -1] = [this.#sides[from], this.#sides[to]];
      return a >= 0 && b >= 0 && a !== b;
    }
    if (this.#partition[from] !== this.#partition[to]) return true;
    // Swarm: each seed has its own loss for each kind of message and receiver.
    const rule = `${kind}/${to}`;
    let chance = this.#drop.get(rule);
    if (chance === undefined) {
      chance = [0, 0, 0.3, 0.6, 0.9, 1][this.#random.integer(6)]!;
      this.#drop.set(rule, chance);
    }
    return this.#random.uniform() < chance;
  }
}
