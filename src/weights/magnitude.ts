/** What a weight of a trained model can be. */
import type { ModelWeights } from './tensors.ts';

/** Trained weights are below 100, and running variances of foreign models below a few thousand. */
export const weightMax = 1e6;

/** Index of the first number that no trained model has: NaN, infinite or beyond `weightMax`; -1 when all are fine. */
export function oddWeightIn(data: Float32Array): number {
  return data.findIndex((value) => !(Math.abs(value) <= weightMax));
}

/** The first such number of a model, with the parameter's name; `null` when all are fine. */
export function oddWeightOf(
  weights: ModelWeights,
): { readonly name: string; readonly value: number } | null {
  for (const { name, data } of weights) {
    const at = oddWeightIn(data);
    if (at >= 0) return { name, value: data[at] ?? NaN };
  }
  return null;
}
