/**
 * NIfTI files as bytes: `.nii`, `.nii.gz` (told by content, not by name) and `.hdr`/`.img` pairs.
 *
 *     const { volume } = decodeNifti(bytes);
 *     const file = encodeNifti({ ...volume, data: labels });
 */
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { DataError } from './errors.ts';
import {
  datatypes,
  readNiftiHeader,
  type NiftiDatatype,
  type NiftiHeader,
  type NiftiOptions,
} from './nifti-header.ts';
import { quaternionOfAffine } from './nifti-quaternion.ts';
import { spacingOf, voxelCount, type Geometry, type Volume } from './volume.ts';

/** Gzip below this may expand as it likes. */
const freeBytes = 64 * 1024 * 1024;
const expansionMaxDefault = 500;
/** A single file's extensions and trailing bytes may take this much. */
const extraBytesMax = 16 * 1024 * 1024;
/** Enough gzip to hold a header whatever its neighbours. */
const sniffBytes = 4096;

/** A volume and what its header said. */
export interface NiftiImage {
  readonly volume: Volume;
  readonly header: NiftiHeader;
}

/**
 * The volume in a `.nii` or `.nii.gz`, in the file's own axes (see `toRas`), values scaled.
 *
 * @throws {DataError} when the bytes are not a volume, cut short, too large, or need an option to read.
 */
export function decodeNifti(bytes: Uint8Array, options: NiftiOptions = {}): NiftiImage {
  const header = readNiftiHeader(startOf(bytes), options);
  if (!header.single) {
    throw new DataError(
      { code: 'not_recognised', format: 'NIfTI' },
      'expected header and voxels in one file, got the .hdr of a pair; give its .img too',
    );
  }
  const needed = bytesNeeded(header);
  return { volume: readVoxels(unpack(bytes, needed, options), header, options), header };
}

/** As `decodeNifti`, from the two files of a pair; each may be gzip. */
export function decodeNiftiPair(
  headerFile: Uint8Array,
  imageFile: Uint8Array,
  options: NiftiOptions = {},
): NiftiImage {
  const header = readNiftiHeader(startOf(headerFile), options);
  if (header.single) {
    throw new DataError(
      { code: 'not_recognised', format: 'NIfTI' },
      'expected the .hdr of a pair (mark ni1 or ni2), got a file that holds its own voxels',
    );
  }
  const needed = bytesNeeded(header);
  return { volume: readVoxels(unpack(imageFile, needed, options), header, options), header };
}

/** What `encodeNifti` takes: the kind of array is the kind of voxel. */
export interface NiftiSource extends Geometry {
  readonly data: Float32Array | Int16Array | Uint8Array;
}

/**
 * A NIfTI-1 file with sform and qform (code 1, mm), no scaling, no text. Axes at right angles are
 * needed for a qform; others get the sform alone.
 */
export function encodeNifti(source: NiftiSource, options: { gzip?: boolean } = {}): Uint8Array {
  const { shape, data, affine } = source;
  const [depth, height, width] = shape;
  if (data.length !== voxelCount(shape) || Math.max(depth, height, width) > 32767) {
    throw new DataError(
      { code: 'bad_field', field: 'shape' },
      `expected ${voxelCount(shape)} values on axes of at most 32767, got ${data.length}`,
    );
  }
  const datatype = datatypeOf(data);
  const { code, bits } = datatypes[datatype];
  const file = new Uint8Array(352 + data.length * (bits / 8));
  const view = new DataView(file.buffer);
  view.setInt32(0, 348, true);
  [3, width, height, depth, 1, 1, 1, 1].forEach((dim, n) => {
    view.setInt16(40 + 2 * n, dim, true);
  });
  view.setInt16(70, code, true);
  view.setInt16(72, bits, true);
  view.setFloat32(108, 352, true);
  view.setFloat32(112, 1, true);
  view.setUint8(123, 2);
  writeTransforms(view, affine);
  file.set([0x6e, 0x2b, 0x31, 0], 344);
  data.forEach((value, n) => {
    if (datatype === 'uint8') view.setUint8(352 + n, value);
    else if (datatype === 'int16') view.setInt16(352 + 2 * n, value, true);
    else view.setFloat32(352 + 4 * n, value, true);
  });
  return options.gzip === false ? file : new Uint8Array(gzipSync(file));
}

function datatypeOf(data: NiftiSource['data']): NiftiDatatype {
  if (data instanceof Uint8Array) return 'uint8';
  return data instanceof Int16Array ? 'int16' : 'float32';
}

function writeTransforms(view: DataView, affine: Float64Array): void {
  const form = quaternionOfAffine(affine);
  const [sd, sh, sw] = spacingOf(affine);
  const handedness = form?.handedness ?? 1;
  [handedness, sw, sh, sd, 1, 1, 1, 1].forEach((mm, n) => {
    view.setFloat32(76 + 4 * n, mm, true);
  });
  view.setInt16(252, form === null ? 0 : 1, true);
  view.setInt16(254, 1, true);
  if (form !== null) {
    [form.b, form.c, form.d, ...form.shift].forEach((value, n) => {
      view.setFloat32(256 + 4 * n, value, true);
    });
  }
  affine.subarray(0, 12).forEach((value, n) => {
    view.setFloat32(280 + 4 * n, value, true);
  });
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Enough of the file to read its header, before anything large is unpacked. */
function startOf(bytes: Uint8Array): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  const some = bytes.subarray(0, sniffBytes);
  try {
    return new Uint8Array(gunzipSync(some, { finishFlush: constants.Z_SYNC_FLUSH }));
  } catch (cause) {
    throw brokenGzip(cause);
  }
}

function bytesNeeded(header: NiftiHeader): number {
  const [i, j, k] = header.size;
  const perFrame = i * j * k * (datatypes[header.datatype].bits / 8);
  const needed = header.voxelOffset + perFrame * header.frameCount;
  if (!Number.isSafeInteger(needed) || needed > 2 ** 33) {
    throw new DataError(
      { code: 'too_large', limit: 2 ** 33 },
      `expected a file of at most 8 GiB, the header promises more (${header.frameCount} frames)`,
    );
  }
  return needed;
}

/** The whole file, not longer than its header lets it be. */
function unpack(bytes: Uint8Array, needed: number, options: NiftiOptions): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  const { expansionMax = expansionMaxDefault } = options;
  const limit = Math.max(freeBytes, bytes.byteLength * expansionMax);
  if (needed > limit) {
    throw new DataError(
      { code: 'too_large', limit },
      `${bytes.byteLength} bytes of gzip are to become ${needed}, more than ${expansionMax} for one; ` +
        'such a file is empty or made to fill memory: check it, or raise the limit',
    );
  }
  try {
    return new Uint8Array(gunzipSync(bytes, { maxOutputLength: needed + extraBytesMax }));
  } catch (cause) {
    throw brokenGzip(cause);
  }
}

function brokenGzip(cause: unknown): DataError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : '';
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new DataError(
      { code: 'too_large', limit: extraBytesMax },
      `the gzip holds over ${extraBytesMax} bytes more than its header explains; export the image again`,
      { cause },
    );
  }
  return new DataError(
    { code: 'truncated', neededBytes: 0, givenBytes: 0 },
    'expected whole gzip data, got some that are cut short or damaged; copy the file again',
    { cause },
  );
}

function readVoxels(file: Uint8Array, header: NiftiHeader, options: NiftiOptions): Volume {
  const needed = bytesNeeded(header);
  if (file.byteLength < needed) {
    throw new DataError(
      { code: 'truncated', neededBytes: needed, givenBytes: file.byteLength },
      `expected ${needed} bytes as the header says, got ${file.byteLength}: cut short, copy it again`,
    );
  }
  const [width, height, depth] = header.size;
  const count = width * height * depth;
  const { bits } = datatypes[header.datatype];
  const start = header.voxelOffset + (options.frame ?? 0) * count * (bits / 8);
  const view = new DataView(file.buffer, file.byteOffset + start, count * (bits / 8));
  const read = reader(view, header.datatype, header.littleEndian);
  const { slope, inter } = header;
  const data = new Float32Array(count);
  for (let n = 0; n < count; n++) data[n] = read(n) * slope + inter;
  if (!data.every(Number.isFinite)) {
    throw new DataError(
      { code: 'unsupported', field: 'voxels' },
      'expected finite voxel values, got NaN or infinity among them; fill them (air is -1024 HU) and export again',
    );
  }
  return { data, shape: [depth, height, width], affine: header.affine };
}

function reader(view: DataView, datatype: NiftiDatatype, le: boolean): (n: number) => number {
  switch (datatype) {
    case 'uint8':
      return (n) => view.getUint8(n);
    case 'int8':
      return (n) => view.getInt8(n);
    case 'int16':
      return (n) => view.getInt16(2 * n, le);
    case 'uint16':
      return (n) => view.getUint16(2 * n, le);
    case 'int32':
      return (n) => view.getInt32(4 * n, le);
    case 'uint32':
      return (n) => view.getUint32(4 * n, le);
    case 'int64':
      return (n) => Number(view.getBigInt64(8 * n, le));
    case 'uint64':
      return (n) => Number(view.getBigUint64(8 * n, le));
    case 'float32':
      return (n) => view.getFloat32(4 * n, le);
    case 'float64':
      return (n) => view.getFloat64(8 * n, le);
  }
}
