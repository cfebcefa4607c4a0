/** Gradient tracking: every node follows the mean of all changes, so that different data pull no node to its own optimum. */
import { plus, zerosLike, type Vector } from '../mix.ts';
import { toAll, type MixingAlgorithm } from './mixing-algorithm.ts';
import { meanOfHeard, wholeVectorsCodec, type WholeVectors } from './whole-vectors.ts';

/** A node's model and its guess of the mean change. */
export interface TrackingState {
  readonly model: Vector;
  /** y; its sum over all nodes is the sum of their latest changes. */
  readonly tracked: Vector;
  /** The node's own latest change. */
  readonly latest: Vector;
  /** Whether `tracked` is still to be added to the model: once a round. */
  readonly isFresh: boolean;
}

/**
 * DIGing (Nedić, Olshevsky, Shi 2017), with -α ∇f as the change d: x' = W x + y, y' = W y + d' - d. No message may be lost:
 * what a lost one carried of y is missing from then on.
 */
export const gradientTracking: MixingAlgorithm<TrackingState, WholeVectors> = {
  codec: wholeVectorsCodec(2),
  start: (model) => ({
    model,
    tracked: zerosLike(model),
    latest: zerosLike(model),
    isFresh: false,
  }),
  model: ({ model }) => model,
  trained: ({ model, tracked, latest }, change) => ({
    model,
    tracked: plus(plus(tracked, change), latest, -1),
    latest: change,
    isFresh: true,
  }),
  send: (state, place) => ({ state, messages: toAll(place, [state.model, state.tracked]) }),
  receive: ({ model, tracked, latest, isFresh }, place, heard) => {
    const mixed = meanOfHeard(model, place, heard, 0);
    return {
      model: isFresh ? plus(mixed, tracked) : mixed,
      tracked: meanOfHeard(tracked, place, heard, 1),
      latest,
      isFresh: false,
    };
  },
};
