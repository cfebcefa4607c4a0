/**
 * Compressed vectors: what is sent in place of a model or a change of one. The receiver knows rule and length, so that nothing
 * but the numbers is in the bytes; each decoder takes exactly what its encoder writes. docs/specs/mixing.md, 6
 */
import { GossipError } from '../../errors.ts';
import { mixInto, plus, type Vector } from '../mix.ts';
import { floatCodec, type VectorCodec } from './float-codecs.ts';
import { lowRankCodec } from './low-rank.ts';
import { quantisedCodec, signCodec } from './quantised.ts';
import { badBytes } from './reading.ts';
import { randomKCodec, topKCodec } from './sparse.ts';

/** How a vector is made smaller. `share` is the part of its numbers that is sent, above 0, at most 1. */
export type Compression =
  /** Float32. */
  | { readonly kind: 'none' }
  /** The upper half of a float32, rounded to nearest, ties to even. */
  | { readonly kind: 'bf16' }
  /** A scale for 256 numbers, and a byte for each. */
  | { readonly kind: 'int8' }
  /** A scale for 64 numbers, and half a byte for each. */
  | { readonly kind: 'int4' }
  /** The mean size of 1024 numbers, and a bit for each. */
  | { readonly kind: 'sign' }
  /** The largest numbers, and where they stand. */
  | { readonly kind: 'top-k'; readonly share: number }
  /** Numbers at places that both sides draw. */
  | { readonly kind: 'random-k'; readonly share: number }
  /** As PowerSGD: a matrix of so many rows as the product of two thin ones. */
  | {
      readonly kind: 'low-rank';
      readonly rank: number;
      readonly rows: number;
      /** Steps of the power iteration, from a drawn start. */
      readonly iterations: number;
    };

/**
 * The bytes of a vector.
 * @param key one line that sender and receiver agree on, another for each message; draws follow from it
 * @throws {GossipError} 'bad_mixing_message' when a number is not finite or beyond float32, or the rule does not fit the length
 */
export function compress(rule: Compression, values: Vector, key: string): Uint8Array {
  if (!areBelow(values, float32Limit)) throw badBytes('expected finite float32 numbers');
  return codecOf(rule, values.length).encode(values, key);
}

/**
 * The vector that bytes stand for, as all who have them see it.
 * @throws {GossipError} 'bad_mixing_message' unless they are what `compress` writes for so many numbers
 */
export function decompress(
  rule: Compression,
  bytes: Uint8Array,
  { length, key }: { readonly length: number; readonly key: string },
): Float64Array {
  const out = codecOf(rule, length).decode(bytes, length, key);
  if (!areBelow(out, Infinity)) throw badBytes('expected finite numbers');
  return out;
}

/** A message, and what it left out. */
export interface FedBack {
  readonly bytes: Uint8Array;
  /** To be given to the next call; part of a checkpoint. */
  readonly residual: Float64Array;
}

/**
 * Error feedback (Stich et al. 2018; Karimireddy et al. 2019): q = Q(values + residual), residual' = values + residual - q.
 * What was left out is sent later; nothing is lost.
 * @param residual null at the start
 * @throws {GossipError} as `compress`
 */
export function compressWithFeedback(
  rule: Compression,
  values: Vector,
  { residual, key }: { readonly residual: Vector | null; readonly key: string },
): FedBack {
  const wanted = new Float64Array(values);
  if (residual !== null)
    mixInto(wanted, [
      { weight: 1, values: wanted },
      { weight: 1, values: residual },
    ]);
  const bytes = compress(rule, wanted, key);
  const sent = decompress(rule, bytes, { length: values.length, key });
  return { bytes, residual: plus(wanted, sent, -1) };
}

/** How many bytes any message of so many numbers has at most; exactly so many except with `top-k`. */
export function compressedBytesMax(rule: Compression, length: number): number {
  return codecOf(rule, length).bytesMax(length);
}

/** What rounds to infinity in float32, and all beyond it. */
const float32Limit = (2 - 2 ** -24) * 2 ** 127;

/** Whether all are numbers nearer to 0 than `limit`. By index: iterators and functions called for each number take several times as long. */
function areBelow(values: Vector, limit: number): boolean {
  for (let i = values.length - 1; i >= 0; i--) {
    if (!(Math.abs(values[i] as number) < limit)) return false;
  }
  return true;
}

function codecOf(rule: Compression, length: number): VectorCodec {
  switch (rule.kind) {
    case 'none':
    case 'bf16':
      return floatCodec(rule.kind);
    case 'int8':
      return quantisedCodec({ bits: 8, blockValues: 256 });
    case 'int4':
      return quantisedCodec({ bits: 4, blockValues: 64 });
    case 'sign':
      return signCodec;
    case 'top-k':
      return topKCodec(countOf(rule.share, length));
    case 'random-k':
      return randomKCodec(countOf(rule.share, length));
    case 'low-rank':
      return lowRankCodec(rule, length);
  }
}

/** ceil(share · length) */
function countOf(share: number, length: number): number {
  if (share > 0 && share <= 1) return Math.ceil(share * length);
  const reason = `expected a share above 0, at most 1, got ${share}`;
  throw new GossipError({ code: 'bad_mixing_message', reason }, reason);
}
