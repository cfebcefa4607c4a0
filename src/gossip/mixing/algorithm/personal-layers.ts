/** Layers that stay at home: only the rest of the model is mixed (Arivazhagan et al. 2019, FedPer). */
import { GossipError } from '../../errors.ts';
import type { Vector } from '../mix.ts';

/** Places [start, end) of the flat vector. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The part of a model that is mixed, taken out and put back. */
export interface SharedPart {
  /** How many numbers it has. */
  readonly length: number;
  /** The shared numbers of a model, in its order. */
  take<T extends Vector>(model: T): T;
  /** A copy of `model` with its shared numbers replaced, and its personal ones as they are. */
  put<T extends Vector>(model: T, shared: Vector): T;
}

/**
 * What of a vector is shared when the given ranges stay at home.
 * @param personal ascending, apart from each other, within the vector
 * @throws {GossipError} 'bad_mixing_message' when they are not; `take` and `put` for vectors of another length
 */
export function sharedPart(length: number, personal: readonly Range[]): SharedPart {
  let at = 0;
  const shared: Range[] = [];
  for (const { start, end } of [...personal, { start: length, end: length }]) {
    if (
      !Number.isInteger(start) ||
      !Number.isInteger(end) ||
      start < at ||
      end < start ||
      end > length
    ) {
      throw refused(`ranges within 0 to ${length}, ascending and apart`, `${start} to ${end}`);
    }
    if (start > at) shared.push({ start: at, end: start });
    at = end;
  }
  const count = shared.reduce((sum, { start, end }) => sum + end - start, 0);
  const check = (vector: Vector, expected: number): void => {
    if (vector.length !== expected) throw refused(`${expected} values`, String(vector.length));
  };
  return {
    length: count,
    take: <T extends Vector>(model: T) => {
      check(model, length);
      const out = model.slice(0, count) as T;
      let to = 0;
      for (const { start, end } of shared) {
        out.set(model.subarray(start, end), to);
        to += end - start;
      }
      return out;
    },
    put: <T extends Vector>(model: T, values: Vector) => {
      check(model, length);
      check(values, count);
      const out = model.slice() as T;
      let from = 0;
      for (const { start, end } of shared) {
        out.set(values.subarray(from, from + end - start), start);
        from += end - start;
      }
      return out;
    },
  };
}

function refused(expected: string, came: string): GossipError {
  const reason = `expected ${expected}, got ${came}`;
  return new GossipError({ code: 'bad_mixing_message', reason }, reason);
}
