/**
 * Who sends to whom in each step of a mixing round, how many steps there are, and what everybody's state weighs after each.
 * All of it follows from the OPEN, and from the weights of the CUT's updates: nobody has to state it, and who states a
 * numerator that does not go with its weight is refused. docs/specs/mixing-round.md
 */
import type { MixingTopology } from '../../wire/index.ts';
import type { UpdateWeights } from '../average/head-weights.ts';
import { GossipError } from '../errors.ts';
import { keepsMean, listenersOf, pushGraph, type Link, type MixingGraph } from './mixing-graph.ts';
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
}

/** More are not made, even if the models are still apart. */
const stepsMax = 200;

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
    const states = [weights];
    const error = new MixingError(weights, settings.clamp);
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
      states.push(mixedWeights(graph, states.at(-1) ?? weights));
      error.step(graph);
    }
    this.steps = graphs.length;
    this.#graphs = graphs;
    this.#listeners = graphs.map(listenersOf);
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

/** How far a member's model can be from the true mean, whatever the contributions are, within the clamp. */
class MixingError {
  readonly #clamp: number;
  /** Weights by head: shared parameters first. */
  readonly #columns: readonly (readonly number[])[];
  /** Of each member, the share of each contribution in its state. */
  #shares: readonly Float64Array[];

  constructor(weights: readonly UpdateWeights[], clamp: number) {
    this.#clamp = clamp;
    const heads = Object.keys(weights[0]?.heads ?? {}).map((head) =>
      weights.map((one) => one.heads[head] ?? 0),
    );
    this.#columns = [weights.map(({ weight }) => weight), ...heads].filter((column) =>
      column.some((weight) => weight > 0),
    );
    this.#shares = weights.map((_, at) => {
      const own = new Float64Array(weights.length);
      own[at] = 1;
      return own;
    });
  }

  step({ incoming }: MixingGraph): void {
    this.#shares = incoming.map((links) => {
      const out = new Float64Array(this.#shares.length);
      for (const { from, weight } of links) {
        const theirs = this.#shares[from];
        if (theirs === undefined) continue;
        for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + weight * (theirs[i] ?? 0);
      }
      return out;
    });
  }

  /** Of the worst member, in one parameter. */
  max(): number {
    return Math.max(...this.#columns.map((column) => this.#maxOf(column)));
  }

  #maxOf(column: readonly number[]): number {
    const total = column.reduce((sum, weight) => sum + weight, 0);
    return this.#shares.reduce((worst, shares) => {
      const own = shares.reduce((sum, share, i) => sum + share * (column[i] ?? 0), 0);
      if (own === 0) return Infinity;
      const apart = shares.reduce(
        (sum, share, i) => sum + (column[i] ?? 0) * Math.abs(share / own - 1 / total),
        0,
      );
      return Math.max(worst, apart * this.#clamp);
    }, 0);
  }
}
