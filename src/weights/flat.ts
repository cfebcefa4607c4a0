/** Differences of models, as one long vector in the order of the parameter list; and whether two models are of one layout. */
import { WeightsError } from './errors.ts';
import { parameterCount, type ModelWeights } from './tensors.ts';

/**
 * after − base, each difference rounded to float32, flat.
 * @throws {WeightsError} 'shape_mismatch' unless both have the same names and shapes in the same order
 */
export function delta(after: ModelWeights, base: ModelWeights): Float32Array {
  checkSameLayout(after, base);
  const out = new Float32Array(parameterCount(base));
  let offset = 0;
  for (const [at, { data }] of after.entries()) {
    out.set(difference(data, base[at]?.data ?? data), offset);
    offset += data.length;
  }
  return out;
}

/** after − base of two lists of one length, each difference rounded to float32. */
export function difference(after: Float32Array, base: Float32Array): Float32Array {
  checkCount(after.length, base.length);
  const out = new Float32Array(base.length);
  for (let i = 0; i < out.length; i++) out[i] = (after[i] as number) - (base[i] as number);
  return out;
}

/** @throws {WeightsError} 'shape_mismatch' unless names and shapes agree, in order. */
export function checkSameLayout(actual: ModelWeights, expected: ModelWeights): void {
  const layoutOf = (weights: ModelWeights): string[] =>
    weights.map(({ name, shape }) => `${name} [${shape.join(',')}]`);
  const [got, wanted] = [layoutOf(actual), layoutOf(expected)];
  const index = wanted.findIndex((layout, i) => layout !== got[i]);
  if (index >= 0 || got.length !== wanted.length) {
    throw mismatch(wanted[index] ?? `${wanted.length} tensors`);
  }
}

/** @throws {WeightsError} 'shape_mismatch' */
export function checkCount(actual: number, expected: number): void {
  if (actual !== expected) throw mismatch(`${expected} values, got ${actual}`);
}

function mismatch(expected: string): WeightsError {
  return new WeightsError({ code: 'shape_mismatch', expected }, `expected ${expected}`);
}
