/**
 * How much an update counts, head by head: a hospital without a label of a task has not trained that task's head, and
 * shall not thin the others' mean of it. docs/specs/wire.md, 4.2
 */
import {
  WeightsError,
  checkWeight,
  valueMax,
  type FixedPoint,
  checkCount,
  type ModelWeights,
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
export function segmentsOf(layout: ModelWeights): Segment[] {
  const segments: Segment[] = [];
  for (const { name, data } of layout) {
    const head = headOf(name);
    const last = segments.at(-1);
    const start = last?.end ?? 0;
    const end = start + data.length;
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
export function weightIn({ head }: Segment, { weight, heads }: UpdateWeights): number {
  return head === null ? weight : (heads[head] ?? 0);
}

/**
 * Refuses an update that is not of this model, or pulls harder anywhere than it says.
 * @throws {WeightsError} 'shape_mismatch' unless the values are as many as the model has and the heads are the model's,
 * 'bad_weight', or 'out_of_range' for a value larger than its weight allows: any but 0 where the weight is 0
 */
export function checkUpdate(
  values: Int32Array,
  weights: UpdateWeights,
  segments: readonly Segment[],
  weightMax: number,
  fixedPoint: FixedPoint,
): void {
  checkCount(values.length, segments.at(-1)?.end ?? 0);
  checkWeight(weights.weight, weightMax);
  const expected = headsOf(segments);
  if (Object.keys(weights.heads).sort().join() !== expected.join()) {
    const wanted = `weights of ${expected.length === 0 ? 'no heads' : expected.join(', ')}`;
    throw new WeightsError({ code: 'shape_mismatch', expected: wanted }, `expected ${wanted}`);
  }
  for (const segment of segments) {
    const weight = weightIn(segment, weights);
    if (weight !== 0) checkWeight(weight, weights.weight);
    const max = weight === 0 ? 0 : valueMax({ weight, weightMax }, fixedPoint);
    for (let i = segment.start; i < segment.end; i++) {
      const value = values[i] as number;
      if (value > max || value < -max) {
        throw new WeightsError(
          { code: 'out_of_range', index: i },
          `expected values within ±${max}, got ${value} at ${i}`,
        );
      }
    }
  }
}
