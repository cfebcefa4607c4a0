/** Floating-point numbers of any width as float32. */
import type { StoredTensor } from './safetensors.ts';

/**
 * The numbers of a tensor as a new array; float64 is rounded. `null` for element types that are no numbers with a
 * fraction of at least 16 bits: whole numbers, truth values, and float8, which means nothing without its scale.
 */
export function floatsOf({ dtype, bytes }: StoredTensor): Float32Array | null {
  const copy = new Uint8Array(bytes).buffer;
  if (dtype === 'F32') return new Float32Array(copy);
  if (dtype === 'F64') return new Float32Array(new Float64Array(copy));
  if (dtype === 'F16') return Float32Array.from(new Uint16Array(copy), fromHalf);
  if (dtype !== 'BF16') return null;
  // The upper half of a float32.
  return new Float32Array(Uint32Array.from(new Uint16Array(copy), (bits) => bits << 16).buffer);
}

/** IEEE 754 binary16: a sign, five bits of exponent with bias 15, ten of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
