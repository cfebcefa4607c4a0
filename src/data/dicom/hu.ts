/** Stored numbers to HU: the bits that count, their sign, slope and intercept. */
import type { PixelFormat } from './pixel-format.ts';

/** How a slice's stored values become HU. */
export interface Rescale {
  readonly slope: number;
  readonly intercept: number;
}

/** What a slice was found to hold. */
export interface SliceFindings {
  readonly lowest: number;
  readonly highest: number;
  /** Voxels with the padding value: outside of the scanner's circle. */
  readonly padded: number;
  /** Voxels with bits set beside their own, which nothing explains. */
  readonly stray: number;
}

/**
 * Writes the HU of a frame into `into`, one for each pixel. Bits beside the pixel's own may hold overlays and are left out (PS3.5,
 * 8.1.1); a padding value is taken as it stands, since some programs write it over all bits.
 */
export function toHu(
  bytes: Uint8Array,
  isLittleEndian: boolean,
  format: PixelFormat,
  { slope, intercept }: Rescale,
  into: Float32Array,
): SliceFindings {
  const { bitsAllocated, bitsStored, highBit, isSigned, padding } = format;
  const words = wordsOf(bytes, isLittleEndian, format);
  const [up, down] = [31 - highBit, 32 - bitsStored];
  const isWhole = bitsStored === bitsAllocated;
  const padMask = 2 ** Math.min(16, bitsAllocated) - 1;
  const pad = padding === null ? -1 : padding & padMask;
  let [lowest, highest, padded, stray] = [Infinity, -Infinity, 0, 0];
  for (let n = 0; n < into.length; n++) {
    const word = words[n] ?? 0;
    let stored = word;
    if ((word & padMask) === pad && padding !== null) {
      stored = padding;
      padded += 1;
    } else if (!isWhole) {
      stored = isSigned ? (word << up) >> down : (word << up) >>> down;
      // As stored, or with the sign in all bits above.
      if (stored !== word && word >>> 0 > 2 ** (highBit + 1) - 1) stray += 1;
    }
    const hu = stored * slope + intercept;
    into[n] = hu;
    if (hu < lowest) lowest = hu;
    if (hu > highest) highest = hu;
  }
  return { lowest, highest, padded, stray };
}

type Words = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** Whole stored numbers in this machine's order, with their sign. */
function wordsOf(bytes: Uint8Array, isLittleEndian: boolean, format: PixelFormat): Words {
  const { bitsAllocated, isSigned } = format;
  if (bitsAllocated === 8) {
    return isSigned ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
  }
  const size = bitsAllocated / 8;
  const isReady = isLittleEndian === isLittleEndianMachine && bytes.byteOffset % size === 0;
  const own = isReady ? bytes : bytes.slice();
  if (isLittleEndian !== isLittleEndianMachine) {
    const buffer = Buffer.from(own.buffer, own.byteOffset, own.byteLength);
    if (size === 2) buffer.swap16();
    else buffer.swap32();
  }
  const [at, count] = [own.byteOffset, own.byteLength / size];
  if (size === 2) {
    return isSigned
      ? new Int16Array(own.buffer, at, count)
      : new Uint16Array(own.buffer, at, count);
  }
  return isSigned ? new Int32Array(own.buffer, at, count) : new Uint32Array(own.buffer, at, count);
}

const isLittleEndianMachine = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
