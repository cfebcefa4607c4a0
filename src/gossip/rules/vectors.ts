/** The robust rules over plain vectors of floats: for laboratories, and to hold the rule over integers against. */
import { checkCount } from '../../weights/index.ts';
import type { RobustRule } from '../../wire/index.ts';
import { Gram } from './gram.ts';
import type { Vector } from '../mixing/mix.ts';
import { headMean, middleOf } from './head-rule.ts';

/**
 * The robust mean of changes with these weights, in float64. The order of `vectors` decides rounding and ties.
 * @param weights above 0
 * @throws {WeightsError} 'shape_mismatch' unless all are as long as the first
 */
export function robustVector(
  vectors: readonly Vector[],
  weights: readonly number[],
  rule: RobustRule,
): Float64Array {
  const size = vectors[0]?.length ?? 0;
  for (const vector of vectors) checkCount(vector.length, size);
  const gram = new Gram(vectors.length);
  gram.add(vectors, 0, size);
  const order = vectors.map((_, at) => at);
  const ones = vectors.map(() => 1);
  const mean = headMean(weights, gram.geometry(order, ones), rule);
  const out = new Float64Array(size);
  if (mean.kind === 'mixture') {
    for (const [at, vector] of vectors.entries()) {
      const coefficient = mean.coefficients[at] as number;
      for (let t = 0; t < size; t++) {
        out[t] = (out[t] as number) + coefficient * (vector[t] as number);
      }
    }
    return out;
  }
  const [values, room] = [new Float64Array(order.length), new Float64Array(order.length)];
  for (let t = 0; t < size; t++) {
    for (const [at, vector] of vectors.entries()) values[at] = vector[t] as number;
    out[t] = middleOf(mean, values, room);
  }
  return out;
}

/** |a - b| */
export function distance(a: Vector, b: Vector): number {
  checkCount(b.length, a.length);
  let sum = 0;
  for (let t = 0; t < a.length; t++) {
    const difference = (a[t] as number) - (b[t] as number);
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
