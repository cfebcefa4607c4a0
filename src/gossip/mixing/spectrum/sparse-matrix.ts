/** The matrix of a graph, multiplied link by link. */
import type { MixingGraph } from '../mixing-graph.ts';

/** What is known of a matrix: its products with vectors of `size` numbers, which give new vectors. */
export interface Operator {
  readonly size: number;
  times(x: Float64Array): Float64Array;
  timesTransposed(x: Float64Array): Float64Array;
}

/** W of a graph, as rows one after the other. */
export function operatorOf({ size, incoming }: MixingGraph): Operator {
  const starts = new Int32Array(size + 1);
  incoming.forEach((links, row) => {
    starts[row + 1] = (starts[row] ?? 0) + links.length;
  });
  const columns = Int32Array.from(incoming.flatMap((links) => links.map(({ from }) => from)));
  const weights = Float64Array.from(incoming.flatMap((links) => links.map(({ weight }) => weight)));
  return {
    size,
    times: (x) => {
      const out = new Float64Array(size);
      for (let row = 0; row < size; row++) {
        let sum = 0;
        for (let i = starts[row] as number; i < (starts[row + 1] as number); i++) {
          sum += (weights[i] as number) * (x[columns[i] as number] as number);
        }
        out[row] = sum;
      }
      return out;
    },
    timesTransposed: (x) => {
      const out = new Float64Array(size);
      for (let row = 0; row < size; row++) {
        const value = x[row] as number;
        for (let i = starts[row] as number; i < (starts[row + 1] as number); i++) {
          const column = columns[i] as number;
          out[column] = (out[column] as number) + (weights[i] as number) * value;
        }
      }
      return out;
    },
  };
}

/** The product of matrices of which the first acts first. */
export function productOf(operators: readonly Operator[]): Operator {
  return {
    size: operators[0]?.size ?? 0,
    times: (x) => operators.reduce((value, operator) => operator.times(value), x),
    timesTransposed: (x) =>
      operators.reduceRight((value, operator) => operator.timesTransposed(value), x),
  };
}

/** x less its mean. */
export function centred(x: Float64Array): Float64Array {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  return x.map((value) => value - mean);
}

/** a · b */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
