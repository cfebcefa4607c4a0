/** The weighted mean of quantised updates, in integers: any order of adding gives the same bytes. */
import { invariant } from '../../base/index.ts';
import { WeightsError, checkWeight, valueMax, type FixedPoint } from '../../weights/index.ts';

/** mean = fround(Σq · wMax / (W · 2^s)), with W the sum of weights. */
export class IntegerMean {
  readonly #fixedPoint: FixedPoint;
  readonly #weightMax: number;
  readonly #sum: Int32Array;
  #weightSum = 0;
  #valueMaxSum = 0;

  /** For vectors of `length` quantised with `fixedPoint` and `weightMax`. */
  constructor(length: number, fixedPoint: FixedPoint, weightMax: number) {
    this.#fixedPoint = fixedPoint;
    this.#weightMax = weightMax;
    this.#sum = new Int32Array(length);
  }

  /**
   * Adds one update; on an error nothing was added.
   * @throws {WeightsError} 'shape_mismatch', 'bad_weight', or 'out_of_range' when a value is larger than
   * its weight allows (a sender that would pull harder than it says)
   */
  add(values: Int32Array, weight: number): void {
    if (values.length !== this.#sum.length) {
      const expected = `${this.#sum.length} values`;
      throw new WeightsError(
        { code: 'shape_mismatch', expected },
        `expected ${expected}, got ${values.length}`,
      );
    }
    checkWeight(weight, this.#weightMax);
    const max = valueMax({ weight, weightMax: this.#weightMax }, this.#fixedPoint);
    // Decided by the bounds, not by the sums, so that it cannot depend on the order.
    invariant(
      this.#valueMaxSum + max < 2 ** 31,
      'no more updates than the fixed point was made for',
    );
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (value > max || value < -max) {
        throw new WeightsError(
          { code: 'out_of_range', index: i },
          `expected values within ±${max}, got ${value} at ${i}`,
        );
      }
    }
    this.#valueMaxSum += max;
    this.#weightSum += weight;
    const sum = this.#sum;
    for (let i = 0; i < values.length; i++) sum[i] = (sum[i] ?? 0) + (values[i] ?? 0);
  }

  /** W: the sum of the weights added so far. */
  get weightSum(): number {
    return this.#weightSum;
  }

  /** The mean delta, float32. Needs at least one update. */
  mean(): Float32Array {
    invariant(this.#weightSum > 0, 'a mean has an update');
    const divisor = this.#weightSum * 2 ** this.#fixedPoint.fractionBits;
    const out = new Float32Array(this.#sum.length);
    for (let i = 0; i < out.length; i++) {
      // float64 throughout; storing rounds to float32 (Math.fround).
      out[i] = ((this.#sum[i] ?? 0) * this.#weightMax) / divisor;
    }
    return out;
  }
}
