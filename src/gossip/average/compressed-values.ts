/**
 * Changes as compressed numbers, by the codecs of `mixing/compression`, and the weighted integers that they stand for: the
 * same on every node, so that sums, bounds and robust rules are those of whole updates. In pieces. docs/decisions/028
 */
import {
  fixedPointFor,
  quantise,
  WeightsError,
  type FixedPoint,
  type UpdateWeight,
} from '../../weights/index.ts';
import type { TravelCompression } from '../../wire/index.ts';
import { GossipError } from '../errors.ts';
import { compress, compressedBytesMax, decompress } from '../mixing/compression/compression.ts';
import type { AveragingRule } from './averaging-rule.ts';
import { weightIn, type Segment, type UpdateWeights } from './head-weights.ts';

/** Numbers that are compressed together: whoever reads them holds no more at a time. */
const messageValues = 8192;
/** Numbers with one scale. Where a vector is cut at a multiple of it, its parts decompress as the whole does. */
export const compressedBlockValues = 256;

/** Numbers of messages are not drawn: every codec that travels gives the same bytes under any key. */
const noKey = '';

/** Bytes of so many compressed numbers: always the same. */
export function compressedBytes(kind: TravelCompression, count: number): number {
  const whole = Math.floor(count / messageValues);
  const rest = count % messageValues;
  const bytesOf = (length: number): number => compressedBytesMax({ kind }, length);
  return whole * bytesOf(messageValues) + (rest === 0 ? 0 : bytesOf(rest));
}

/** The largest number that a compressed vector within ±`clamp` can hold: rounding may lift it a little. */
export function compressedMax(kind: TravelCompression, clamp: number): number {
  const bytes = compress({ kind }, Float64Array.of(clamp), noKey);
  return decompress({ kind }, bytes, { length: 1, key: noKey })[0] ?? 0;
}

/** Takes a stretch of numbers: their place of the first, in order and without a gap. */
export type TakeNumbers = (numbers: Float64Array, start: number) => void;

/** Compresses numbers that come in pieces of any sizes. Single use. */
export class CompressedPacker {
  readonly #kind: TravelCompression;
  readonly #onSent: TakeNumbers;
  readonly #held = new Float32Array(messageValues);
  #heldCount = 0;
  #done = 0;

  /** @param onSent hears what the bytes stand for */
  constructor(kind: TravelCompression, onSent: TakeNumbers) {
    this.#kind = kind;
    this.#onSent = onSent;
  }

  /** The bytes of the messages that `values` fill; what is left over waits for more. @throws {WeightsError} 'not_finite' */
  push(values: Float32Array): Uint8Array {
    const messages: Uint8Array[] = [];
    for (let at = 0; at < values.length;) {
      const piece = values.subarray(at, at + messageValues - this.#heldCount);
      this.#held.set(piece, this.#heldCount);
      this.#heldCount += piece.length;
      at += piece.length;
      if (this.#heldCount === messageValues) messages.push(this.#message());
    }
    return joined(messages);
  }

  /** The bytes of the last message, which is shorter; none when nothing is left over. */
  end(): Uint8Array {
    return this.#heldCount === 0 ? new Uint8Array(0) : this.#message();
  }

  #message(): Uint8Array {
    const rule = { kind: this.#kind };
    const values = this.#held.subarray(0, this.#heldCount);
    let bytes: Uint8Array;
    try {
      bytes = compress(rule, values, noKey);
    } catch (error) {
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad < 0) throw error;
      const facts = { code: 'not_finite', index: this.#done + bad } as const;
      throw new WeightsError(facts, `expected finite numbers, got ${String(values[bad])}`);
    }
    this.#onSent(decompress(rule, bytes, { length: values.length, key: noKey }), this.#done);
    this.#done += values.length;
    this.#heldCount = 0;
    return bytes;
  }
}

/**
 * Reads what `CompressedPacker` wrote, for exactly `count` numbers, from bytes that come in pieces of any sizes. Single use.
 * Every method throws {WeightsError} 'malformed' when the bytes are not what the packer writes, end too early or too late;
 * what was taken before that is worth nothing.
 */
export class CompressedUnpacker {
  readonly #kind: TravelCompression;
  readonly #count: number;
  readonly #take: TakeNumbers;
  readonly #held: Uint8Array;
  #heldBytes = 0;
  #done = 0;

  constructor(kind: TravelCompression, count: number, take: TakeNumbers) {
    this.#kind = kind;
    this.#count = count;
    this.#take = take;
    this.#held = new Uint8Array(compressedBytesMax({ kind }, Math.min(count, messageValues)));
  }

  /** Reads what `piece` completes. */
  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.byteLength;) {
      const length = Math.min(messageValues, this.#count - this.#done);
      if (length === 0) throw malformed(`${compressedBytes(this.#kind, this.#count)} bytes`);
      const wanted = compressedBytesMax({ kind: this.#kind }, length);
      const part = piece.subarray(at, at + wanted - this.#heldBytes);
      this.#held.set(part, this.#heldBytes);
      this.#heldBytes += part.byteLength;
      at += part.byteLength;
      if (this.#heldBytes === wanted) this.#message(length, wanted);
    }
  }

  /** Nothing must be missing. */
  end(): void {
    if (this.#done === this.#count && this.#heldBytes === 0) return;
    throw malformed(`${this.#count} numbers, got ${this.#done}`);
  }

  #message(length: number, bytes: number): void {
    const message = this.#held.subarray(0, bytes);
    let numbers: Float64Array;
    try {
      numbers = decompress({ kind: this.#kind }, message, { length, key: noKey });
    } catch (error) {
      if (error instanceof GossipError) throw malformed(error.message);
      throw error;
    }
    this.#heldBytes = 0;
    const start = this.#done;
    this.#done += length;
    this.#take(numbers, start);
  }
}

/** A stretch of one segment in a piece of the flat vector. */
interface Part {
  readonly from: number;
  readonly to: number;
  /** What the update counts there. */
  readonly weight: number;
}

/** The weighted integers of one update that travels compressed. */
export class CompressedIntegers {
  readonly #segments: readonly Segment[];
  readonly #weights: UpdateWeights;
  readonly #weightMax: number;
  readonly #fixedPoint: FixedPoint;
  readonly #max: number;

  constructor(
    segments: readonly Segment[],
    weights: UpdateWeights,
    { memberCount, clamp, weightMax }: AveragingRule,
    kind: TravelCompression,
  ) {
    this.#segments = segments;
    this.#weights = weights;
    this.#weightMax = weightMax;
    this.#fixedPoint = fixedPointFor(memberCount, clamp);
    this.#max = compressedMax(kind, clamp);
  }

  /**
   * The integers of numbers of which the first stands at `start` of the flat vector.
   * @throws {WeightsError} 'out_of_range' for a number that nobody who keeps the clamp sends, and for any but 0 of a head that
   * was not trained; 'bad_weight'
   */
  of(numbers: Float64Array, start: number): Int32Array {
    const out = new Int32Array(numbers.length);
    for (const { from, to, weight } of this.#parts(start, numbers.length)) {
      const max = weight === 0 ? 0 : this.#max;
      const bad = beyond(numbers, from, to, max);
      if (bad >= 0) {
        throw new WeightsError(
          { code: 'out_of_range', index: start + bad },
          `expected numbers within ±${max}, got ${numbers[bad] ?? 0} at ${start + bad}`,
        );
      }
      if (weight === 0) continue;
      const values = new Float32Array(numbers.subarray(from, to));
      out.set(quantise(values, this.#shareOf(weight), this.#fixedPoint).values, from);
    }
    return out;
  }

  /** Takes from `wanted`, the whole vector, what integers at `start` of it add up: what is left was rounded away. */
  takeFrom(wanted: Float32Array, values: Int32Array, start: number): void {
    for (const { from, to, weight } of this.#parts(start, values.length)) {
      if (weight === 0) continue;
      const unit = this.#weightMax / (weight * 2 ** this.#fixedPoint.fractionBits);
      for (let i = from; i < to; i++) {
        wanted[start + i] = (wanted[start + i] as number) - (values[i] as number) * unit;
      }
    }
  }

  #shareOf(weight: number): UpdateWeight {
    return { weight, weightMax: this.#weightMax };
  }

  *#parts(start: number, count: number): Generator<Part, void, undefined> {
    for (const segment of this.#segments) {
      const from = Math.max(segment.start - start, 0);
      const to = Math.min(segment.end - start, count);
      if (from < to) yield { from, to, weight: weightIn(segment, this.#weights) };
    }
  }
}

/** Index of the first number of [from, to) that is not within ±max; -1 for none. */
function beyond(numbers: Float64Array, from: number, to: number, max: number): number {
  for (let i = from; i < to; i++) {
    if (!(Math.abs(numbers[i] as number) <= max)) return i;
  }
  return -1;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const out = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

function malformed(expected: string): WeightsError {
  return new WeightsError(
    { code: 'malformed', expected },
    `compressed numbers: expected ${expected}`,
  );
}
