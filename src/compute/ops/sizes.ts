/** How many values shapes and tensors have. */

/** Values of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** Values of a tensor. */
export function countOf({ shape }: { readonly shape: readonly number[] }): number {
  return sizeOf(shape);
}

/** The next multiple of 4, for tables read in whole vectors. */
export function roundUp4(count: number): number {
  return Math.ceil(count / 4) * 4;
}
