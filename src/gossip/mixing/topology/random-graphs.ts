/** Graphs drawn from the agreed chance. Every function draws one; whether it is connected is for the caller to see. */
import type { Edge } from '../mixing-graph.ts';
import type { AgreedDraws } from './agreed-draws.ts';
import { completeEdges } from './fixed-graphs.ts';

/** Attempts to pair stubs before a regular graph is given up; each succeeds for most degrees more often than not. */
const pairingAttemptsMax = 1000;

/**
 * A graph in which all have the same degree, nearly uniform among all (Steger and Wormald 1999). Above half of all
 * neighbours the edges that are missing are drawn instead, which is the same law and does not get stuck.
 * @param degree below `size`, and even when `size` is odd
 * @returns null when the pairing got stuck too often
 */
export function regularEdges(size: number, degree: number, draws: AgreedDraws): Edge[] | null {
  if (2 * degree > size - 1) {
    const missing = regularEdges(size, size - 1 - degree, draws);
    if (missing === null) return null;
    const gone = new Set(missing.map(([a, b]) => a * size + b));
    return completeEdges(size).filter(([a, b]) => !gone.has(a * size + b));
  }
  for (let attempt = 0; attempt < pairingAttemptsMax; attempt++) {
    const edges = pairedStubs(size, degree, draws);
    if (edges !== null) return edges;
  }
  return null;
}

function pairedStubs(size: number, degree: number, draws: AgreedDraws): Edge[] | null {
  const taken = new Set<number>();
  let stubs = Array.from({ length: size * degree }, (_, i) => Math.floor(i / degree));
  while (stubs.length > 0) {
    const left: number[] = [];
    const order = draws.shuffled(stubs);
    for (let i = 0; i + 1 < order.length; i += 2) {
      const [a, b] = [order[i] as number, order[i + 1] as number];
      const key = Math.min(a, b) * size + Math.max(a, b);
      if (a === b || taken.has(key)) left.push(a, b);
      else taken.add(key);
    }
    if (left.length === stubs.length && !hasPair(left, taken, size)) return null;
    stubs = left.sort((a, b) => a - b);
  }
  return sortedEdges(taken, size);
}

/** Whether two of these nodes have no edge yet. */
function hasPair(nodes: readonly number[], taken: ReadonlySet<number>, size: number): boolean {
  const distinct = [...new Set(nodes)].sort((a, b) => a - b);
  return distinct.some((a, i) => distinct.slice(i + 1).some((b) => !taken.has(a * size + b)));
}

/** Each pair with the same chance, independently, in the order (0,1), (0,2), … (Gilbert 1959). */
export function erdosRenyiEdges(size: number, edgeRate: number, draws: AgreedDraws): Edge[] {
  const edges: Edge[] = [];
  for (let a = 0; a < size; a++) {
    for (let b = a + 1; b < size; b++) if (draws.uniform() < edgeRate) edges.push([a, b]);
  }
  return edges;
}

/**
 * A small world (Watts and Strogatz 1998): a ring in which each node knows the `degree` nearest, and each edge's far end is
 * moved with the given chance to any node that is not yet beside it. Places on the ring are drawn too.
 * @param degree even and below `size`
 */
export function smallWorldEdges(
  size: number,
  { degree, rewireRate }: { readonly degree: number; readonly rewireRate: number },
  draws: AgreedDraws,
): Edge[] {
  const place = draws.shuffled(Array.from({ length: size }, (_, i) => i));
  const taken = new Set<number>();
  const keyOf = (a: number, b: number): number => Math.min(a, b) * size + Math.max(a, b);
  const counts = new Int32Array(size);
  const count = (node: number, by: number): void => {
    counts[node] = (counts[node] ?? 0) + by;
  };
  const lattice: Edge[] = [];
  for (let hop = 1; hop <= degree / 2; hop++) {
    for (let i = 0; i < size; i++) lattice.push([i, (i + hop) % size]);
  }
  for (const [a, b] of lattice) {
    if (taken.has(keyOf(a, b))) continue; // half-way round an even ring
    taken.add(keyOf(a, b));
    count(a, 1);
    count(b, 1);
  }
  for (const [a, b] of lattice) {
    if (draws.uniform() >= rewireRate || counts[a] === size - 1 || !taken.has(keyOf(a, b)))
      continue;
    let to = draws.below(size);
    while (to === a || taken.has(keyOf(a, to))) to = draws.below(size);
    taken.delete(keyOf(a, b));
    count(b, -1);
    taken.add(keyOf(a, to));
    count(to, 1);
  }
  const moved = [...taken].map((key) => {
    return keyOf(place[Math.floor(key / size)] as number, place[key % size] as number);
  });
  return sortedEdges(moved, size);
}

/** Pairs, each node in one of them; one is left over when their number is odd. */
export function matchingEdges(size: number, draws: AgreedDraws): Edge[] {
  const order = draws.shuffled(Array.from({ length: size }, (_, i) => i));
  return Array.from({ length: Math.floor(size / 2) }, (_, i): Edge => {
    return [order[2 * i] as number, order[2 * i + 1] as number];
  });
}

/**
 * EL-Oracle (de Vos et al. 2023): each node hears `degree` others, uniform among all, and as many hear it. Drawn as nodes on
 * a ring in a drawn order that hear those so many places before them, the distances drawn too.
 */
export function epidemicOracle(size: number, degree: number, draws: AgreedDraws): number[][] {
  const order = draws.shuffled(Array.from({ length: size }, (_, i) => i));
  const hops = draws.distinct(degree, size - 1).map((hop) => hop + 1);
  const heard: number[][] = Array.from({ length: size }, () => []);
  order.forEach((node, place) => {
    heard[node] = hops.map((hop) => order[(place - hop + size) % size] as number);
  });
  return heard;
}

/** EL-Local (de Vos et al. 2023): each node sends to `degree` others of its own choice; some hear many, some nobody. */
export function epidemicLocal(size: number, degree: number, draws: AgreedDraws): number[][] {
  const heard: number[][] = Array.from({ length: size }, () => []);
  for (let node = 0; node < size; node++) {
    for (const other of draws.distinct(degree, size - 1)) {
      heard[other < node ? other : other + 1]?.push(node);
    }
  }
  return heard;
}

/**
 * Regions: within a group all hear each other, and of each group one drawn node stands beside those of the other groups.
 * @param groups the group of each node
 */
export function clusterEdges(groups: readonly number[], draws: AgreedDraws): Edge[] {
  const regions = [...new Set(groups)]
    .sort((a, b) => a - b)
    .map((group) => [...groups.keys()].filter((node) => groups[node] === group));
  const heads = regions.map((nodes) => nodes[draws.below(nodes.length)] as number);
  const inside = regions.flatMap((nodes) => pairsOf(nodes));
  return [...inside, ...pairsOf(heads)];
}

function pairsOf(nodes: readonly number[]): Edge[] {
  return completeEdges(nodes.length).map(([a, b]): Edge => {
    return [nodes[a] as number, nodes[b] as number];
  });
}

function sortedEdges(keys: Iterable<number>, size: number): Edge[] {
  return [...keys].sort((a, b) => a - b).map((key): Edge => [Math.floor(key / size), key % size]);
}
