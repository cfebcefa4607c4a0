/**
 * Integers in as few bits as they need: the plaintext of an update. Changes of a layer are alike in size and far below
 * what the fixed point allows, so blocks of 64 are written with the width of their largest. docs/specs/update-envelope.md
 *
 * Both ways in pieces: an update is as large as a model and never lies in memory whole. One list of integers has exactly
 * one encoding: a reader refuses every other.
 */
import { invariant } from '../base/index.ts';
import { WeightsError } from './errors.ts';

/** Values that share one width. */
const blockValues = 64;
const widthMax = 32;
/** A block with its width: one byte and 64 values of 32 bits. */
const blockBytesMax = 1 + (blockValues * widthMax) / 8;
/** Up to this width a value lies within four bytes, wherever its first bit is. */
const narrowWidthMax = 25;
/** Values that a reader hands on at once. */
const piecesValues = 8192;
/** A value is read as the four or five bytes it lies in: so many behind the last are there to be read. */
const slackBytes = 8;

/** Writes integers that come in pieces of any sizes. Single use. */
export class IntegerPacker {
  readonly #held = new Int32Array(blockValues);
  #heldCount = 0;

  /** The bytes of the blocks that `values` fill; what is left over waits for more. */
  push(values: Int32Array): Uint8Array {
    const blockCount = Math.floor((this.#heldCount + values.length) / blockValues);
    const out = new Uint8Array(blockCount * blockBytesMax + slackBytes);
    const view = viewOf(out);
    let at = 0;
    let taken = 0;
    if (this.#heldCount > 0) {
      taken = Math.min(blockValues - this.#heldCount, values.length);
      this.#held.set(values.subarray(0, taken), this.#heldCount);
      this.#heldCount += taken;
      if (this.#heldCount < blockValues) return out.subarray(0, 0);
      at = packBlock(this.#held, 0, blockValues, view, 0);
      this.#heldCount = 0;
    }
    for (; taken + blockValues <= values.length; taken += blockValues) {
      at = packBlock(values, taken, blockValues, view, at);
    }
    this.#held.set(values.subarray(taken));
    this.#heldCount = values.length - taken;
    return out.subarray(0, at);
  }

  /** The bytes of the last block, which is shorter; none when nothing is left over. */
  end(): Uint8Array {
    const out = new Uint8Array(blockBytesMax + slackBytes);
    const count = this.#heldCount;
    this.#heldCount = 0;
    return out.subarray(0, count === 0 ? 0 : packBlock(this.#held, 0, count, viewOf(out), 0));
  }
}

/** Takes a stretch of the integers: their number of the first, in order and without a gap. `values` is used again. */
export type TakeIntegers = (values: Int32Array, start: number) => void;

/**
 * Reads what `IntegerPacker` wrote, for exactly `count` integers, from bytes that come in pieces of any sizes. Single use.
 * Every method throws {WeightsError} 'malformed' when the bytes are not what the packer writes, end too early or too late;
 * what was taken before that is worth nothing.
 */
export class IntegerUnpacker {
  readonly #count: number;
  readonly #take: TakeIntegers;
  readonly #out: Int32Array;
  #outCount = 0;
  /** Values unpacked so far. */
  #done = 0;
  /** Bytes of a block that has not come whole, then those of the piece under way. */
  #bytes = new Uint8Array(2 * blockBytesMax);
  #heldBytes = 0;
  /** Bytes of all blocks that are done. */
  #readBytes = 0;

  constructor(count: number, take: TakeIntegers) {
    this.#count = count;
    this.#take = take;
    this.#out = new Int32Array(Math.min(piecesValues, count));
  }

  /** Reads what `piece` completes. */
  push(piece: Uint8Array): void {
    const size = this.#hold(piece);
    const view = viewOf(this.#bytes);
    let at = 0;
    while (at < size) {
      const left = this.#count - this.#done;
      if (left === 0) throw malformed(`${this.#readBytes} bytes`);
      const values = Math.min(blockValues, left);
      const width = view.getUint8(at);
      if (width > widthMax) {
        throw malformed(`a width of at most ${widthMax} at byte ${this.#readBytes}`);
      }
      const end = at + 1 + bodyBytes(values, width);
      if (end > size) break;
      if (!unpackBlock(view, at + 1, width, values, this.#out, this.#outCount)) {
        const where = `in the block at byte ${this.#readBytes}`;
        throw malformed(`the smallest width and no stray bits ${where}`);
      }
      this.#readBytes += end - at;
      this.#outCount += values;
      this.#done += values;
      at = end;
      if (this.#outCount === piecesValues) this.#handOn();
    }
    this.#bytes.copyWithin(0, at, size);
    this.#heldBytes = size - at;
  }

  /** Hands on the last integers. */
  end(): void {
    if (this.#done < this.#count || this.#heldBytes > 0) {
      throw malformed(`${this.#count} values, got ${this.#done}`);
    }
    this.#handOn();
  }

  /** How many bytes wait, `piece` among them. */
  #hold(piece: Uint8Array): number {
    const size = this.#heldBytes + piece.byteLength;
    if (size + slackBytes > this.#bytes.byteLength) {
      const grown = new Uint8Array(size + slackBytes);
      grown.set(this.#bytes.subarray(0, this.#heldBytes));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#heldBytes);
    return size;
  }

  #handOn(): void {
    if (this.#outCount === 0) return;
    this.#take(this.#out.subarray(0, this.#outCount), this.#done - this.#outCount);
    this.#outCount = 0;
  }
}

/** Writes `count` values from `from` on and their width to `at`. @returns where they end */
function packBlock(
  values: Int32Array,
  from: number,
  count: number,
  view: DataView,
  at: number,
): number {
  let all = 0;
  for (let i = from; i < from + count; i++) all |= unsigned(values[i] as number);
  const width = widthMax - Math.clz32(all);
  view.setUint8(at, width);
  let word = at + 1;
  // The lowest bit first, in words of 32: `held` has the `heldBits` lowest of the next.
  let [held, heldBits] = [0, 0];
  if (width > 0) {
    for (let i = from; i < from + count; i++) {
      const bits = unsigned(values[i] as number);
      held |= bits << heldBits;
      heldBits += width;
      if (heldBits < 32) continue;
      view.setInt32(word, held, true);
      word += 4;
      heldBits -= 32;
      // Not one shift: by 32 it would be by 0.
      held = (bits >>> 1) >>> (width - heldBits - 1);
    }
    view.setInt32(word, held, true);
  }
  return at + 1 + bodyBytes(count, width);
}

/** Reads `count` values of `width` bits into `out`; false unless that is their width and the bits behind them are 0. */
function unpackBlock(
  view: DataView,
  at: number,
  width: number,
  count: number,
  out: Int32Array,
  outAt: number,
): boolean {
  let all = 0;
  if (width <= narrowWidthMax) {
    const mask = (1 << width) - 1;
    for (let i = 0, bit = 0; i < count; i++, bit += width) {
      const bits = (view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & mask;
      all |= bits;
      out[outAt + i] = (bits >>> 1) ^ -(bits & 1);
    }
  } else {
    const mask = -1 >>> (widthMax - width);
    for (let i = 0, bit = 0; i < count; i++, bit += width) {
      const place = at + (bit >>> 3);
      const shift = bit & 7;
      // By 32 would be by 0.
      const high = (view.getUint8(place + 4) << 1) << (31 - shift);
      const bits = ((view.getInt32(place, true) >>> shift) | high) & mask;
      all |= bits;
      out[outAt + i] = (bits >>> 1) ^ -(bits & 1);
    }
  }
  if (widthMax - Math.clz32(all) !== width) return false;
  const lastBits = (count * width) & 7;
  return lastBits === 0 || view.getUint8(at + bodyBytes(count, width) - 1) >>> lastBits === 0;
}

/** 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …, in 32 bits. */
function unsigned(value: number): number {
  return (value << 1) ^ (value >> 31);
}

function bodyBytes(count: number, width: number): number {
  return (count * width + 7) >>> 3;
}

function viewOf(bytes: Uint8Array): DataView {
  invariant(bytes.byteOffset === 0, 'a buffer of its own');
  return new DataView(bytes.buffer);
}

function malformed(expected: string): WeightsError {
  return new WeightsError({ code: 'malformed', expected }, `packed integers: expected ${expected}`);
}
