/** Whether what one node knows can reach all others. */
import type { Edge } from '../mixing-graph.ts';

/** Whether every node can be reached from every other along undirected edges. */
export function isConnected(size: number, edges: readonly Edge[]): boolean {
  return reachesAll(size, [...edges, ...edges.map(([a, b]): Edge => [b, a])]);
}

/** Whether every node can be reached from every other along directed edges [from, to]. */
export function isStronglyConnected(size: number, edges: readonly Edge[]): boolean {
  const reversed = edges.map(([from, to]): Edge => [to, from]);
  return reachesAll(size, edges) && reachesAll(size, reversed);
}

function reachesAll(size: number, edges: readonly Edge[]): boolean {
  const next: number[][] = Array.from({ length: size }, () => []);
  for (const [from, to] of edges) next[from]?.push(to);
  const seen = new Uint8Array(size);
  seen[0] = 1;
  const open = [0];
  let count = 1;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const to of next[node] ?? []) {
      if (seen[to] === 1) continue;
      seen[to] = 1;
      count++;
      open.push(to);
    }
  }
  return count === size;
}
