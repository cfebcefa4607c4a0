/**
 * NIfTI files as bytes: `.nii`, `.nii.gz` (told by content, not by name) and `.hdr`/`.img` pairs. What a CT or a label map
 * must be beside a NIfTI file stands in `own/ct.ts` and `own/label-map.ts`.
 *
 *     const { volume } = decodeNifti(bytes);
 */
import { DataError } from '../errors.ts';
import { readingDefaults } from '../settings.ts';
import type { Geometry, Volume } from '../volume/volume.ts';
import { gunzip, gunzipStart, isGzip } from './gzip.ts';
import {
  checkExtensions,
  datatypes,
  headerBytes,
  readNiftiHeader,
  type NiftiDatatype,
  type NiftiHeader,
  type NiftiOptions,
} from './header.ts';

/** Gzip below this may expand as it likes. */
const freeBytes = 64 * 1024 * 1024;
const expansionMaxDefault = 500;
/** What may follow the voxels of a file, or the header of a pair. */
const extraBytesMax = 1024 * 1024;
/** Of file, unpacked file and volume together, for each voxel that is allowed: 896 MiB at the default. */
const bytesPerVoxelMax = 7;

/** A volume and what its header said. */
export interface NiftiImage {
  readonly volume: Volume;
  readonly header: NiftiHeader;
  /** Nothing wrong for certain, but worth a look; a line each, and no text of the file. */
  readonly notes: readonly string[];
}

/** Values of one volume of a file, not read yet. */
export interface NiftiVoxels extends Omit<NiftiImage, 'volume'> {
  readonly geometry: Geometry;
  readonly count: number;
  /** The value of voxel `n`, scaled; whatever number the file holds, NaN and infinity too. */
  readonly valueOf: (n: number) => number;
  /** Memory of the file's own voxels that may be written over from the front while they are read; null where there is none. */
  readonly scratch: Float32Array | null;
}

/** A file larger than this is refused whatever it holds. */
export function niftiBytesMax({ voxelsMax = readingDefaults.voxelsMax }: NiftiOptions): number {
  return bytesPerVoxelMax * voxelsMax;
}

/**
 * The volume in a `.nii` or `.nii.gz`, in the file's own axes (see `toRas`), values scaled.
 *
 * @throws {DataError} when the bytes are not a volume, cut short, too large, or need an option to read.
 */
export function decodeNifti(bytes: Uint8Array, options: NiftiOptions = {}): NiftiImage {
  return imageOf(openNifti(bytes, options));
}

/** As `decodeNifti`, from the two files of a pair; each may be gzip. */
export function decodeNiftiPair(
  headerFile: Uint8Array,
  imageFile: Uint8Array,
  options: NiftiOptions = {},
): NiftiImage {
  return imageOf(openNiftiPair(headerFile, imageFile, options));
}

/** As `decodeNiftiPair`, up to the reading of voxels. */
export function openNiftiPair(
  headerFile: Uint8Array,
  imageFile: Uint8Array,
  options: NiftiOptions,
): NiftiVoxels {
  const headBytes = isGzip(headerFile)
    ? gunzip(headerFile, headerBytes[2] + 4, extraBytesMax).bytes
    : headerFile;
  const header = readNiftiHeader(headBytes, options);
  if (header.single) {
    throw new DataError(
      { code: 'not_recognised', format: 'NIfTI' },
      'expected the .hdr of a pair (mark ni1 or ni2), got a file that holds its own voxels',
    );
  }
  checkExtensions(headBytes, header);
  return voxelsOf(imageFile, header, options);
}

/** As `decodeNifti`, up to the reading of voxels. */
export function openNifti(bytes: Uint8Array, options: NiftiOptions): NiftiVoxels {
  const start = isGzip(bytes) ? gunzipStart(bytes, headerBytes[2]) : bytes;
  // Little came out: whether little was packed or the rest is missing, all of it tells.
  if (start.byteLength < headerBytes[1] && isGzip(bytes)) {
    gunzip(bytes, headerBytes[2], extraBytesMax);
  }
  const header = readNiftiHeader(start, options);
  if (!header.single) {
    throw new DataError(
      { code: 'not_recognised', format: 'NIfTI' },
      'expected header and voxels in one file, got the .hdr of a pair; give its .img too',
    );
  }
  return voxelsOf(bytes, header, options);
}

function imageOf({ geometry, header, notes, count, valueOf, scratch }: NiftiVoxels): NiftiImage {
  const data = scratch ?? new Float32Array(count);
  for (let n = 0; n < count; n++) data[n] = valueOf(n);
  return { volume: { ...geometry, data }, header, notes };
}

function voxelsOf(given: Uint8Array, header: NiftiHeader, options: NiftiOptions): NiftiVoxels {
  const [width, height, depth] = header.size;
  const count = width * height * depth;
  const { bits } = datatypes[header.datatype];
  const bytesPerVoxel = bits / 8;
  const needed = header.voxelOffset + count * bytesPerVoxel * header.frameCount;
  const isPacked = isGzip(given);
  const isScratch = isPacked && bytesPerVoxel >= 4;
  const taken = given.byteLength + (isPacked ? needed : 0) + (isScratch ? 0 : 4 * count);
  checkSize(taken, needed, header, isPacked ? given.byteLength : null, options);
  const { bytes: file, strayBytes } = isPacked
    ? gunzip(given, needed, extraBytesMax)
    : { bytes: given, strayBytes: Math.max(0, given.byteLength - needed) };
  if (file.byteLength < needed) {
    throw new DataError(
      { code: 'truncated', neededBytes: needed, givenBytes: file.byteLength },
      `expected ${needed} bytes as the header says, got ${file.byteLength}: cut short, copy it again`,
    );
  }
  if (header.single) checkExtensions(file, header);
  const start = file.byteOffset + header.voxelOffset + header.frame * count * bytesPerVoxel;
  const view = new DataView(file.buffer, start, count * bytesPerVoxel);
  const read = reader(view, header.datatype, header.littleEndian);
  const { slope, inter, affine, notes } = header;
  return {
    ...{ header, count },
    geometry: { shape: [depth, height, width], affine },
    valueOf: (n) => read(n) * slope + inter,
    scratch: isScratch && start % 4 === 0 ? new Float32Array(file.buffer, start, count) : null,
    notes:
      strayBytes === 0
        ? notes
        : [...notes, `${strayBytes} bytes that belong to nothing follow the data: passed over`],
  };
}

/** Before anything is unpacked or allocated. @throws {DataError} 'too_large' */
function checkSize(
  takenBytes: number,
  neededBytes: number,
  { frameCount, size }: NiftiHeader,
  packedBytes: number | null,
  options: NiftiOptions,
): void {
  const limit = niftiBytesMax(options);
  if (!(takenBytes <= limit)) {
    const frames = frameCount === 1 ? '' : `, ${frameCount} times`;
    throw new DataError(
      { code: 'too_large', limit },
      `expected a volume that takes at most ${limit} bytes to read, the header says ${size.join(' x ')} ` +
        `voxels${frames}: ${takenBytes} bytes; cut the image to the heart and one volume, store it as int16, or ` +
        'allow more with --voxels-max (reading.voxelsMax in a preset)',
    );
  }
  if (packedBytes === null) return;
  const { expansionMax = expansionMaxDefault } = options;
  const unpackedMax = Math.max(freeBytes, packedBytes * expansionMax);
  if (neededBytes <= unpackedMax) return;
  throw new DataError(
    { code: 'too_large', limit: unpackedMax },
    `${packedBytes} bytes of gzip are to become ${neededBytes}, more than ${expansionMax} for one; ` +
      'such a file is empty or made to fill memory: check it, and give it unpacked if it is sound',
  );
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
