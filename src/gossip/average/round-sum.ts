/**
 * The weighted mean of a round's updates, in integers: any order of adding gives the same bytes. It takes updates one after
 * the other, each in pieces, and holds one integer for each parameter of the model and nothing more.
 * docs/specs/wire.md, 4.2
 */
import { invariant } from '../../base/index.ts';
import { checkCount, fixedPointFor, type FixedPoint } from '../../weights/index.ts';
import type { AveragingRule } from './averaging-rule.ts';
import { UpdateBounds, weightIn, type Segment, type UpdateWeights } from './head-weights.ts';

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
  readonly #sum: Int32Array;
  readonly #totals: readonly SegmentTotal[];

  /** For updates of the model that has these segments. */
  constructor(
    segments: readonly Segment[],
    rule: Pick<AveragingRule, 'memberCount' | 'clamp' | 'weightMax' | 'outerRate'>,
  ) {
    this.#segments = segments;
    this.#rule = rule;
    this.#fixedPoint = fixedPointFor(rule.memberCount, rule.clamp);
    this.#sum = new Int32Array(segments.at(-1)?.end ?? 0);
    this.#totals = segments.map(() => ({ weight: 0, valueMax: 0 }));
  }

  /**
   * Begins one more update. When one of its values is refused, the sum is worth nothing any more.
   * @throws {WeightsError} 'bad_weight', or 'shape_mismatch' unless its heads are the model's
   */
  begin(weights: UpdateWeights): UpdateUnderWay {
    const { weightMax } = this.#rule;
    const scale = { weightMax, fixedPoint: this.#fixedPoint };
    const bounds = new UpdateBounds(this.#segments, weights, scale);
    for (const [index, total] of this.#totals.entries()) {
      total.weight += weightIn(this.#segments[index] as Segment, weights);
      total.valueMax += bounds.maxima[index] ?? 0;
      // Decided by the bounds, not by the sums, so that it cannot depend on the order.
      invariant(total.valueMax < 2 ** 31, 'no more updates than the fixed point was made for');
    }
    return new UpdateUnderWay(this.#sum, bounds);
  }

  /** base + rate · mean for numbers of one tensor, the first at `start` of the flat vector; each rounded to float32. */
  applyTo(base: Float32Array, start: number): Float32Array {
    const { outerRate, weightMax } = this.#rule;
    const index = this.#segments.findIndex(({ end }) => start < end);
    const { weight } = this.#totals[index] ?? { weight: 0 };
    const divisor = weight * 2 ** this.#fixedPoint.fractionBits;
    const sum = this.#sum;
    const out = new Float32Array(base.length);
    for (let i = 0; i < out.length; i++) {
      const total = sum[start + i] as number;
      const mean = weight === 0 ? 0 : Math.fround((total * weightMax) / divisor);
      out[i] = (base[i] as number) + outerRate * mean;
    }
    return out;
  }
}

/** An update that is being added. */
class UpdateUnderWay {
  readonly #sum: Int32Array;
  readonly #bounds: UpdateBounds;
  #count = 0;

  constructor(sum: Int32Array, bounds: UpdateBounds) {
    this.#sum = sum;
    this.#bounds = bounds;
  }

  /** The next values. @throws {WeightsError} as `UpdateBounds.check` */
  add(values: Int32Array): void {
    this.#bounds.check(values, this.#count);
    addTo(this.#sum, values, this.#count);
    this.#count += values.length;
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
