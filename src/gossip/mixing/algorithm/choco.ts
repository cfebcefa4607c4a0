/**
 * CHOCO (Koloskova, Stich, Jaggi 2019): compressed gossip that loses nothing. A node and all that hear it keep the same estimate
 * x̂ of its model; sent is only the compressed difference of model and estimate, and what is mixed are the estimates.
 */
import { GossipError } from '../../errors.ts';
import { compress, decompress, type Compression } from '../compression/compression.ts';
import { badBytes, viewOf } from '../compression/reading.ts';
import { mixInto, plus, type MixTerm, type Vector } from '../mix.ts';
import { toAll, type MessageCodec, type MixingAlgorithm } from './mixing-algorithm.ts';

/** How CHOCO compresses and how far it steps. */
export interface ChocoRule {
  readonly compression: Compression;
  /** γ: the coarser the compression, the smaller; above 0, at most 1. */
  readonly consensusStep: number;
  /** One line that all agree on; draws of a compression follow from it. */
  readonly seed: string;
}

/** One compressed difference. */
export interface ChocoMessage {
  /** From 1; an estimate takes all of them, in order. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** What all who hear a node think that its model is. */
export interface Estimate {
  /** Of the last message that is in it. */
  readonly number: number;
  readonly values: Float64Array;
}

/** A node's model and the estimates of all that it hears, itself included: what error feedback needs in a checkpoint. */
export interface ChocoState {
  readonly model: Vector;
  readonly estimates: ReadonlyMap<number, Estimate>;
}

/** The number in four bytes, little-endian, then the compressed difference. */
const codec: MessageCodec<ChocoMessage> = {
  bytes: ({ bytes }) => 4 + bytes.byteLength,
  encode: ({ number, bytes }) => {
    const out = new Uint8Array(4 + bytes.byteLength);
    viewOf(out).setUint32(0, number, true);
    out.set(bytes, 4);
    return out;
  },
  decode: (bytes) => {
    if (bytes.byteLength < 4) throw badBytes(`expected at least 4 bytes, got ${bytes.byteLength}`);
    return { number: viewOf(bytes).getUint32(0, true), bytes: bytes.slice(4) };
  },
};

/**
 * CHOCO-Gossip, and with training CHOCO-SGD: x½ = x + change; q_i = Q(x½_i - x̂_i); x̂_j += q_j; x_i = x½_i + γ Σ w_ij (x̂_j - x̂_i).
 * Needs an undirected graph that stays, and every message once and in order; whoever misses one must be given it again.
 */
export function choco(rule: ChocoRule): MixingAlgorithm<ChocoState, ChocoMessage> {
  const keyOf = (node: number, number: number): string => `${rule.seed}/${node}/${number}`;
  const advanced = (state: ChocoState, from: number, message: ChocoMessage): Estimate => {
    const before = state.estimates.get(from);
    const due = (before?.number ?? 0) + 1;
    if (message.number !== due) {
      const reason = `expected message ${due} of node ${from}, got ${message.number}`;
      throw new GossipError({ code: 'bad_mixing_message', reason }, reason);
    }
    const { length } = state.model;
    const read = { length, key: keyOf(from, due) };
    const difference = decompress(rule.compression, message.bytes, read);
    return {
      number: due,
      values: before === undefined ? difference : plus(before.values, difference),
    };
  };
  return {
    codec,
    start: (model) => ({ model, estimates: new Map() }),
    model: ({ model }) => model,
    trained: (state, change) => ({ ...state, model: plus(state.model, change) }),
    send: (state, place) => {
      const own = state.estimates.get(place.node);
      const wanted = new Float64Array(state.model);
      const difference = own === undefined ? wanted : plus(wanted, own.values, -1);
      const number = (own?.number ?? 0) + 1;
      const bytes = compress(rule.compression, difference, keyOf(place.node, number));
      const message = { number, bytes };
      const estimates = new Map(state.estimates);
      estimates.set(place.node, advanced(state, place.node, message));
      return { state: { ...state, estimates }, messages: toAll(place, message) };
    },
    receive: (state, place, heard) => {
      const estimates = new Map(state.estimates);
      for (const [from, message] of heard) estimates.set(from, advanced(state, from, message));
      const terms: MixTerm[] = place.links.map(({ from, weight }) => {
        const step = rule.consensusStep * (from === place.node ? weight - 1 : weight);
        return { weight: step, values: valuesOf(estimates, from) };
      });
      const model = mixInto(state.model.slice(), [{ weight: 1, values: state.model }, ...terms]);
      return { model, estimates };
    },
  };
}

function valuesOf(estimates: ReadonlyMap<number, Estimate>, from: number): Float64Array {
  const estimate = estimates.get(from);
  if (estimate !== undefined) return estimate.values;
  const reason = `expected message 1 of node ${from}, got none`;
  throw new GossipError({ code: 'bad_mixing_message', reason }, reason);
}
