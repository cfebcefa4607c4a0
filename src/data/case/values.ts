/** Intensities as little-endian bytes, in 16 bits where nothing is lost. */
import { refuseField } from './packed.ts';

/** How a file's intensities are stored: 2 or 4 bytes each. */
export type ValueKind = 'int16' | 'float32';

/** 16-bit if every value is a whole number from -32767 to 32767 (and not -0), else 32-bit float. */
export function encodeValues(data: Float32Array): { kind: ValueKind; bytes: Uint8Array } {
  const small = data.every(
    (value) => Number.isInteger(value) && Math.abs(value) < 32768 && !Object.is(value, -0),
  );
  const width = small ? 2 : 4;
  const bytes = new Uint8Array(data.length * width);
  const view = new DataView(bytes.buffer);
  data.forEach((value, n) => {
    if (small) view.setInt16(n * 2, value, true);
    else view.setFloat32(n * 4, value, true);
  });
  return { kind: small ? 'int16' : 'float32', bytes };
}

/** @throws {DataError} 'bad_field' when a value is not finite. */
export function decodeValues(bytes: Uint8Array, kind: ValueKind): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(bytes.byteLength / (kind === 'int16' ? 2 : 4));
  for (let n = 0; n < out.length; n++) {
    out[n] = kind === 'int16' ? view.getInt16(n * 2, true) : view.getFloat32(n * 4, true);
  }
  if (!out.every(Number.isFinite)) refuseField('values', 'finite numbers', 'NaN or infinity');
  return out;
}
