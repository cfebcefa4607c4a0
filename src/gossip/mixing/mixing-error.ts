/**
 * How far a member's model can be from the true mean after some steps, whatever the contributions are, within the clamp; with
 * what the rounding of states adds where they travel compressed. docs/specs/mixing-round.md, 3
 */
import type { TravelCompression } from '../../wire/index.ts';
import type { UpdateWeights } from '../average/head-weights.ts';
import type { MixingGraph } from './mixing-graph.ts';

/** Of a member, the share of each contribution, or of each rounding, in its state. */
type Shares = readonly Float64Array[];

/** What rounding loses of a number at most, of the largest in its block: half of a step of 127, or of the last of 8 bits. */
const lostShares: Readonly<Record<TravelCompression, number>> = { int8: 1 / 254, bf16: 1 / 512 };

/** Shares below this are none any more: 10^-12 of what was rounded away is nothing beside any bound. */
const shareMin = 1e-12;

/** A state before a step: of the contributions, and by column what rounding may have changed of it. */
interface State {
  readonly shares: Shares;
  readonly lost: readonly Float64Array[];
}

/** The roundings of one step: how much of each member's is in each state, and by column how large they are. */
interface Roundings {
  shares: Shares;
  readonly sizes: readonly Float64Array[];
}

/** See the file's header. */
export class MixingError {
  readonly #clamp: number;
  readonly #lost: number;
  /** Weights by head: shared parameters first. */
  readonly #columns: readonly (readonly number[])[];
  /** For the state before each step, the last one for the one under way. */
  readonly #states: State[];
  readonly #roundings: Roundings[] = [];
  /** By step, so that later ones find what they refer to. */
  readonly #sizes: (readonly Float64Array[])[] = [];

  /** @param compression of states on their way; null for none */
  constructor(
    weights: readonly UpdateWeights[],
    clamp: number,
    compression: TravelCompression | null,
  ) {
    this.#clamp = clamp;
    this.#lost = compression === null ? 0 : lostShares[compression];
    const heads = Object.keys(weights[0]?.heads ?? {}).map((head) =>
      weights.map((one) => one.heads[head] ?? 0),
    );
    this.#columns = [weights.map(({ weight }) => weight), ...heads].filter((column) =>
      column.some((weight) => weight > 0),
    );
    const shares = weights.map((_, at) => {
      const own = new Float64Array(weights.length);
      own[at] = 1;
      return own;
    });
    const nothing = this.#columns.map(() => new Float64Array(weights.length));
    this.#states = [{ shares, lost: nothing }];
  }

  /** @param references for each member the step whose state its own is sent as a difference to; null for none */
  step(graph: MixingGraph, references: readonly (number | null)[]): void {
    if (this.#lost > 0) this.#round(graph, references);
    const { shares } = this.#now;
    this.#states.push({ shares: mixed(graph, shares), lost: this.#lostNow() });
  }

  /** Of the worst member, in one parameter. */
  max(): number {
    return Math.max(...this.#columns.map((column, at) => this.#maxOf(column, at)));
  }

  get #now(): State {
    return this.#states.at(-1) as State;
  }

  #maxOf(column: readonly number[], at: number): number {
    const total = column.reduce((sum, weight) => sum + weight, 0);
    const { shares: all, lost } = this.#now;
    return all.reduce((worst, shares, member) => {
      const own = shares.reduce((sum, share, i) => sum + share * (column[i] ?? 0), 0);
      if (own === 0) return Infinity;
      const apart = shares.reduce(
        (sum, share, i) => sum + (column[i] ?? 0) * Math.abs(share / own - 1 / total),
        0,
      );
      return Math.max(worst, apart * this.#clamp + (lost[at]?.[member] ?? 0) / own);
    }, 0);
  }

  /** What is sent is x + e and counts as that; the sender keeps -e: next = A x + (A - 1) e. */
  #round(graph: MixingGraph, references: readonly (number | null)[]): void {
    const sizes = this.#columns.map((column, at) =>
      Float64Array.from(references, (reference, member) => {
        return this.#lost * this.#differenceMax(column, at, member, reference);
      }),
    );
    this.#sizes.push(sizes);
    for (const rounding of this.#roundings) rounding.shares = mixed(graph, rounding.shares);
    const still = this.#roundings.filter(({ shares }) =>
      shares.some((row) => row.some((share) => Math.abs(share) > shareMin)),
    );
    const shares = graph.incoming.map((links, member) => {
      const row = new Float64Array(graph.size);
      for (const { from, weight } of links) row[from] = weight - (from === member ? 1 : 0);
      return row;
    });
    this.#roundings.splice(0, this.#roundings.length, ...still, { shares, sizes });
  }

  /** The largest number that a member can send. */
  #differenceMax(
    column: readonly number[],
    at: number,
    member: number,
    reference: number | null,
  ): number {
    const { shares, lost } = this.#now;
    const own = shares[member] ?? [];
    const earlier = reference === null ? null : this.#states[reference];
    let size = lost[at]?.[member] ?? 0;
    const before = earlier?.shares[member];
    for (const [i, share] of own.entries()) {
      size += this.#clamp * (column[i] ?? 0) * Math.abs(share - (before?.[i] ?? 0));
    }
    if (reference === null) return size;
    const rounded = this.#sizes[reference]?.[at]?.[member] ?? 0;
    return size + (earlier?.lost[at]?.[member] ?? 0) + rounded;
  }

  #lostNow(): Float64Array[] {
    return this.#columns.map((column, at) => {
      const out = new Float64Array(column.length);
      for (const { shares, sizes } of this.#roundings) {
        for (const [member, row] of shares.entries()) {
          let sum = 0;
          for (const [i, share] of row.entries()) sum += Math.abs(share) * (sizes[at]?.[i] ?? 0);
          out[member] = (out[member] ?? 0) + sum;
        }
      }
      return out;
    });
  }
}

function mixed({ incoming }: MixingGraph, shares: Shares): Shares {
  return incoming.map((links) => {
    const out = new Float64Array(shares.length);
    for (const { from, weight } of links) {
      const theirs = shares[from];
      if (theirs === undefined) continue;
      for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + weight * (theirs[i] ?? 0);
    }
    return out;
  });
}
