/**
 * Before its first vote after a start a node asks the others what they hold of its votes: a disk that went back in
 * time (a restored backup, a copied machine) has forgotten some, and would vote the opposite.
 *
 * It waits for q-1 others. Fewer could not decide anything together with it, so waiting costs nothing; more cannot be
 * waited for, since f may be away. Answers need no vote of the answerer, so nodes that all start at once answer each
 * other. It also waits until it is as far as one honest answerer: what it decided before stands in those decisions.
 */
import type { HeightState } from './height-state.ts';

/** Answers of one start. */
export class MemoryCheck {
  /** Stands in question and answers: an answer to an earlier start does not count. */
  readonly nonce: number;
  /** The height at which the disk left off, and what it knows of own votes there. */
  readonly start: Pick<HeightState, 'height' | 'rules'>;
  readonly #heights = new Map<number, number>();

  constructor(nonce: number, start: Pick<HeightState, 'height' | 'rules'>) {
    this.nonce = nonce;
    this.start = start;
  }

  /** Member `index`, which is deciding `height`, has shown what it holds. */
  heard(index: number, height: number): void {
    this.#heights.set(index, height);
  }

  hasHeard(index: number): boolean {
    return this.#heights.has(index);
  }

  /** Whether a node that is deciding `height` may vote. `voters` are the others with a vote; f and q are the set's. */
  isPassed(
    height: number,
    voters: readonly number[],
    { faultMax, quorum }: { readonly faultMax: number; readonly quorum: number },
  ): boolean {
    const told = voters.flatMap((index) => this.#heights.get(index) ?? []).sort((a, b) => b - a);
    // Of the f+1 that claim most, one is honest.
    return told.length >= quorum - 1 && (told[faultMax] ?? 0) <= height;
  }
}
