/**
 * The weighted mean of a round's updates, in integers: any order of adding gives the same bytes. It takes updates one after
 * the other, each in pieces, and holds one integer for each parameter of the model and nothing more.
 * docs/specs/wire.md, 4.2
 */
import { invariant } from '../../base/index.ts';
import { checkCount, fixedPointFor, type FixedPoint } from '../../weights/index.ts';
import type { AveragingRule } from './averaging-rule.ts';
import {
  UpdateBounds,
  ValueBounds,
  weightIn,
  type Segment,
  type UpdateWeights,
} from './head-weights.ts';

/** Places [start, end) of the flat vector. */
export interface ValueRange {
  readonly start: number;
  readonly end: number;
}

/** What a segment's updates have counted so far. */
interface SegmentTotal {
  weight: number;
  /** Of the largest values that they could hold. */
  valueMax: number;
}

/** mean = fround(Σq · wMax / (W · 2^s)), with W the sum of weights; a head's over the updates that trained it. */
export class RoundSum {
  readonly #segments: readonly Segment[];
  readonly #rule: Pick<AveragingRule, 'weightMax' | 'outerRate'>;
  readonly #fixedPoint: FixedPoint;
  readonly #range: ValueRange;
  readonly #sum: Int32Array;
  readonly #totals: readonly SegmentTotal[];

  /**
   * For updates of the model that has these segments.
   * @param range the part of the vector that is added up; all of it where absent
   */
  constructor(
    segments: readonly Segment[],
    rule: Pick<AveragingRule, 'memberCount' | 'clamp' | 'weightMax' | 'outerRate'>,
    range: ValueRange = { start: 0, end: segments.at(-1)?.end ?? 0 },
  ) {
    this.#segments = segments;
    this.#rule = rule;
    this.#fixedPoint = fixedPointFor(rule.memberCount, rule.clamp);
    this.#range = range;
    this.#sum = new Int32Array(range.end - range.start);
    this.#totals = segments.map(() => ({ weight: 0, valueMax: 0 }));
  }

  /**
   * Begins one more update. When one of its values is refused, the sum is worth nothing any more.
   * @throws {WeightsError} 'bad_weight', or 'shape_mismatch' unless its heads are the model's
   */
  begin(weights: UpdateWeights): UpdateUnderWay {
    return new UpdateUnderWay(this.#sum, this.#range, this.count(weights));
  }

  /**
   * Counts an update that somebody else has added, and whose share comes by `take`.
   * @returns what its values may be
   * @throws {WeightsError} as `begin`
   */
  count(weights: UpdateWeights): ValueBounds {
    const { weightMax } = this.#rule;
    const scale = { weightMax, fixedPoint: this.#fixedPoint };
    const bounds = new UpdateBounds(this.#segments, weights, scale);
    for (const [index, total] of this.#totals.entries()) {
      total.weight += weightIn(this.#segments[index] as Segment, weights);
      total.valueMax += bounds.maxima[index] ?? 0;
      // Decided by the bounds, not by the sums, so that it cannot depend on the order.
      invariant(total.valueMax < 2 ** 31, 'no more updates than the fixed point was made for');
    }
    return bounds;
  }

  /**
   * Takes values of the sum of all counted updates, as somebody else made them; the first stands at `start` of the flat vector.
   * @throws {WeightsError} 'shape_mismatch', or 'out_of_range' for a value that no such updates can have come to
   */
  take(values: Int32Array, start: number): void {
    const maxima = this.#totals.map(({ valueMax }) => valueMax);
    new ValueBounds(this.#segments, maxima).check(values, start);
    this.#sum.set(values, start - this.#range.start);
  }

  /** The sum so far, not a copy. */
  get values(): Int32Array {
    return this.#sum;
  }

  /** base + rate · mean for numbers of one tensor, the first at `start` of the flat vector; each rounded to float32. */
  applyTo(base: Float32Array, start: number): Float32Array {
    const { outerRate, weightMax } = this.#rule;
    const index = this.#segments.findIndex(({ end }) => start < end);
    const { weight } = this.#totals[index] ?? { weight: 0 };
    const divisor = weight * 2 ** this.#fixedPoint.fractionBits;
    const sum = this.#sum;
    const first = start - this.#range.start;
    const out = new Float32Array(base.length);
    for (let i = 0; i < out.length; i++) {
      const total = sum[first + i] as number;
      const mean = weight === 0 ? 0 : Math.fround((total * weightMax) / divisor);
      out[i] = (base[i] as number) + outerRate * mean;
    }
    return out;
  }
}

/** An update that is being added. */
class UpdateUnderWay {
  readonly #sum: Int32Array;
  readonly #range: ValueRange;
  readonly #bounds: ValueBounds;
  #count = 0;

  constructor(sum: Int32Array, range: ValueRange, bounds: ValueBounds) {
    this.#sum = sum;
    this.#range = range;
    this.#bounds = bounds;
  }

  /** The next values. @throws {WeightsError} as `UpdateBounds.check`, or 'shape_mismatch' for more than the range has */
  add(values: Int32Array): void {
    const count = this.#count + values.length;
    if (count > this.#sum.length) checkCount(count, this.#sum.length);
    this.#bounds.check(values, this.#range.start + this.#count);
    addTo(this.#sum, values, this.#count);
    this.#count = count;
  }

  /** @throws {WeightsError} 'shape_mismatch' unless all values came */
  end(): void {
    checkCount(this.#count, this.#sum.length);
  }
}

function addTo(sum: Int32Array, values: Int32Array, start: number): void {
  for (let i = 0; i < values.length; i++) {
    sum[start + i] = (sum[start + i] as number) + (values[i] as number);
  }
}
