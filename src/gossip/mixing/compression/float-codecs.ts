/** Vectors as plain numbers of four or two bytes. */
import type { Vector } from '../mix.ts';
import { checkBytes, viewOf } from './reading.ts';

/** Writes vectors whose length the reader knows, and reads them. */
export interface VectorCodec {
  bytesMax(length: number): number;
  /** @param values finite, also as float32 */
  encode(values: Vector, key: string): Uint8Array;
  /** @throws {GossipError} 'bad_mixing_message' unless `encode` could have written it; numbers may be infinite */
  decode(bytes: Uint8Array, length: number, key: string): Float64Array;
}

/** Float32, or its upper half (bf16), little-endian. */
export function floatCodec(kind: 'none' | 'bf16'): VectorCodec {
  const each = kind === 'none' ? 4 : 2;
  return {
    bytesMax: (length) => each * length,
    encode: (values) => {
      const bytes = new Uint8Array(each * values.length);
      const view = viewOf(bytes);
      for (let i = 0; i < values.length; i++) {
        const value = values[i] as number;
        if (each === 4) view.setFloat32(4 * i, value, true);
        else view.setUint16(2 * i, bf16Of(value), true);
      }
      return bytes;
    },
    decode: (bytes, length) => {
      checkBytes(bytes, each * length);
      const view = viewOf(bytes);
      const out = new Float64Array(length);
      for (let i = 0; i < length; i++) {
        out[i] =
          each === 4 ? view.getFloat32(4 * i, true) : floatOfBf16(view.getUint16(2 * i, true));
      }
      return out;
    },
  };
}

const scratch = new DataView(new ArrayBuffer(4));

/** To nearest, ties to even; what would round to infinity becomes the largest number. */
function bf16Of(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  return (rounded & 0x7fff) === 0x7f80 ? rounded - 1 : rounded;
}

function floatOfBf16(bits: number): number {
  scratch.setUint32(0, bits * 0x10000);
  return scratch.getFloat32(0);
}
