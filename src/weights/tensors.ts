/** Named arrays: the form in which a model is stored, hashed, averaged and sent. No TF.js here. */

/** One parameter: PyTorch's name and layout, row-major float32. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Names and shapes of a model's parameters, in the order of its parameter list. */
export type ModelLayout = readonly Pick<NamedTensor, 'name' | 'shape'>[];

/** A model's parameters in the order of its parameter list. */
export type ModelWeights = readonly NamedTensor[];

/** How many elements a shape has; 1 for a scalar (empty shape). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** How many numbers a model has. */
export function parameterCount(layout: ModelLayout): number {
  return layout.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** Names and shapes without the numbers. */
export function layoutOf(weights: ModelWeights): ModelLayout {
  return weights.map(({ name, shape }) => ({ name, shape }));
}
