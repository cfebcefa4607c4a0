/**
 * Integers in as few bits as they need: the plaintext of an update. Changes of a layer are alike in size and far below
 * what the fixed point allows, so blocks of 64 are written with the width of their largest. docs/specs/update-envelope.md
 *
 * One list of integers has exactly one encoding: a reader refuses every other.
 */
import { WeightsError } from './errors.ts';

/** Values that share one width. */
const blockValues = 64;
const widthMax = 32;

/** The packed bytes of `values`. */
export function packIntegers(values: Int32Array): Uint8Array {
  const widths = new Uint8Array(Math.ceil(values.length / blockValues));
  let bytes = widths.length;
  for (let block = 0; block < widths.length; block++) {
    const part = values.subarray(block * blockValues, (block + 1) * blockValues);
    widths[block] = widthOf(part);
    bytes += bodyBytes(part.length, widthOf(part));
  }
  const out = new Uint8Array(bytes);
  let at = 0;
  for (let block = 0; block < widths.length; block++) {
    const part = values.subarray(block * blockValues, (block + 1) * blockValues);
    const width = widths[block] ?? 0;
    out[at] = width;
    const end = at + 1 + bodyBytes(part.length, width);
    writeBits(part, width, out.subarray(at + 1, end));
    at = end;
  }
  return out;
}

/**
 * The inverse of `packIntegers`, for exactly `count` integers: no byte is read that they do not need.
 * @throws {WeightsError} 'malformed' when `bytes` end too early or too late, or are not what `packIntegers` writes
 */
export function unpackIntegers(bytes: Uint8Array, count: number): Int32Array {
  const blockCount = Math.ceil(count / blockValues);
  // Each block has a byte at least: before as much as the model's size is taken, the bytes must be that many.
  if (bytes.byteLength < blockCount) throw malformed(`${blockCount} bytes or more`);
  const values = new Int32Array(count);
  let at = 0;
  for (let start = 0; start < count; start += blockValues) {
    const part = values.subarray(start, start + blockValues);
    const width = bytes[at] ?? widthMax + 1;
    if (width > widthMax) throw malformed(`a width of at most ${widthMax} at byte ${at}`);
    const end = at + 1 + bodyBytes(part.length, width);
    if (end > bytes.byteLength) throw malformed(`${end} bytes or more`);
    const isTight = readBits(bytes.subarray(at + 1, end), width, part);
    if (!isTight || widthOf(part) !== width) {
      throw malformed(`the smallest width and no stray bits in the block at byte ${at}`);
    }
    at = end;
  }
  if (at !== bytes.byteLength) throw malformed(`${at} bytes`);
  return values;
}

/** Bits of the largest value, its sign among them: 0 for zeros alone. */
function widthOf(values: Int32Array): number {
  let all = 0;
  for (const value of values) all |= unsigned(value);
  return widthMax - Math.clz32(all);
}

/** 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 … */
function unsigned(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function signed(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

function bodyBytes(count: number, width: number): number {
  return Math.ceil((count * width) / 8);
}

/** Writes `width` bits of each value, the lowest first, into bytes from their lowest bit up. */
function writeBits(values: Int32Array, width: number, out: Uint8Array): void {
  let [held, heldBits, at] = [0, 0, 0];
  for (const value of values) {
    const bits = unsigned(value);
    // In halves, so that what is held stays below 2^24.
    for (let from = 0; from < width; from += 16) {
      const size = Math.min(16, width - from);
      held += ((bits >>> from) & 0xffff) * 2 ** heldBits;
      heldBits += size;
      for (; heldBits >= 8; heldBits -= 8) {
        out[at++] = held & 0xff;
        held >>>= 8;
      }
    }
  }
  if (heldBits > 0) out[at] = held;
}

/** The inverse of `writeBits` into `values`; false when a bit behind the last is not 0. */
function readBits(bytes: Uint8Array, width: number, values: Int32Array): boolean {
  let [held, heldBits, at] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    let bits = 0;
    for (let from = 0; from < width; from += 16) {
      const size = Math.min(16, width - from);
      for (; heldBits < size; heldBits += 8) held += (bytes[at++] ?? 0) * 2 ** heldBits;
      bits |= (held & (2 ** size - 1)) << from;
      held >>>= size;
      heldBits -= size;
    }
    values[i] = signed(bits);
  }
  return held === 0;
}

function malformed(expected: string): WeightsError {
  return new WeightsError({ code: 'malformed', expected }, `packed integers: expected ${expected}`);
}
