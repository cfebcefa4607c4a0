/**
 * An order of updates that follows from what they say, so that the order they came in decides nothing: by weights, then by
 * the first value in which they differ. Who is not told apart by it says the same.
 */
import type { UpdateWeights } from '../average/head-weights.ts';
import type { Values } from './gram.ts';

/** Made of one pass, in pieces. */
export class ContentOrder {
  readonly #weights: readonly UpdateWeights[];
  /** Pairs that no value has told apart. */
  #alike: (readonly [number, number])[];
  /** Of a pair i, j at i · n + j: whether i is the smaller. */
  readonly #isBefore: Uint8Array;

  constructor(weights: readonly UpdateWeights[]) {
    this.#weights = weights;
    const count = weights.length;
    this.#isBefore = new Uint8Array(count * count);
    this.#alike = weights.flatMap((_, i) =>
      Array.from({ length: i }, (__, j): readonly [number, number] => [i, j]),
    );
  }

  /** Looks at the first `count` of each member's next values. */
  add(members: readonly Values[], count: number): void {
    if (this.#alike.length === 0) return;
    this.#alike = this.#alike.filter(([i, j]) => {
      const [a, b] = [members[i] as Values, members[j] as Values];
      let t = 0;
      while (t < count && a[t] === b[t]) t++;
      if (t === count) return true;
      const [first, second] = (a[t] as number) < (b[t] as number) ? [i, j] : [j, i];
      this.#isBefore[first * this.#weights.length + second] = 1;
      return false;
    });
  }

  /** Places of the updates in this order. */
  order(): number[] {
    const count = this.#weights.length;
    return this.#weights
      .map((_, i) => i)
      .sort((i, j) => {
        const byWeight = compareWeights(this.#weights[i], this.#weights[j]);
        if (byWeight !== 0) return byWeight;
        return (this.#isBefore[j * count + i] ?? 0) - (this.#isBefore[i * count + j] ?? 0);
      });
  }
}

function compareWeights(a: UpdateWeights | undefined, b: UpdateWeights | undefined): number {
  if (a === undefined || b === undefined) return 0;
  if (a.weight !== b.weight) return a.weight - b.weight;
  for (const head of Object.keys(a.heads).sort()) {
    const difference = (a.heads[head] ?? 0) - (b.heads[head] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
