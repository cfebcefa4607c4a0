/**
 * NIfTI-1 and NIfTI-2 headers. Only what places and scales voxels is read: description, names, intent
 * and extensions, where patients' names hide, never enter memory beyond the bytes given.
 */
import { foreignKind } from '../../base/index.ts';
import { DataError } from '../errors.ts';
import { readingDefaults, type ReadingSettings } from '../settings.ts';
import { layout1, layout2, type NiftiFields } from './fields.ts';
import { placedBy, refuseHeader, type Transform } from './transform.ts';

/** How a voxel is stored. */
export type NiftiDatatype =
  | 'uint8' | 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32'
  | 'int64' | 'uint64' | 'float32' | 'float64'; // prettier-ignore

/** Codes and bits per voxel of the types that can be a CT or a label map. */
export const datatypes: Readonly<Record<NiftiDatatype, { code: number; bits: number }>> = {
  uint8: { code: 2, bits: 8 },
  int16: { code: 4, bits: 16 },
  int32: { code: 8, bits: 32 },
  float32: { code: 16, bits: 32 },
  float64: { code: 64, bits: 64 },
  int8: { code: 256, bits: 8 },
  uint16: { code: 512, bits: 16 },
  uint32: { code: 768, bits: 32 },
  int64: { code: 1024, bits: 64 },
  uint64: { code: 1280, bits: 64 },
};

/** Types of the format that are no intensities, by code, as nifti1.h names them. */
const otherTypes: Readonly<Record<number, string>> = {
  0: 'an unknown type',
  1: 'single bits',
  32: 'complex numbers (complex64)',
  128: 'colours (RGB24)',
  1536: 'numbers of 128 bits (float128)',
  1792: 'complex numbers (complex128)',
  2048: 'complex numbers (complex256)',
  2304: 'colours (RGBA32)',
};

/** What the reader may do where a file can be read in more than one way, and how much it may take. */
export interface NiftiOptions extends Partial<ReadingSettings> {
  /** At most this many bytes out of one byte of gzip, where more than 64 MiB come out; 500 unless told. */
  readonly expansionMax?: number;
}

/** What a header says, checked. */
export interface NiftiHeader extends Transform {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  /** Header and voxels in one file, or as a pair. */
  readonly single: boolean;
  readonly datatype: NiftiDatatype;
  /** Number of voxels along i, j, k. */
  readonly size: readonly [number, number, number];
  readonly frameCount: number;
  /** Which of them is read. */
  readonly frame: number;
  /** Where the voxels begin, in their own file. */
  readonly voxelOffset: number;
  /** value = raw * slope + inter. */
  readonly slope: number;
  readonly inter: number;
}

/** Bytes a header takes: NIfTI-1 348, NIfTI-2 540, each with four bytes that announce extensions. */
export const headerBytes = { 1: 348, 2: 540 } as const;

/** Extensions take at most this much. */
const extensionBytesMax = 16 * 1024 * 1024;

/**
 * Reads and checks a header. `bytes` begin with it.
 *
 * @throws {DataError} for anything that cannot be a CT or label map, and 'ask_first' where `options` must say.
 */
export function readNiftiHeader(bytes: Uint8Array, options: NiftiOptions): NiftiHeader {
  const { version, littleEndian, single } = recognise(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes[version]);
  const fields = version === 1 ? layout1(view, littleEndian) : layout2(view, littleEndian);
  const datatype = readDatatype(fields);
  const { size, frameCount, frame } = readSize(fields, options);
  const voxelOffset = readVoxelOffset(fields, single ? headerBytes[version] + 4 : 0);
  const scaling = readScaling(fields);
  const toMm = mmPerUnit(fields, options);
  const transform = placedBy(fields, size, toMm, options);
  return {
    ...{ version, littleEndian, single, datatype, size, frameCount, frame, voxelOffset },
    ...scaling,
    ...transform,
  };
}

function recognise(bytes: Uint8Array): {
  version: 1 | 2;
  littleEndian: boolean;
  single: boolean;
} {
  const refuse = (came: string): never => {
    const other = foreignKind(bytes);
    throw new DataError(
      { code: 'not_recognised', format: 'NIfTI' },
      other === null
        ? `expected a NIfTI-1 or NIfTI-2 file, got ${came}; export the image again as .nii or .nii.gz`
        : `expected a NIfTI-1 or NIfTI-2 file, got ${other}`,
    );
  };
  if (bytes.byteLength < 348) {
    return refuse(`${bytes.byteLength} bytes, fewer than the 348 of a header`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const version of [1, 2] as const) {
    for (const littleEndian of [true, false]) {
      if (view.getInt32(0, littleEndian) !== headerBytes[version]) continue;
      if (bytes.byteLength < headerBytes[version]) return refuse('a header that is cut short');
      const at = version === 1 ? 344 : 4;
      const magic = String.fromCharCode(...bytes.subarray(at, at + (version === 1 ? 4 : 8)));
      const end = version === 1 ? '\0' : '\0\r\n\x1a\n';
      if (magic === `n+${version}${end}`) return { version, littleEndian, single: true };
      if (magic === `ni${version}${end}`) return { version, littleEndian, single: false };
      return refuse('a header without the mark n+1, ni1, n+2 or ni2 (ANALYZE files have none)');
    }
  }
  return refuse('bytes that do not begin with a header length of 348 or 540');
}

function readDatatype(fields: NiftiFields): NiftiDatatype {
  const code = fields.datatype();
  const names = Object.keys(datatypes) as NiftiDatatype[];
  const name = names.find((one) => datatypes[one].code === code);
  if (name === undefined) {
    const came = otherTypes[code] ?? 'a type that the format does not have';
    throw new DataError(
      { code: 'unsupported', field: 'datatype' },
      `datatype: expected whole or real numbers of at most 64 bits, got code ${code}: ${came}; ` +
        'export the intensities as int16 or float32',
    );
  }
  const { bits } = datatypes[name];
  const bitpix = fields.bitpix();
  if (bitpix !== bits) refuseHeader('bitpix', `${bits} for datatype ${name}`, String(bitpix));
  return name;
}

function readSize(
  fields: NiftiFields,
  options: NiftiOptions,
): { size: [number, number, number]; frameCount: number; frame: number } {
  const rank = fields.dim(0);
  if (!(rank >= 3 && rank <= 7)) refuseHeader('dim[0]', '3 to 7 axes', String(rank));
  const dims = Array.from({ length: rank }, (_, n) => fields.dim(n + 1));
  dims.forEach((dim, n) => {
    if (!(dim >= 1 && dim <= 2 ** 31)) {
      refuseHeader(`dim[${n + 1}]`, 'at least one voxel along the axis', String(dim));
    }
  });
  const [i = 0, j = 0, k = 0, frameCount = 1, ...rest] = dims;
  if (rest.some((dim) => dim !== 1)) {
    throw new DataError(
      { code: 'unsupported', field: 'dim[5]' },
      'dim: expected a volume or a series of volumes, got more than four axes; export one volume',
    );
  }
  const { voxelsMax = readingDefaults.voxelsMax } = options;
  // The sizes are the file's claim: bound them before anything is allocated.
  if (i * j * k > voxelsMax) {
    throw new DataError(
      { code: 'too_large', limit: voxelsMax },
      `expected at most ${voxelsMax} voxels, the header says ${i} x ${j} x ${k}; cut the image to the ` +
        'heart, or allow more with --voxels-max (reading.voxelsMax in a preset)',
    );
  }
  return { size: [i, j, k], frameCount, frame: frameOf(frameCount, options) };
}

function frameOf(frameCount: number, { frame = readingDefaults.frame }: NiftiOptions): number {
  if (frameCount === 1) return 0;
  if (frame < 0) {
    throw new DataError(
      { code: 'ask_first', option: 'frame' },
      `expected one volume, got ${frameCount} of them in time; say which to read, from 0 to ` +
        `${frameCount - 1}, with --frame (reading.frame in a preset)`,
    );
  }
  if (Number.isInteger(frame) && frame < frameCount) return frame;
  throw new DataError(
    { code: 'bad_setting', field: 'frame' },
    `frame: expected a whole number from 0 to ${frameCount - 1}, got ${frame}; change --frame ` +
      '(reading.frame in a preset)',
  );
}

/** Factor from the file's unit to mm. Unit 0 (not said) is mm, as every program reads it. */
function mmPerUnit(
  fields: NiftiFields,
  { units = readingDefaults.units }: NiftiOptions,
): number | 'mm' {
  const unit = fields.units() & 7;
  if (unit === 0 || unit === 2) return 'mm';
  const known = { 1: { name: 'metres', toMm: 1000 }, 3: { name: 'microns', toMm: 0.001 } }[unit];
  if (known === undefined) {
    return refuseHeader('xyzt_units', 'metres, mm or microns', `code ${unit}`);
  }
  if (units === 'mm') return 'mm';
  if (units === 'header') return known.toMm;
  throw new DataError(
    { code: 'ask_first', option: 'units' },
    `expected mm, the header says ${known.name}; say what is meant with --units header (it is right) ` +
      'or --units mm (its numbers are mm), as reading.units in a preset',
  );
}

function readVoxelOffset(fields: NiftiFields, least: number): number {
  const offset = fields.voxOffset();
  if (offset === 0) return least;
  if (!Number.isSafeInteger(offset) || offset < least) {
    refuseHeader('vox_offset', `a whole number, 0 or at least ${least}`, String(offset));
  }
  if (offset > least + extensionBytesMax) {
    refuseHeader('vox_offset', `at most ${least + extensionBytesMax}`, String(offset));
  }
  return offset;
}

/** A slope of 0, NaN or infinity means no scaling, and the intercept with it (as nibabel reads it). */
function readScaling(fields: NiftiFields): { slope: number; inter: number } {
  const slope = fields.slope();
  const inter = fields.inter();
  if (slope === 0 || !Number.isFinite(slope)) return { slope: 1, inter: 0 };
  if (!Number.isFinite(inter)) refuseHeader('scl_inter', 'a finite number', String(inter));
  return { slope, inter };
}

/**
 * Checks the chain of extensions between header and voxels: each says how long it is, and none may be longer than its room.
 * @param bytes the file that holds the header, from its first byte
 * @throws {DataError} 'bad_field'
 */
export function checkExtensions(bytes: Uint8Array, header: NiftiHeader): void {
  const { version, littleEndian, single, voxelOffset } = header;
  const flag = headerBytes[version];
  if (bytes.byteLength < flag + 4 || bytes[flag] === 0) return;
  const end = single ? voxelOffset : bytes.byteLength;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The least an extension takes is its size and its kind; what is shorter is padding.
  for (let at = flag + 4; at + 8 <= end;) {
    const size = view.getInt32(at, littleEndian);
    if (size === 0) return;
    if (size < 8 || at + size > end) {
      refuseHeader('esize', `an extension of at most the ${end - at} bytes there are`, `${size}`);
    }
    at += size;
  }
}
