/** Models as one long vector, in the order of the parameter list; differences of models. */
import { WeightsError } from './errors.ts';
import { parameterCount, type ModelWeights } from './tensors.ts';

/** All parameters one after the other: a copy. */
export function flatten(weights: ModelWeights): Float32Array {
  const out = new Float32Array(parameterCount(weights));
  let offset = 0;
  for (const { data } of weights) {
    out.set(data, offset);
    offset += data.length;
  }
  return out;
}

/**
 * The inverse of `flatten` with the names and shapes of `template`: copies.
 * @throws {WeightsError} 'shape_mismatch' when the lengths differ
 */
export function unflatten(template: ModelWeights, flat: Float32Array): ModelWeights {
  checkLength(template, flat);
  let offset = 0;
  return template.map(({ name, shape, data }) => {
    const part = flat.slice(offset, offset + data.length);
    offset += data.length;
    return { name, shape, data: part };
  });
}

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

/**
 * base + rate · flat, each sum rounded to float32: the same bytes on every machine.
 * @throws {WeightsError} 'shape_mismatch' when the lengths differ
 */
export function applyDelta(base: ModelWeights, flat: Float32Array, rate = 1): ModelWeights {
  checkLength(base, flat);
  let offset = 0;
  return base.map(({ name, shape, data }) => {
    const begin = offset;
    offset += data.length;
    return { name, shape, data: data.map((value, i) => value + rate * (flat[begin + i] ?? 0)) };
  });
}

/** Euclidean length of a flat vector, in float64. */
export function l2Norm(flat: Float32Array): number {
  let sum = 0;
  for (const value of flat) sum += value * value;
  return Math.sqrt(sum);
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

function checkLength(template: ModelWeights, flat: Float32Array): void {
  checkCount(flat.length, parameterCount(template));
}

/** @throws {WeightsError} 'shape_mismatch' */
export function checkCount(actual: number, expected: number): void {
  if (actual !== expected) throw mismatch(`${expected} values, got ${actual}`);
}

function mismatch(expected: string): WeightsError {
  return new WeightsError({ code: 'shape_mismatch', expected }, `expected ${expected}`);
}
