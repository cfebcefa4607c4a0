/** Plain gossip of models: local SGD with mixing, and D-PSGD. */
import { plus, zerosLike, type Vector } from '../mix.ts';
import { toAll, type MixingAlgorithm } from './mixing-algorithm.ts';
import { meanOfHeard, wholeVectorsCodec, type WholeVectors } from './whole-vectors.ts';

/** A node's model. */
export interface GossipState {
  readonly model: Vector;
}

/**
 * Local SGD with gossip: x_i' = Σ w_ij (x_j + change_j). Each node trains, and models are mixed afterwards, in as many steps as
 * the round has ("adapt, then combine"). Without training it is gossip averaging.
 */
export const gossipAveraging: MixingAlgorithm<GossipState, WholeVectors> = {
  codec: wholeVectorsCodec(1),
  start: (model) => ({ model }),
  model: ({ model }) => model,
  trained: ({ model }, change) => ({ model: plus(model, change) }),
  send: (state, place) => ({ state, messages: toAll(place, [state.model]) }),
  receive: ({ model }, place, heard) => ({ model: meanOfHeard(model, place, heard) }),
};

/** A node's model, and what training changed since it was last mixed. */
export interface DpsgdState {
  readonly model: Vector;
  readonly change: Vector;
}

/**
 * D-PSGD (Lian et al. 2017): x_i' = Σ w_ij x_j + change_i, with the change -γ ∇F_i(x_i) where there is one local step. The model
 * that is sent is known before training, so that a node may send it while it trains.
 */
export const dpsgd: MixingAlgorithm<DpsgdState, WholeVectors> = {
  codec: wholeVectorsCodec(1),
  start: (model) => ({ model, change: zerosLike(model) }),
  model: ({ model }) => model,
  trained: ({ model, change }, more) => ({ model, change: plus(change, more) }),
  send: (state, place) => ({ state, messages: toAll(place, [state.model]) }),
  receive: ({ model, change }, place, heard) => ({
    model: plus(meanOfHeard(model, place, heard), change),
    change: zerosLike(change),
  }),
};
