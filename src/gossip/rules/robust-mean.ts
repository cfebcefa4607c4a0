/**
 * The robust mean of a round's updates: for each head over those that trained it, to the same bytes on every machine and for
 * any order of the updates. All updates go by side by side, in pieces: once to be looked at where the rule needs it, and once
 * to be combined. It holds one float for each parameter. docs/specs/robust-rules.md
 */
import { invariant } from '../../base/index.ts';
import { checkCount, fixedPointFor } from '../../weights/index.ts';
import type { RobustRule } from '../../wire/index.ts';
import type { AveragingRule } from '../average/averaging-rule.ts';
import {
  UpdateBounds,
  weightIn,
  type Segment,
  type UpdateWeights,
} from '../average/head-weights.ts';
import { ContentOrder } from './content-order.ts';
import { Gram } from './gram.ts';
import { headMean, middleOf, needsGeometry, type HeadMean } from './head-rule.ts';

/** Sums of integers are exact in float64 below this. */
const exactLimit = 2 ** 53;
/** Values combined at a time. */
const tileValues = 8192;

/** The members that trained a head. */
interface HeadPart {
  readonly head: string | null;
  /** Places in the list of updates. */
  readonly members: readonly number[];
  readonly gram: Gram;
  combine: Combine | null;
}

/** What becomes of a stretch of the members' values. */
type Combine = (values: readonly Int32Array[], from: number, to: number, out: Float32Array) => void;

/** The rule of a round with its robust part. */
export type RobustAveraging = AveragingRule & { readonly robust: RobustRule };

/** Whether a rule has a robust part. */
export function isRobust(rule: AveragingRule): rule is RobustAveraging {
  return rule.robust !== undefined;
}

/** See the file's header. Single use: `look` at all values where `looks`, then `combine` all, then `applyTo`. */
export class RobustMean {
  /** Whether all values must go by once before they are combined. */
  readonly looks: boolean;
  readonly #segments: readonly Segment[];
  readonly #updates: readonly UpdateWeights[];
  readonly #rule: RobustAveraging;
  readonly #fractionBits: number;
  readonly #bounds: readonly UpdateBounds[];
  readonly #parts: readonly HeadPart[];
  readonly #order: ContentOrder;
  readonly #mean: Float32Array;
  #looked = 0;
  #combined = 0;

  /** @throws {WeightsError} 'bad_weight', or 'shape_mismatch' unless the heads of each update are the model's */
  constructor(
    segments: readonly Segment[],
    updates: readonly UpdateWeights[],
    rule: RobustAveraging,
  ) {
    const { memberCount, clamp, weightMax, robust } = rule;
    const fixedPoint = fixedPointFor(memberCount, clamp);
    this.#segments = segments;
    this.#updates = updates;
    this.#rule = rule;
    this.#fractionBits = fixedPoint.fractionBits;
    this.#bounds = updates.map((one) => new UpdateBounds(segments, one, { weightMax, fixedPoint }));
    this.looks = needsGeometry(robust);
    const heads = [...new Set(segments.map(({ head }) => head))];
    this.#parts = heads.map((head) => {
      const places = updates.map((_, at) => at);
      const members = places.filter((at) => weightIn({ head }, updates[at] as UpdateWeights) > 0);
      return { head, members, gram: new Gram(members.length), combine: null };
    });
    this.#order = new ContentOrder(updates);
    this.#mean = new Float32Array(segments.at(-1)?.end ?? 0);
  }

  /**
   * The next values of every update, as many of each.
   * @throws {WeightsError} as `UpdateBounds.check`
   */
  look(values: readonly Int32Array[]): void {
    const count = this.#check(values, this.#looked);
    this.#order.add(values, count);
    this.#eachStretch(this.#looked, count, (part, from, to) => {
      const own = part.members.map((at) => values[at] as Int32Array);
      part.gram.add(own, from, to);
    });
    this.#looked += count;
  }

  /** As `look`, from the first value on. */
  combine(values: readonly Int32Array[]): void {
    if (this.#combined === 0) this.#decide();
    const count = this.looks ? (values[0]?.length ?? 0) : this.#check(values, this.#combined);
    this.#eachStretch(this.#combined, count, (part, from, to) => {
      if (part.members.length === 0) return;
      const own = part.members.map((at) => values[at] as Int32Array);
      const out = this.#mean.subarray(this.#combined + from, this.#combined + to);
      invariant(part.combine !== null, 'it was decided how to combine');
      part.combine(own, from, to, out);
    });
    this.#combined += count;
  }

  /** @throws {WeightsError} 'shape_mismatch' unless all values came */
  end(): void {
    if (this.looks) checkCount(this.#looked, this.#mean.length);
    checkCount(this.#combined, this.#mean.length);
  }

  /** base + rate · mean for numbers of one tensor, the first at `start` of the flat vector; each rounded to float32. */
  applyTo(base: Float32Array, start: number): Float32Array {
    const { outerRate } = this.#rule;
    return base.map((value, i) => value + outerRate * (this.#mean[start + i] as number));
  }

  #check(values: readonly Int32Array[], start: number): number {
    for (const [at, bounds] of this.#bounds.entries()) {
      bounds.check(values[at] as Int32Array, start);
    }
    return values[0]?.length ?? 0;
  }

  /** The stretches of each head among `count` values from `start` on, as places in these. */
  #eachStretch(
    start: number,
    count: number,
    take: (part: HeadPart, from: number, to: number) => void,
  ): void {
    for (const { head, start: first, end } of this.#segments) {
      const [from, to] = [Math.max(first - start, 0), Math.min(end - start, count)];
      const part = this.#parts.find((one) => one.head === head);
      if (from < to && part !== undefined) take(part, from, to);
    }
  }

  #decide(): void {
    const rank = new Map(this.#order.order().map((at, place) => [at, place]));
    for (const part of this.#parts) {
      const places = part.members.map((_, at) => at);
      const placeOf = (at: number): number => rank.get(part.members[at] as number) ?? 0;
      const order = places.sort((a, b) => placeOf(a) - placeOf(b));
      const weights = part.members.map((at) => weightIn(part, this.#updates[at] as UpdateWeights));
      const scales = weights.map((weight) => this.#unit / weight);
      const geometry = part.gram.geometry(order, scales);
      const ordered = order.map((at) => weights[at] as number);
      const mean = headMean(ordered, geometry, this.#rule.robust);
      part.combine =
        mean.kind === 'mixture'
          ? this.#mixing(part, order, mean.coefficients, weights)
          : this.#middling(order, mean, weights);
    }
  }

  /** A value q of weight w is the change q / w times this. */
  get #unit(): number {
    return this.#rule.weightMax / 2 ** this.#fractionBits;
  }

  /** Σ B_i q_i / U with integers B_i, all sums exact. */
  #mixing(
    { head, members }: HeadPart,
    order: readonly number[],
    coefficients: readonly number[],
    weights: readonly number[],
  ): Combine {
    const factors = new Array<number>(order.length).fill(0);
    for (const [place, at] of order.entries()) {
      factors[at] = ((coefficients[place] as number) * this.#unit) / (weights[at] as number);
    }
    const segment = this.#segments.findIndex((one) => one.head === head);
    const maxima = members.map((at) => this.#bounds[at]?.maxima[segment] ?? 0);
    const { integers, scale } = asIntegers(factors, maxima);
    const sums = new Float64Array(tileValues);
    return (values, from, to, out) => {
      for (let at = from; at < to; at += tileValues) {
        const count = Math.min(tileValues, to - at);
        sums.fill(0);
        for (const [i, integer] of integers.entries()) {
          const own = values[i] as Int32Array;
          for (let t = 0; t < count; t++) {
            sums[t] = (sums[t] as number) + integer * (own[at + t] as number);
          }
        }
        for (let t = 0; t < count; t++) out[at - from + t] = (sums[t] as number) / scale;
      }
    };
  }

  #middling(
    order: readonly number[],
    mean: Extract<HeadMean, { kind: 'middle' }>,
    weights: readonly number[],
  ): Combine {
    const changes = new Float64Array(order.length);
    const room = new Float64Array(order.length);
    const unit = this.#unit;
    return (values, from, to, out) => {
      for (let t = from; t < to; t++) {
        for (let place = 0; place < changes.length; place++) {
          const at = order[place] as number;
          changes[place] = ((values[at] as Int32Array)[t] as number) / (weights[at] as number);
        }
        out[t - from] = middleOf(mean, changes, room) * unit;
      }
    };
  }
}

/**
 * Factors as integers times 1/scale: the scale is the largest power of two with which Σ |B_i| · max_i stays below 2^53, so that any
 * sum of products is exact.
 */
function asIntegers(
  factors: readonly number[],
  maxima: readonly number[],
): { integers: number[]; scale: number } {
  for (let bits = 60; bits >= -60; bits--) {
    const scale = 2 ** bits;
    const integers = factors.map((factor) => Math.floor(factor * scale + 0.5));
    const bound = integers.reduce(
      (sum, one, i) => sum + Math.abs(one) * Math.max(1, maxima[i] as number),
      0,
    );
    if (bound < exactLimit) return { integers, scale };
  }
  invariant(false, 'coefficients are shares');
}
