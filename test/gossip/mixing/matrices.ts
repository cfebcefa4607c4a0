/** Graphs as matrices, by plain arithmetic. */
import type { MixingGraph } from '../../../src/gossip/index.ts';

/** W: row i is what node i makes of all. */
export function matrixOf({ size, incoming }: MixingGraph): number[][] {
  return incoming.map((links) => {
    const row = new Array<number>(size).fill(0);
    for (const { from, weight } of links) row[from] = weight;
    return row;
  });
}

/** a · b */
export function product(a: readonly number[][], b: readonly number[][]): number[][] {
  return a.map((row) => b.map((_, j) => row.reduce((sum, x, k) => sum + x * (b[k]?.[j] ?? 0), 0)));
}

/** The largest difference from 1/n anywhere. */
export function distanceFromMean(w: readonly number[][]): number {
  return Math.max(...w.flatMap((row) => row.map((x) => Math.abs(x - 1 / w.length))));
}
