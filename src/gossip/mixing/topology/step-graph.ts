/** The graph of one step, which follows from the topology, the agreed seed, round and step. docs/specs/mixing.md, 2 and 3 */
import { GossipError } from '../../errors.ts';
import { mixingSizeMax, type MixingGraph } from '../mixing-graph.ts';
import { AgreedDraws } from './agreed-draws.ts';
import { ruleOf } from './topology-rules.ts';
import type { Topology, TopologyCourse } from './topology.ts';

/** Which step of which round, under which agreed seed. */
export interface MixingMoment {
  /** One line of text that all members agree on, such as a digest. */
  readonly seed: string;
  /** From 0. */
  readonly round: number;
  /** Gossip step within the round, from 0. */
  readonly step: number;
}

/** Graphs that are drawn before a connected one is given up. */
const drawsMax = 200;

/**
 * The graph of one step, the same for everybody who asks with the same arguments. Kinds other than `el-oracle`, `el-local`,
 * `matching` and those that go in cycles give connected graphs alone: one that was drawn is drawn again until it is.
 * Rows sum to 1; columns too, except in `el-local` and directed `edges`.
 * @throws {GossipError} 'bad_topology' as `checkTopology`, or when no connected graph was drawn
 */
export function mixingGraph(topology: Topology, size: number, moment: MixingMoment): MixingGraph {
  checkTopology(topology, size);
  if (size === 1) return { size, incoming: [[{ from: 0, weight: 1 }]] };
  const rule = ruleOf(topology);
  const isDrawnAnew = rule.course(topology, size).kind === 'drawn';
  const when = isDrawnAnew ? `${moment.round}/${moment.step}` : 'whole run';
  const draws = new AgreedDraws(moment.seed, `${topology.kind}/${size}/${when}`);
  const phase = moment.round + moment.step;
  for (let attempt = 0; attempt < drawsMax; attempt++) {
    const graph = rule.graph(topology, size, { draws, phase });
    if (graph !== null) return graph;
  }
  throw refused(
    topology,
    `expected a connected graph, drew ${drawsMax} that are not: take more edges`,
  );
}

/** How the graphs of a topology follow each other. @throws {GossipError} 'bad_topology' */
export function topologyCourse(topology: Topology, size: number): TopologyCourse {
  checkTopology(topology, size);
  return size === 1 ? { kind: 'static' } : ruleOf(topology).course(topology, size);
}

/**
 * Checks that a topology can be drawn for so many nodes.
 * @throws {GossipError} 'bad_topology', saying what would do
 */
export function checkTopology(topology: Topology, size: number): void {
  if (!Number.isInteger(size) || size < 1 || size > mixingSizeMax) {
    throw refused(topology, `expected from 1 to ${mixingSizeMax} nodes, got ${size}`);
  }
  const problem = size === 1 ? null : ruleOf(topology).problem(topology, size);
  if (problem !== null) throw refused(topology, problem);
}

function refused({ kind }: Topology, message: string): GossipError {
  return new GossipError({ code: 'bad_topology', kind }, `topology ${kind}: ${message}`);
}
