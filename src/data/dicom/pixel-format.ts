/** How a file's pixels are stored: PS3.3, C.7.6.3. */
import type { DataSet, PixelElement } from './elements.ts';
import { breaks } from './refusal.ts';
import type { TransferSyntax } from './transfer-syntax.ts';
import { asciiOf, elementOf, integerTextOf, requiredShort, shortOf } from './values.ts';

/** Sizes, and which bits of a stored number count. */
export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly frameCount: number;
  readonly bitsAllocated: 8 | 16 | 32;
  /** The pixel's own bits; others may hold overlays. */
  readonly bitsStored: number;
  /** The highest of them. */
  readonly highBit: number;
  readonly isSigned: boolean;
  /** Stored value outside of the scanner's circle; null where there is none. */
  readonly padding: number | null;
}

/** Voxels of a file: their HU take 1 GiB. */
const voxelsMax = 2 ** 28;
const framesMax = 16_384;

/** @throws {DataError} 'dicom': missing_value, value, pixel_format, too_large */
export function pixelFormatOf(
  dataSet: DataSet,
  pixels: PixelElement,
  { codec, isLittleEndian }: TransferSyntax,
): PixelFormat {
  const samples = shortOf(dataSet, 'SamplesPerPixel') ?? 1;
  const photometric = asciiOf(dataSet, 'PhotometricInterpretation');
  if (samples !== 1 || !/^(MONOCHROME[12])?$/.test(photometric)) {
    throw breaks(
      'pixel_format',
      'SamplesPerPixel, PhotometricInterpretation: expected grey values (1, MONOCHROME2), got colours',
    );
  }
  const [rows, columns] = [requiredShort(dataSet, 'Rows'), requiredShort(dataSet, 'Columns')];
  const frameCount = integerTextOf(dataSet, 'NumberOfFrames') ?? 1;
  if (!(frameCount >= 1 && frameCount <= framesMax)) {
    throw breaks('value', `NumberOfFrames: expected 1 to ${framesMax}, got ${frameCount}`);
  }
  if (rows === 0 || columns === 0) {
    throw breaks('value', `Rows, Columns: expected at least 1, got ${rows} and ${columns}`);
  }
  if (rows * columns * frameCount > voxelsMax) {
    const size = `${rows} x ${columns}, ${frameCount} times`;
    throw breaks('too_large', `Rows, Columns: expected at most ${voxelsMax} voxels, got ${size}`);
  }
  const bits = bitsOf(dataSet);
  if (bits.bitsAllocated === 32 && codec !== null) {
    throw breaks('pixel_format', 'BitsAllocated: expected 8 or 16 in compressed pixels, got 32');
  }
  if (bits.bitsAllocated === 8 && !isLittleEndian && pixels.vr === 'OW') {
    throw breaks('pixel_format', 'BitsAllocated: expected 16 in big endian words, got 8');
  }
  const isSigned = isSignedOf(dataSet);
  return { rows, columns, frameCount, ...bits, isSigned, padding: paddingOf(dataSet, isSigned) };
}

function bitsOf(dataSet: DataSet): Pick<PixelFormat, 'bitsAllocated' | 'bitsStored' | 'highBit'> {
  const bitsAllocated = requiredShort(dataSet, 'BitsAllocated');
  if (bitsAllocated !== 8 && bitsAllocated !== 16 && bitsAllocated !== 32) {
    throw breaks('pixel_format', `BitsAllocated: expected 8, 16 or 32, got ${bitsAllocated}`);
  }
  const bitsStored = requiredShort(dataSet, 'BitsStored');
  const highBit = shortOf(dataSet, 'HighBit') ?? bitsStored - 1;
  if (bitsStored >= 1 && highBit < bitsAllocated && highBit >= bitsStored - 1) {
    return { bitsAllocated, bitsStored, highBit };
  }
  throw breaks(
    'pixel_format',
    `BitsStored, HighBit: expected bits within the ${bitsAllocated} that are allocated, got ${bitsStored} bits ` +
      `up to bit ${highBit}`,
  );
}

function isSignedOf(dataSet: DataSet): boolean {
  const representation = requiredShort(dataSet, 'PixelRepresentation');
  if (representation <= 1) return representation === 1;
  throw breaks('value', `PixelRepresentation: expected 0 or 1, got ${representation}`);
}

/** Whatever its value representation: programs confuse the signed and the unsigned one. */
function paddingOf(dataSet: DataSet, isSigned: boolean): number | null {
  const element = elementOf(dataSet, 'PixelPaddingValue');
  if (element?.value.byteLength !== 2) return null;
  const { value, isLittleEndian } = element;
  const view = new DataView(value.buffer, value.byteOffset, 2);
  return isSigned ? view.getInt16(0, isLittleEndian) : view.getUint16(0, isLittleEndian);
}
