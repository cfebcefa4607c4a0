/**
 * Push-sum with running sums, for directed and lossy links. A node splits its numbers and a weight among all that hear it, and
 * the ratio goes to the mean (Kempe, Dobra, Gehrke 2003; with training: Assran et al. 2019, SGP). A message does not say
 * what is given now but all that was ever given over this link, and the receiver takes the difference to what it has had:
 * what a lost message carried comes with the next one (Hadjicostis, Vaidya, Domínguez-García 2016).
 */
import { GossipError } from '../../errors.ts';
import { mixInto, plus, zerosLike } from '../mix.ts';
import { checkBytes, viewOf } from '../compression/reading.ts';
import type { MessageCodec, MixingAlgorithm } from './mixing-algorithm.ts';
import { checkFinite } from './whole-vectors.ts';

/** All that one node ever gave another. */
export interface PushTotal {
  /** How many gifts it sums up: a later total has more. */
  readonly count: number;
  readonly values: Float64Array;
  readonly weight: number;
}

/** A node's numbers. In float64, because totals grow while their differences do not. */
export interface PushState {
  /** Over all nodes and all that is under way the sum of these changes by training alone. */
  readonly values: Float64Array;
  /** As for `values`; the sum is the number of nodes. Above 0. */
  readonly weight: number;
  /** By listener, since the start of the run. */
  readonly given: ReadonlyMap<number, PushTotal>;
  /** By sender: the latest total that came. */
  readonly taken: ReadonlyMap<number, PushTotal>;
}

/** The totals' count in four bytes, their weight and values in eight each, little-endian. */
const codec: MessageCodec<PushTotal> = {
  bytes: ({ values }) => 12 + 8 * values.length,
  encode: ({ count, weight, values }) => {
    const bytes = new Uint8Array(12 + 8 * values.length);
    const view = viewOf(bytes);
    view.setUint32(0, count, true);
    view.setFloat64(4, weight, true);
    values.forEach((value, i) => {
      view.setFloat64(12 + 8 * i, value, true);
    });
    return bytes;
  },
  decode: (bytes, { length }) => {
    checkBytes(bytes, 12 + 8 * length);
    const view = viewOf(bytes);
    const values = Float64Array.from({ length }, (_, i) => view.getFloat64(12 + 8 * i, true));
    checkFinite(values);
    const weight = view.getFloat64(4, true);
    if (!(weight > 0 && weight < Infinity)) throw refused('expected a finite weight above 0');
    return { count: view.getUint32(0, true), weight, values };
  },
};

/**
 * The weights of the graph do not matter, only who hears whom. Needs room for one vector for each node that it ever
 * speaks with, in each direction: few in a graph that stays, all others in one that is drawn anew.
 */
export const pushSum: MixingAlgorithm<PushState, PushTotal> = {
  codec,
  start: (model) => ({
    values: new Float64Array(model),
    weight: 1,
    given: new Map(),
    taken: new Map(),
  }),
  model: ({ values, weight }) => values.map((value) => value / weight),
  trained: (state, change) => ({ ...state, values: plus(state.values, change) }),
  send: (state, { listeners }) => {
    const share = 1 / (listeners.length + 1);
    const messages = new Map(
      listeners.map((listener) => [listener, grown(state.given.get(listener), state, share)]),
    );
    const values = mixInto(zerosLike(state.values), [{ weight: share, values: state.values }]);
    const given = new Map([...state.given, ...messages]);
    return { state: { ...state, values, weight: share * state.weight, given }, messages };
  },
  receive: (state, _place, heard) => {
    let { values, weight } = state;
    const taken = new Map(state.taken);
    // Ascending, so that all orders of arrival give the same bits.
    for (const [from, total] of [...heard].sort(([a], [b]) => a - b)) {
      const before = taken.get(from);
      if (total.count <= (before?.count ?? 0)) continue; // came late or twice: a later one had all of it
      if (total.weight < (before?.weight ?? 0))
        throw refused('expected a weight that has not shrunk');
      values = plus(values, total.values);
      if (before !== undefined) values = plus(values, before.values, -1);
      weight += total.weight - (before?.weight ?? 0);
      taken.set(from, total);
    }
    return { ...state, values, weight, taken };
  },
};

function grown(
  before: PushTotal | undefined,
  { values, weight }: PushState,
  share: number,
): PushTotal {
  return {
    count: (before?.count ?? 0) + 1,
    weight: (before?.weight ?? 0) + share * weight,
    values: plus(before?.values ?? zerosLike(values), values, share),
  };
}

function refused(reason: string): GossipError {
  return new GossipError({ code: 'bad_mixing_message', reason }, reason);
}
