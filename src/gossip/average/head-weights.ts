/**
 * How much an update counts, head by head: a hospital without a label of a task has not trained that task's head, and
 * shall not thin the others' mean of it. docs/specs/wire.md, 4.2
 */
import {
  WeightsError,
  checkCount,
  checkWeight,
  elementCount,
  valueMax,
  type FixedPoint,
  type ModelLayout,
} from '../../weights/index.ts';

/** What one update counts. */
export interface UpdateWeights {
  /** Samples, from 1 to the agreed maximum: for all parameters that belong to no head. */
  readonly weight: number;
  /** For each head of the model the samples with its label, from 0 (not trained) to `weight`. */
  readonly heads: Readonly<Record<string, number>>;
}

/** Places [start, end) of the flat vector that belong to one head, or to none (`null`). */
export interface Segment {
  readonly head: string | null;
  readonly start: number;
  readonly end: number;
}

/** The head that a parameter belongs to by its name; `null` for what all tasks share, and in a U-Net of one head. */
export function headOf(name: string): string | null {
  return /^(?:decoder\.heads|outs)\.([^.]+)\./.exec(name)?.[1] ?? null;
}

/** The flat vector of a model in stretches of one head, in order. */
export function segmentsOf(layout: ModelLayout): Segment[] {
  const segments: Segment[] = [];
  for (const { name, shape } of layout) {
    const head = headOf(name);
    const last = segments.at(-1);
    const start = last?.end ?? 0;
    const end = start + elementCount(shape);
    if (last?.head === head) segments[segments.length - 1] = { ...last, end };
    else segments.push({ head, start, end });
  }
  return segments;
}

/** Heads that have parameters of their own, ascending. */
export function headsOf(segments: readonly Segment[]): string[] {
  const heads = segments.flatMap(({ head }) => (head === null ? [] : [head]));
  return [...new Set(heads)].sort();
}

/** What an update counts in a segment: 0 where it did not train. */
export function weightIn(
  { head }: Pick<Segment, 'head'>,
  { weight, heads }: UpdateWeights,
): number {
  return head === null ? weight : (heads[head] ?? 0);
}

/** The number that weights are shares of, and how finely. */
export interface WeightScale {
  readonly weightMax: number;
  readonly fixedPoint: FixedPoint;
}

/** The largest |value| that each segment of a vector may have. */
export class ValueBounds {
  readonly #segments: readonly Segment[];
  readonly #maxima: readonly number[];

  /** @param maxima one for each segment */
  constructor(segments: readonly Segment[], maxima: readonly number[]) {
    this.#segments = segments;
    this.#maxima = maxima;
  }

  /** Largest |value| of each segment: 0 where the update did not train. */
  get maxima(): readonly number[] {
    return this.#maxima;
  }

  /**
   * Checks a stretch of values, of which the first stands at `start` of the flat vector.
   * @throws {WeightsError} 'shape_mismatch' when they go beyond the model, or 'out_of_range' for a value larger than its
   * weight allows: any but 0 where the weight is 0
   */
  check(values: Int32Array, start: number): void {
    const stop = start + values.length;
    if (stop > (this.#segments.at(-1)?.end ?? 0)) checkCount(stop, this.#segments.at(-1)?.end ?? 0);
    for (const [index, segment] of this.#segments.entries()) {
      if (segment.end <= start || segment.start >= stop) continue;
      const from = Math.max(segment.start, start) - start;
      const bad = beyond(
        values,
        from,
        Math.min(segment.end, stop) - start,
        this.#maxima[index] ?? 0,
      );
      if (bad < 0) continue;
      throw new WeightsError(
        { code: 'out_of_range', index: start + bad },
        `expected values within ±${this.#maxima[index] ?? 0}, got ${values[bad] ?? 0} at ${start + bad}`,
      );
    }
  }
}

/** What the values of one update may be: refuses one that is not of this model, or pulls harder anywhere than it says. */
export class UpdateBounds extends ValueBounds {
  /**
   * @throws {WeightsError} 'bad_weight', or 'shape_mismatch' unless the heads are the model's
   */
  constructor(segments: readonly Segment[], weights: UpdateWeights, scale: WeightScale) {
    super(segments, maximaOf(segments, weights, scale));
  }
}

function maximaOf(
  segments: readonly Segment[],
  weights: UpdateWeights,
  { weightMax, fixedPoint }: WeightScale,
): number[] {
  checkWeight(weights.weight, weightMax);
  const expected = headsOf(segments);
  if (Object.keys(weights.heads).sort().join() !== expected.join()) {
    const wanted = `weights of ${expected.length === 0 ? 'no heads' : expected.join(', ')}`;
    throw new WeightsError({ code: 'shape_mismatch', expected: wanted }, `expected ${wanted}`);
  }
  return segments.map((segment) => {
    const weight = weightIn(segment, weights);
    if (weight !== 0) checkWeight(weight, weights.weight);
    return weight === 0 ? 0 : valueMax({ weight, weightMax }, fixedPoint);
  });
}

/** Index of the first value of [from, to) beyond ±max; -1 for none. */
function beyond(values: Int32Array, from: number, to: number, max: number): number {
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (value > max || value < -max) return i;
  }
  return -1;
}
