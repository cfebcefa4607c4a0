/** Graphs that follow from the number of nodes alone. */
import type { Edge } from '../mixing-graph.ts';

/** Node i beside i + 1, and the last beside the first. */
export function ringEdges(size: number): Edge[] {
  const edges = Array.from({ length: size - 1 }, (_, i): Edge => [i, i + 1]);
  return size > 2 ? [...edges, [0, size - 1]] : edges;
}

/**
 * Rows and columns of a torus: the factors of `size` that are closest to each other, so that it is as square as can be.
 * A prime has one row alone.
 */
export function torusShape(size: number): readonly [rows: number, columns: number] {
  let rows = Math.floor(Math.sqrt(size));
  while (size % rows !== 0) rows--;
  return [rows, size / rows];
}

/** Node r · columns + c beside its four neighbours in a grid whose ends meet. A side of two has one edge, not two. */
export function torusEdges(size: number): Edge[] {
  const [rows, columns] = torusShape(size);
  const edges: Edge[] = [];
  for (let row = 0; row < rows; row++) {
    for (const [a, b] of ringEdges(columns)) edges.push([row * columns + a, row * columns + b]);
  }
  for (let column = 0; column < columns; column++) {
    for (const [a, b] of ringEdges(rows)) edges.push([a * columns + column, b * columns + column]);
  }
  return edges;
}

/** Node 0 beside all others. */
export function starEdges(size: number): Edge[] {
  return Array.from({ length: size - 1 }, (_, i): Edge => [0, i + 1]);
}

/** Everybody beside everybody. */
export function completeEdges(size: number): Edge[] {
  return Array.from({ length: size }, (_, a) =>
    Array.from({ length: size - a - 1 }, (_, i): Edge => [a, a + 1 + i]),
  ).flat();
}

/** How many hops an exponential graph has: ceil(log2 size). */
export function exponentialHopCount(size: number): number {
  return Math.ceil(Math.log2(size));
}

/** Whom each node hears that hears the nodes so many places before it. */
export function heardOverHops(size: number, hops: readonly number[]): number[][] {
  return Array.from({ length: size }, (_, node) => hops.map((hop) => (node - hop + size) % size));
}
