/** Two graphs, until the topologies are there. */
import type { MixingTopology } from '../wire/index.ts';

/** One voice that a node hears. */
export interface Link {
  readonly from: number;
  readonly weight: number;
}

/** One gossip step. */
export interface MixingGraph {
  readonly size: number;
  readonly incoming: readonly (readonly Link[])[];
}

/** A ring, or one peer at a time. */
export function mixingGraph(
  topology: MixingTopology,
  size: number,
  { step }: { readonly seed: string; readonly round: number; readonly step: number },
): MixingGraph {
  const nodes = Array.from({ length: size }, (_, i) => i);
  if (size === 1) return { size, incoming: [[{ from: 0, weight: 1 }]] };
  const hops = Math.max(1, Math.ceil(Math.log2(size)));
  const heard = (node: number): number[] => {
    if (topology.kind !== 'ring') return [node, (node + size - 2 ** (step % hops)) % size];
    return [...new Set([(node + size - 1) % size, node, (node + 1) % size])];
  };
  const incoming = nodes.map((node) => {
    const sources = heard(node).sort((a, b) => a - b);
    return sources.map((from) => ({ from, weight: 1 / sources.length }));
  });
  return { size, incoming };
}

/** Whether all columns sum to 1. */
export function keepsMean({ size, incoming }: MixingGraph): boolean {
  const sums = new Float64Array(size);
  for (const links of incoming) {
    for (const { from, weight } of links) sums[from] = (sums[from] ?? 0) + weight;
  }
  return sums.every((sum) => Math.abs(sum - 1) < 1e-9);
}

/** Who hears each node. */
export function listenersOf({ size, incoming }: MixingGraph): number[][] {
  const listeners: number[][] = Array.from({ length: size }, () => []);
  incoming.forEach((links, node) => {
    for (const { from } of links) if (from !== node) listeners[from]?.push(node);
  });
  return listeners;
}

/** As it is. */
export function pushGraph(graph: MixingGraph): MixingGraph {
  return graph;
}
