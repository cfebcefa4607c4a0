/** Nodes that run an algorithm together in one process. */
import { seededRandom } from '../../../src/base/index.ts';
import { placesOf, type MixingAlgorithm, type MixingGraph } from '../../../src/gossip/index.ts';

/** A start for each node: normal numbers whose mean over all nodes is 0. */
export function startVectors(size: number, length: number, seed: string): Float64Array[] {
  const random = seededRandom(`${seed} ${size}`);
  const drawn = Array.from({ length: size }, () =>
    Float64Array.from({ length }, () => random.normal()),
  );
  const centre = centreOf(drawn);
  return drawn.map((x) => x.map((value, i) => value - centre[i]!));
}

/** The mean over all nodes. */
export function centreOf(models: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from({ length: models[0]!.length }, (_, i) => {
    return models.reduce((sum, model) => sum + model[i]!, 0) / models.length;
  });
}

/** Root of the sum of squares of what nodes are away from their mean. */
export function distance(models: readonly ArrayLike<number>[]): number {
  const centre = centreOf(models);
  let sum = 0;
  for (const model of models) {
    for (let i = 0; i < model.length; i++) sum += (model[i]! - centre[i]!) ** 2;
  }
  return Math.sqrt(sum);
}

/** One gossip step of all nodes. @param isLost whether the message over a link does not come */
export function roundOf<State, Message>(
  algorithm: MixingAlgorithm<State, Message>,
  states: readonly State[],
  graph: MixingGraph,
  isLost: (from: number, to: number) => boolean = () => false,
): State[] {
  const places = placesOf(graph);
  const sent = states.map((state, node) => algorithm.send(state, places[node]!));
  return places.map((place) => {
    const heard = new Map<number, Message>();
    for (const { from } of place.links) {
      const message = from === place.node ? undefined : sent[from]!.messages.get(place.node);
      if (message !== undefined && !isLost(from, place.node)) heard.set(from, message);
    }
    return algorithm.receive(sent[place.node]!.state, place, heard);
  });
}

/** One round of all nodes: training, then a gossip step. */
export function runNodes<State, Message>(
  algorithm: MixingAlgorithm<State, Message>,
  states: readonly State[],
  graph: MixingGraph,
  change: (model: Float64Array, node: number) => Float64Array,
): State[] {
  const trained = states.map((state, node) => {
    return algorithm.trained(state, change(Float64Array.from(algorithm.model(state)), node));
  });
  return roundOf(algorithm, trained, graph);
}
