/**
 * Who sends to whom in each step of a mixing round, how many steps there are, and what everybody's state weighs after each.
 * All of it follows from the OPEN, and from the weights of the CUT's updates: nobody has to state it, and who states a
 * numerator that does not go with its weight is refused. docs/specs/mixing-round.md
 */
import type { MixingTopology, TravelCompression } from '../../wire/index.ts';
import type { UpdateWeights } from '../average/head-weights.ts';
import { GossipError } from '../errors.ts';
import { keepsMean, listenersOf, pushGraph, type Link, type MixingGraph } from './mixing-graph.ts';
import { MixingError } from './mixing-error.ts';
import { mixingGraph } from './topology/step-graph.ts';

/** What of a round's rule fixes its mixing. */
export interface MixingSettings {
  readonly topology: MixingTopology;
  /** 0 for as many as are enough for `epsilon`. */
  readonly steps: number;
  /** How far two models may be apart in one parameter. */
  readonly epsilon: number;
  /** Largest change of a parameter. */
  readonly clamp: number;
  /** How states are rounded on their way; absent for not at all. */
  readonly compression?: TravelCompression;
}

/** More are not made, even if the models are still apart. */
const stepsMax = 200;

/** Multiplications for the bound of what rounding adds, on a thread that others wait for: two or three seconds of it. */
const boundWorkMax = 1e8;

/** What a report may take in its entry of the log: a step about 100 bytes, each edge of it about 80, before base64. */
const reportBytesMax = 48_000;

/** See the file's header. Members are counted as the CUT has them, from 0. */
export class MixingSchedule {
  readonly size: number;
  /** Exchanges. States are counted from 0, which is the contribution, to this one. */
  readonly steps: number;
  readonly #graphs: readonly MixingGraph[];
  readonly #listeners: readonly (readonly (readonly number[])[])[];
  /** By state, then by member. */
  readonly #weights: readonly (readonly UpdateWeights[])[];

  /**
   * @param seed text that all agree on: the digest of the OPEN
   * @param weights of the CUT's updates, in its order; at least one
   */
  constructor(settings: MixingSettings, seed: string, weights: readonly UpdateWeights[]) {
    this.size = weights.length;
    const graphs: MixingGraph[] = [];
    const listeners: (readonly (readonly number[])[])[] = [];
    const states = [weights];
    const error = new MixingError(weights, settings.clamp, settings.compression ?? null);
    const reportBytes = new Float64Array(this.size);
    // Half of what two models may be apart, and half of that for what float32 rounds off.
    const isEnough = (): boolean =>
      settings.steps > 0 ? graphs.length >= settings.steps : error.max() <= settings.epsilon / 4;
    while (this.size > 1 && graphs.length < stepsMax && !isEnough()) {
      const graph = graphOf(settings.topology, this.size, seed, graphs.length);
      graph.incoming.forEach((links, node) => {
        reportBytes[node] = (reportBytes[node] ?? 0) + 100 + 80 * links.length;
      });
      if (reportBytes.some((bytes) => bytes > reportBytesMax)) break;
      graphs.push(graph);
      listeners.push(listenersOf(graph));
      states.push(mixedWeights(graph, states.at(-1) ?? weights));
      error.step(
        graph,
        weights.map((_, member) => referenceIn(listeners, graphs.length - 1, member)),
      );
      if (boundWork(graphs, settings) > boundWorkMax) break;
    }
    this.steps = graphs.length;
    this.#graphs = graphs;
    this.#listeners = listeners;
    this.#weights = states;
  }

  /** What a member hears in a step, itself included, ascending. */
  incoming(step: number, member: number): readonly Link[] {
    return this.#graphs[step]?.incoming[member] ?? [];
  }

  /** Who hears a member in a step, itself not included, ascending. */
  listeners(step: number, member: number): readonly number[] {
    return this.#listeners[step]?.[member] ?? [];
  }

  /**
   * The last step before this one in which a member had the same listeners: where states are compressed, it sends what has
   * changed since. Null when there is none.
   */
  reference(step: number, member: number): number | null {
    return referenceIn(this.#listeners, step, member);
  }

  /** What a member's state weighs before a step; after the last one, `state` is `steps`. */
  weights(state: number, member: number): UpdateWeights {
    return this.#weights[state]?.[member] ?? { weight: 0, heads: {} };
  }
}

/**
 * The graph of a step. Columns sum to 1, so that no weight is lost; rows need not (push-sum). Where so few are left that the
 * topology cannot be drawn, they mix by the graph that finds the mean of any number of members.
 */
function graphOf(topology: MixingTopology, size: number, seed: string, step: number): MixingGraph {
  // Cycles begin anew with each round: the seed is another one.
  const moment = { seed, round: 0, step };
  try {
    const graph = mixingGraph(topology, size, moment);
    return keepsMean(graph) ? graph : pushGraph(graph);
  } catch (error) {
    if (!(error instanceof GossipError) || error.facts.code !== 'bad_topology') throw error;
    return mixingGraph({ kind: 'base', k: 1 }, size, moment);
  }
}

/** The denominators after a step: mixed as the numerators are. */
function mixedWeights(graph: MixingGraph, before: readonly UpdateWeights[]): UpdateWeights[] {
  const heads = Object.keys(before[0]?.heads ?? {});
  return graph.incoming.map((links) => {
    const sum = (of: (weights: UpdateWeights) => number): number =>
      links.reduce((total, { from, weight }) => {
        const one = before[from];
        return total + weight * (one === undefined ? 0 : of(one));
      }, 0);
    return {
      weight: sum(({ weight }) => weight),
      heads: Object.fromEntries(heads.map((head) => [head, sum((one) => one.heads[head] ?? 0)])),
    };
  });
}

function referenceIn(
  listeners: readonly (readonly (readonly number[])[])[],
  step: number,
  member: number,
): number | null {
  const now = listeners[step]?.[member]?.join() ?? '';
  for (let earlier = step - 1; earlier >= 0 && now !== ''; earlier--) {
    if (listeners[earlier]?.[member]?.join() === now) return earlier;
  }
  return null;
}

function boundWork(graphs: readonly MixingGraph[], { compression }: MixingSettings): number {
  const [{ size, incoming }] = graphs as readonly [MixingGraph];
  const links = incoming.reduce((sum, one) => sum + one.length, 0);
  return compression === undefined ? 0 : (graphs.length ** 2 / 2) * size * links;
}
