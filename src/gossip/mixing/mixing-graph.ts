/**
 * Who hears whom in one gossip step, and with what weight. Rows sum to 1, so that a step is a mean of what a node heard;
 * in an undirected graph columns do too, so that the mean over all nodes stays what it was. docs/specs/mixing.md
 */

/** One voice that a node hears, itself included. */
export interface Link {
  /** Index of the node that is heard. */
  readonly from: number;
  /** Its share of the mean, above 0; a node's own may be 0. */
  readonly weight: number;
}

/** One gossip step: `incoming[i]` is what node i hears, itself always included, ascending by `from`. */
export interface MixingGraph {
  readonly size: number;
  readonly incoming: readonly (readonly Link[])[];
}

/** Two nodes that hear each other. */
export type Edge = readonly [number, number];

/** Most nodes of a graph. */
export const mixingSizeMax = 4096;

/** Most links of a graph, so that a complete graph of thousands is refused and not built. */
export const mixingLinksMax: number = 2 ** 21;

/**
 * Metropolis-Hastings weights of an undirected graph: w_ij = 1 / (1 + max(d_i, d_j)), w_ii = 1 - Σ w_ij
 * (Xiao, Boyd, Kim 2007). Symmetric and doubly stochastic whatever the degrees.
 * @param edges each pair once, no loops
 */
export function metropolisGraph(size: number, edges: readonly Edge[]): MixingGraph {
  const degrees = new Int32Array(size);
  for (const [a, b] of edges) {
    degrees[a] = (degrees[a] ?? 0) + 1;
    degrees[b] = (degrees[b] ?? 0) + 1;
  }
  return symmetricGraph(
    size,
    edges.map(([a, b]) => [a, b, 1 / (1 + Math.max(degrees[a] ?? 0, degrees[b] ?? 0))]),
  );
}

/** An undirected graph with given weights; what they leave over of 1 a node gives itself. */
export function symmetricGraph(
  size: number,
  edges: readonly (readonly [number, number, number])[],
): MixingGraph {
  const incoming: Link[][] = Array.from({ length: size }, () => []);
  for (const [a, b, weight] of edges) {
    incoming[a]?.push({ from: b, weight });
    incoming[b]?.push({ from: a, weight });
  }
  return { size, incoming: incoming.map(withSelf) };
}

/** A directed graph in which everybody takes the plain mean of itself and what it hears: rows sum to 1, columns need not. */
export function directedGraph(heard: readonly (readonly number[])[]): MixingGraph {
  const incoming = heard.map((sources, node) => {
    const weight = 1 / (sources.length + 1);
    return ascending([...sources, node].map((from) => ({ from, weight })));
  });
  return { size: heard.length, incoming };
}

/**
 * The same links with weights that fit the sender: a node splits what it has into equal parts for all that hear it and
 * itself. Columns sum to 1, which is what push-sum needs (Kempe, Dobra, Gehrke 2003); rows need not.
 */
export function pushGraph({ size, incoming }: MixingGraph): MixingGraph {
  const listeners = listenerCounts({ size, incoming });
  return {
    size,
    incoming: incoming.map((links) =>
      links.map(({ from }) => ({ from, weight: 1 / (1 + (listeners[from] ?? 0)) })),
    ),
  };
}

/**
 * (1 - γ) I + γ W: a shorter step in the same direction.
 * @param consensusStep γ, above 0, at most 1
 */
export function relaxedGraph({ size, incoming }: MixingGraph, consensusStep: number): MixingGraph {
  return {
    size,
    incoming: incoming.map((links, node) =>
      links.map(({ from, weight }) => ({
        from,
        weight: consensusStep * weight + (from === node ? 1 - consensusStep : 0),
      })),
    ),
  };
}

/** How many others hear each node: so often its message leaves it in this step. */
export function listenerCounts({ size, incoming }: MixingGraph): Int32Array {
  const counts = new Int32Array(size);
  incoming.forEach((links, node) => {
    for (const { from } of links) if (from !== node) counts[from] = (counts[from] ?? 0) + 1;
  });
  return counts;
}

/** Who hears each node, itself not included: where its message of this step goes. Ascending. */
export function listenersOf({ size, incoming }: MixingGraph): number[][] {
  const listeners: number[][] = Array.from({ length: size }, () => []);
  incoming.forEach((links, node) => {
    for (const { from } of links) if (from !== node) listeners[from]?.push(node);
  });
  return listeners;
}

/** Whether the mean over all nodes stays: all columns sum to 1. Where they do not, push-sum finds the mean. */
export function keepsMean({ size, incoming }: MixingGraph): boolean {
  const sums = new Float64Array(size);
  for (const links of incoming) {
    for (const { from, weight } of links) sums[from] = (sums[from] ?? 0) + weight;
  }
  return sums.every((sum) => Math.abs(sum - 1) < 1e-9);
}

function withSelf(links: readonly Link[], node: number): Link[] {
  // Added in ascending order, so that all who compute it get the same bits.
  const others = ascending(links);
  const weight = others.reduce((left, link) => left - link.weight, 1);
  return ascending([...others, { from: node, weight: Math.max(0, weight) }]);
}

function ascending(links: readonly Link[]): Link[] {
  return [...links].sort((a, b) => a.from - b.from);
}
