/** A few bits for each number, and a float32 scale for each block of them. */
import type { Vector } from '../mix.ts';
import type { VectorCodec } from './float-codecs.ts';
import { badBytes, checkBytes, readScale, viewOf } from './reading.ts';

interface Quantisation {
  readonly bits: 8 | 4;
  /** So few that the error stays below the vector: at most blockValues / (4 · levels²) of its square. */
  readonly blockValues: number;
}

/**
 * scale = max|x| / levels, q = round(x / scale), halves up, within ±levels: 127 or 7. First the scales of all blocks, then the
 * numbers in two's complement; of two in a byte the first is in the lower half, and a half that is left over is 0.
 */
export function quantisedCodec({ bits, blockValues }: Quantisation): VectorCodec {
  const levels = 2 ** (bits - 1) - 1;
  const blocksOf = (length: number): number => Math.ceil(length / blockValues);
  const bytesOf = (length: number): number => 4 * blocksOf(length) + Math.ceil((length * bits) / 8);
  return {
    bytesMax: bytesOf,
    encode: (values) => {
      const bytes = new Uint8Array(bytesOf(values.length));
      const view = viewOf(bytes);
      const start = 4 * blocksOf(values.length);
      for (let from = 0; from < values.length; from += blockValues) {
        const block = values.subarray(from, from + blockValues);
        const scale = Math.fround(largest(block) / levels);
        view.setFloat32((4 * from) / blockValues, scale, true);
        if (scale === 0) continue;
        for (let i = 0; i < block.length; i++) {
          const level = Math.floor((block[i] as number) / scale + 0.5);
          const q = level > levels ? levels : level < -levels ? -levels : level;
          if (bits === 8) bytes[start + from + i] = q & 255;
          else writeLevel(bytes, start, from + i, q);
        }
      }
      return bytes;
    },
    decode: (bytes, length) => {
      checkBytes(bytes, bytesOf(length));
      const view = viewOf(bytes);
      const start = 4 * blocksOf(length);
      if (bits === 4 && length % 2 === 1 && (bytes.at(-1) ?? 0) > 15) {
        throw badBytes('expected an empty half of the last byte');
      }
      const out = new Float64Array(length);
      for (let from = 0; from < length; from += blockValues) {
        const scale = readScale(view, (4 * from) / blockValues);
        const end = Math.min(length, from + blockValues);
        for (let i = from; i < end; i++) {
          const q = bits === 8 ? view.getInt8(start + i) : readLevel(bytes, start, i);
          if (q < -levels || (scale === 0 && q !== 0)) {
            throw badBytes(`expected levels within ±${levels}, and 0 where the scale is`);
          }
          out[i] = q * scale;
        }
      }
      return out;
    },
  };
}

/** Numbers of one block of signs. */
const signBlock = 1024;

/** The mean of |x| over each block, then a bit for each number, 1 below 0; the first is the lowest of its byte. */
export const signCodec: VectorCodec = {
  bytesMax: signBytes,
  encode: (values) => {
    const bytes = new Uint8Array(signBytes(values.length));
    const view = viewOf(bytes);
    const start = 4 * Math.ceil(values.length / signBlock);
    for (let from = 0; from < values.length; from += signBlock) {
      const block = values.subarray(from, from + signBlock);
      let sum = 0;
      for (const value of block) sum += Math.abs(value);
      view.setFloat32((4 * from) / signBlock, sum / block.length, true);
      for (let i = from; i < from + block.length; i++) {
        const at = start + (i >>> 3);
        if ((values[i] as number) < 0) bytes[at] = (bytes[at] as number) | (1 << (i & 7));
      }
    }
    return bytes;
  },
  decode: (bytes, length) => {
    checkBytes(bytes, signBytes(length));
    const view = viewOf(bytes);
    const start = 4 * Math.ceil(length / signBlock);
    if (length % 8 !== 0 && (bytes.at(-1) ?? 0) >>> (length % 8) !== 0) {
      throw badBytes('expected zeros behind the last sign');
    }
    const out = new Float64Array(length);
    for (let from = 0; from < length; from += signBlock) {
      const size = readScale(view, (4 * from) / signBlock);
      for (let i = from; i < Math.min(length, from + signBlock); i++) {
        const isNegative = (((bytes[start + (i >>> 3)] as number) >>> (i & 7)) & 1) === 1;
        out[i] = isNegative ? -size : size;
      }
    }
    return out;
  },
};

function signBytes(length: number): number {
  return 4 * Math.ceil(length / signBlock) + Math.ceil(length / 8);
}

function largest(block: Vector): number {
  let max = 0;
  for (let i = block.length - 1; i >= 0; i--) {
    const size = Math.abs(block[i] as number);
    if (size > max) max = size;
  }
  return max;
}

/** Half a byte. */
function writeLevel(bytes: Uint8Array, start: number, i: number, q: number): void {
  const at = start + (i >>> 1);
  bytes[at] = (bytes[at] ?? 0) | ((q & 15) << (4 * (i & 1)));
}

function readLevel(bytes: Uint8Array, start: number, i: number): number {
  const nibble = ((bytes[start + (i >>> 1)] ?? 0) >>> (4 * (i & 1))) & 15;
  return (nibble << 28) >> 28;
}
