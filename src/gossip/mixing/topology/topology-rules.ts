/** What each kind of topology is: its graph, how its graphs follow each other, and what it cannot be. */
import {
  directedGraph,
  metropolisGraph,
  mixingLinksMax,
  symmetricGraph,
  type Edge,
  type MixingGraph,
} from '../mixing-graph.ts';
import type { AgreedDraws } from './agreed-draws.ts';
import { baseCycle } from './base-graph.ts';
import { isConnected, isStronglyConnected } from './connectivity.ts';
import {
  completeEdges,
  exponentialHopCount,
  heardOverHops,
  ringEdges,
  starEdges,
  torusEdges,
  torusShape,
} from './fixed-graphs.ts';
import {
  clusterEdges,
  epidemicLocal,
  epidemicOracle,
  erdosRenyiEdges,
  matchingEdges,
  regularEdges,
  smallWorldEdges,
} from './random-graphs.ts';
import type { Topology, TopologyCourse } from './topology.ts';

/** What a graph is made from besides its topology. */
interface Making {
  readonly draws: AgreedDraws;
  /** Place in a cycle before it is taken modulo its length. */
  readonly phase: number;
}

interface TopologyRule<T> {
  /** What is wrong with it for so many nodes, at least two, and what would do; null for nothing. */
  problem(topology: T, size: number): string | null;
  course(topology: T, size: number): TopologyCourse;
  /** Null when what was drawn is not connected. */
  graph(topology: T, size: number, making: Making): MixingGraph | null;
}

type Kind = Topology['kind'];
type Of<K extends Kind> = Extract<Topology, { kind: K }>;

/** The rule of a topology's kind. */
export function ruleOf({ kind }: Topology): TopologyRule<Topology> {
  return rules[kind];
}

const isStatic = (): TopologyCourse => ({ kind: 'static' });
const isDrawn = (): TopologyCourse => ({ kind: 'drawn' });
const isRedrawn = ({ redrawn }: { readonly redrawn: boolean }): TopologyCourse => ({
  kind: redrawn ? 'drawn' : 'static',
});
const noProblem = (): null => null;

function fixed(edges: (size: number) => Edge[]): TopologyRule<Topology> {
  return {
    problem: noProblem,
    course: isStatic,
    graph: (_, size) => metropolisGraph(size, edges(size)),
  };
}

const rules: { readonly [K in Kind]: TopologyRule<Of<K>> } = {
  ring: fixed(ringEdges),
  star: fixed(starEdges),
  complete: {
    ...fixed(completeEdges),
    problem: (_, size) => densityProblem(size - 1, size),
  },
  torus: {
    ...fixed(torusEdges),
    problem: (_, size) =>
      size < 4 || torusShape(size)[0] > 1
        ? null
        : `expected a number of nodes that is no prime, got ${size}: take ${size - 1} or ${size + 1}, or a ring`,
  },
  exponential: {
    problem: noProblem,
    course: isStatic,
    graph: (_, size) => {
      const hops = Array.from({ length: exponentialHopCount(size) }, (__, j) => 2 ** j);
      return directedGraph(heardOverHops(size, hops));
    },
  },
  'one-peer-exponential': {
    problem: noProblem,
    course: (_, size) => ({ kind: 'cycle', length: exponentialHopCount(size) }),
    graph: (_, size, { phase }) =>
      directedGraph(heardOverHops(size, [2 ** (phase % exponentialHopCount(size))])),
  },
  base: {
    problem: ({ k }, size) => degreeProblem(k, 1, size),
    course: ({ k }, size) => ({ kind: 'cycle', length: baseCycle(size, k).length }),
    graph: ({ k }, size, { phase }) => {
      const cycle = baseCycle(size, k);
      return symmetricGraph(size, cycle[phase % cycle.length] ?? []);
    },
  },
  regular: {
    problem: ({ degree }, size) =>
      degreeProblem(degree, size === 2 ? 1 : 2, size) ??
      ((degree * size) % 2 === 0
        ? null
        : `expected an even degree for ${size} nodes, got ${degree}`),
    course: isRedrawn,
    graph: ({ degree }, size, { draws }) => connected(size, regularEdges(size, degree, draws)),
  },
  'erdos-renyi': {
    problem: ({ edgeRate }, size) => {
      const least = `which should be well above ln(n) / n = ${(Math.log(size) / size).toFixed(3)}`;
      if (!(edgeRate > 0 && edgeRate <= 1)) {
        return `expected an edge rate above 0, at most 1, ${least}, got ${edgeRate}`;
      }
      // Each node is alone with chance (1 - p)^(n-1); where several are to be expected, drawing again does not help.
      const alone = size * (1 - edgeRate) ** (size - 1);
      return alone < 3
        ? densityProblem(edgeRate * (size - 1), size)
        : `expected an edge rate that connects all, ${least}, got ${edgeRate}`;
    },
    course: isRedrawn,
    graph: ({ edgeRate }, size, { draws }) =>
      connected(size, erdosRenyiEdges(size, edgeRate, draws)),
  },
  'small-world': {
    problem: ({ degree, rewireRate }, size) => {
      const problem = degreeProblem(degree, 2, size);
      if (problem !== null) return problem;
      if (degree % 2 === 1) return `expected an even degree, got ${degree}`;
      return rewireRate >= 0 && rewireRate <= 1
        ? null
        : `expected a rewire rate from 0 to 1, got ${rewireRate}`;
    },
    course: isRedrawn,
    graph: (topology, size, { draws }) => connected(size, smallWorldEdges(size, topology, draws)),
  },
  'el-oracle': {
    problem: ({ degree }, size) => degreeProblem(degree, 1, size),
    course: isDrawn,
    graph: ({ degree }, size, { draws }) => directedGraph(epidemicOracle(size, degree, draws)),
  },
  'el-local': {
    problem: ({ degree }, size) => degreeProblem(degree, 1, size),
    course: isDrawn,
    graph: ({ degree }, size, { draws }) => directedGraph(epidemicLocal(size, degree, draws)),
  },
  matching: {
    problem: noProblem,
    course: isDrawn,
    graph: (_, size, { draws }) => metropolisGraph(size, matchingEdges(size, draws)),
  },
  edges: {
    problem: edgesProblem,
    course: isStatic,
    graph: ({ edges, directed }, size) =>
      directed ? directedGraph(heardFrom(size, edges)) : metropolisGraph(size, edges),
  },
  clusters: {
    problem: groupsProblem,
    course: isDrawn,
    graph: ({ groups }, size, { draws }) => metropolisGraph(size, clusterEdges(groups, draws)),
  },
};

function connected(size: number, edges: readonly Edge[] | null): MixingGraph | null {
  return edges !== null && isConnected(size, edges) ? metropolisGraph(size, edges) : null;
}

function degreeProblem(degree: number, low: number, size: number): string | null {
  if (!Number.isInteger(degree) || degree < low || degree >= size) {
    return `expected a whole number from ${low} to ${size - 1} neighbours among ${size} nodes, got ${degree}`;
  }
  return densityProblem(degree, size);
}

/** Told before a graph is built, which takes long for millions of links. */
function densityProblem(degree: number, size: number): string | null {
  const links = Math.round(size * (degree + 1));
  return links <= mixingLinksMax
    ? null
    : `expected at most ${mixingLinksMax} links, got ${links}: take fewer nodes or neighbours`;
}

function groupsProblem({ groups }: Of<'clusters'>, size: number): string | null {
  if (groups.length !== size) {
    return `expected a group for each of ${size} nodes, got ${groups.length}`;
  }
  const wrong = groups.find((group) => !Number.isInteger(group) || group < 0 || group >= size);
  if (wrong !== undefined) return `expected groups from 0 to ${size - 1}, got ${wrong}`;
  const counts = new Float64Array(size);
  for (const group of groups) counts[group] = (counts[group] ?? 0) + 1;
  return densityProblem(counts.reduce((sum, count) => sum + count * count, 0) / size, size);
}

function edgesProblem({ edges, directed }: Of<'edges'>, size: number): string | null {
  if (edges.length > mixingLinksMax) {
    return `expected at most ${mixingLinksMax} edges, got ${edges.length}`;
  }
  const seen = new Set<number>();
  const isNode = (node: number): boolean => Number.isInteger(node) && node >= 0 && node < size;
  for (const [a, b] of edges) {
    if (!isNode(a) || !isNode(b) || a === b) {
      return `expected edges between two of the nodes 0 to ${size - 1}, got ${a} and ${b}`;
    }
    const key = directed ? a * size + b : Math.min(a, b) * size + Math.max(a, b);
    if (seen.has(key)) return `expected each edge once, got ${a} and ${b} twice`;
    seen.add(key);
  }
  if (directed ? isStronglyConnected(size, edges) : isConnected(size, edges)) return null;
  const way = directed ? 'a way along the edges from each node to each other' : 'a connected graph';
  return `expected ${way}: add the edges that are missing`;
}

function heardFrom(size: number, edges: readonly Edge[]): number[][] {
  const heard: number[][] = Array.from({ length: size }, () => []);
  for (const [from, to] of edges) heard[to]?.push(from);
  return heard;
}
