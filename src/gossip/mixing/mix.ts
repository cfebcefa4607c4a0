/**
 * The gossip step itself: next = Σ w_ij x_j. Sums are in float64 and in the order of the terms, so that the same terms give
 * the same bits on every machine; a float32 vector is rounded once, at the end.
 */
import { GossipError } from '../errors.ts';

/** A model's parameters in their one order, or what else is mixed. */
export type Vector = Float32Array | Float64Array;

/** One vector of the sum, with its share. */
export interface MixTerm {
  readonly weight: number;
  readonly values: Vector;
}

/** Numbers that are summed at a time: what fits into the processor's first cache. */
const blockValues = 2048;

/**
 * Writes Σ weight · values into `out`, which may be one of the terms' own vectors, and gives it back.
 * @param terms in the order that all agree on: ascending by the sender's index
 * @throws {GossipError} 'bad_mixing_message' unless all are as long as `out`
 */
export function mixInto<T extends Vector>(out: T, terms: readonly MixTerm[]): T {
  for (const { values } of terms) {
    if (values.length !== out.length) throw wrongLength(out.length, values.length);
  }
  const [a, b, c, d, e] = terms;
  if (terms.length === 5 && a && b && c && d && e) return sumOfFive(out, [a, b, c, d, e]);
  const sum = new Float64Array(Math.min(blockValues, out.length));
  for (let start = 0; start < out.length; start += blockValues) {
    const count = Math.min(blockValues, out.length - start);
    sum.fill(0);
    for (let at = 0; at < terms.length; at += 4) addFour(sum, terms, at, start, count);
    out.set(count === sum.length ? sum : sum.subarray(0, count), start);
  }
  return out;
}

/** A node and four neighbours, the most common case, in one pass: the same sums in the same order, twice as fast. */
function sumOfFive<T extends Vector>(
  out: T,
  [a, b, c, d, e]: readonly [MixTerm, MixTerm, MixTerm, MixTerm, MixTerm],
): T {
  const [av, bv, cv, dv, ev] = [a.values, b.values, c.values, d.values, e.values];
  const [aw, bw, cw, dw, ew] = [a.weight, b.weight, c.weight, d.weight, e.weight];
  for (let i = 0; i < out.length; i++) {
    out[i] =
      0 +
      aw * (av[i] as number) +
      bw * (bv[i] as number) +
      cw * (cv[i] as number) +
      dw * (dv[i] as number) +
      ew * (ev[i] as number);
  }
  return out;
}

/** Terms `at` to `at + 3`, as many as there are, one after the other for each number. */
function addFour(
  sum: Float64Array,
  terms: readonly MixTerm[],
  at: number,
  start: number,
  count: number,
): void {
  const [a, b, c, d] = [terms[at], terms[at + 1], terms[at + 2], terms[at + 3]];
  if (a === undefined) return;
  if (b === undefined || c === undefined || d === undefined) {
    addOne(sum, a, start, count);
    if (b !== undefined) addOne(sum, b, start, count);
    if (c !== undefined) addOne(sum, c, start, count);
    return;
  }
  const [av, bv, cv, dv] = [a.values, b.values, c.values, d.values];
  const [aw, bw, cw, dw] = [a.weight, b.weight, c.weight, d.weight];
  for (let i = 0; i < count; i++) {
    const j = start + i;
    sum[i] =
      (sum[i] as number) +
      aw * (av[j] as number) +
      bw * (bv[j] as number) +
      cw * (cv[j] as number) +
      dw * (dv[j] as number);
  }
}

function addOne(sum: Float64Array, term: MixTerm, start: number, count: number): void {
  const { weight, values } = term;
  for (let i = 0; i < count; i++) {
    sum[i] = (sum[i] as number) + weight * (values[start + i] as number);
  }
}

/** `a` + factor · `b`, as a vector of a's kind. @throws {GossipError} as `mixInto` */
export function plus<T extends Vector>(a: T, b: Vector, factor = 1): T {
  if (a.length !== b.length) throw wrongLength(a.length, b.length);
  const out = a.slice() as T;
  for (let i = 0; i < out.length; i++) {
    out[i] = (out[i] as number) + factor * (b[i] as number);
  }
  return out;
}

/** A vector of the same kind and length with zeros. */
export function zerosLike<T extends Vector>(like: T): T {
  const { length } = like;
  return (like instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)) as T;
}

function wrongLength(expected: number, came: number): GossipError {
  const reason = `expected ${expected} values, got ${came}`;
  return new GossipError({ code: 'bad_mixing_message', reason }, reason);
}
