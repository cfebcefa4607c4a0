/** The graphs of a run: `gossip`'s own, each made once where they come again. */
import {
  checkTopology,
  GossipError,
  mixingGraph,
  readEdgeList,
  readGraphml,
  topologyCourse,
  type MixingGraph,
  type Topology,
} from '../../gossip/index.ts';
import { LabError } from './errors.ts';
import type { LabSettings } from './settings.ts';

/** Gives the graph of each exchange. */
export interface GraphSource {
  /** Of an exchange: rounds and steps from 0. */
  at(round: number, step: number): MixingGraph;
}

/** The graphs of a topology. */
export class Graphs implements GraphSource {
  readonly #topology: Topology;
  readonly #size: number;
  readonly #seed: string;
  /** So many graphs come in turn; 0: a new one in every exchange. */
  readonly cycle: number;
  readonly #made = new Map<number, MixingGraph>();

  /**
   * @param file text of `topology.file`, when the kind is `edges`
   * @throws {GossipError} 'bad_topology'; {LabError} 'bad_graph'
   */
  constructor({ seed, nodes, topology }: LabSettings, file: string | undefined) {
    this.#topology = topologyOf(topology, file, nodes);
    this.#size = nodes;
    this.#seed = `lab/${seed}`;
    checkTopology(this.#topology, nodes);
    const course = topologyCourse(this.#topology, nodes);
    this.cycle = course.kind === 'drawn' ? 0 : course.kind === 'cycle' ? course.length : 1;
  }

  at(round: number, step: number): MixingGraph {
    const place = (round + step) % Math.max(1, this.cycle);
    const there = this.cycle === 0 ? undefined : this.#made.get(place);
    const graph =
      there ?? mixingGraph(this.#topology, this.#size, { seed: this.#seed, round, step });
    if (this.cycle > 0) this.#made.set(place, graph);
    return graph;
  }
}

function topologyOf(
  { kind, degree, rate, redrawn, file: name }: LabSettings['topology'],
  file: string | undefined,
  nodes: number,
): Topology {
  switch (kind) {
    case 'base':
      return { kind, k: degree };
    case 'regular':
      return { kind, degree, redrawn };
    case 'erdos-renyi':
      return { kind, edgeRate: rate, redrawn };
    case 'small-world':
      return { kind, degree, rewireRate: rate, redrawn };
    case 'el-oracle':
    case 'el-local':
      return { kind, degree };
    case 'edges':
      return { kind, ...edgesOf(file ?? '', name, nodes) };
    default:
      return { kind: kind as PlainKind };
  }
}

type PlainKind = Extract<
  Topology['kind'],
  'ring' | 'torus' | 'star' | 'complete' | 'exponential' | 'one-peer-exponential' | 'matching'
>;

/** Edges between nodes 0 to n - 1, in the order in which the file has its nodes. @throws {LabError} 'bad_graph' */
function edgesOf(
  text: string,
  name: string,
  nodes: number,
): Pick<Extract<Topology, { kind: 'edges' }>, 'edges' | 'directed'> {
  try {
    const graph = /^\s*</.test(text) ? readGraphml(text) : readEdgeList(text, false);
    const { names, edges, directed } = graph;
    if (names.length === nodes) return { edges, directed };
    const message = `${name}: expected a graph of ${nodes} nodes, as lab.nodes says, got ${names.length}`;
    throw new LabError({ code: 'bad_graph' }, message);
  } catch (error) {
    if (!(error instanceof GossipError)) throw error;
    throw new LabError({ code: 'bad_graph' }, `${name}: ${error.message}`, { cause: error });
  }
}
