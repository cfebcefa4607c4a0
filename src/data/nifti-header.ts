/**
 * NIfTI-1 and NIfTI-2 headers. Only what places and scales voxels is read: description, names, intent
 * and extensions, where patients' names hide, never enter memory beyond the bytes given.
 */
import { DataError } from './errors.ts';
import { affineOfQuaternion, type QuaternionForm } from './nifti-quaternion.ts';
import { spacingOf, voxelToWorld } from './volume.ts';

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

/** What the reader may do where a file can be read in more than one way. All off by default. */
export interface NiftiOptions {
  /** Read a file without orientation codes as nibabel does: axes to the left, front, up; centred. */
  readonly allowUnknownOrientation?: boolean;
  /** Read a file that says metres or microns, and turn it into mm. */
  readonly allowOtherUnits?: boolean;
  /** Which frame of a 4D file to read, from 0. */
  readonly frame?: number;
  /** At most this many voxels in the frame; 2^28 unless told. */
  readonly voxelsMax?: number;
  /** At most this many bytes out of one byte of gzip, where more than 64 MiB come out; 500 unless told. */
  readonly expansionMax?: number;
}

/** What a header says, checked. */
export interface NiftiHeader {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  /** Header and voxels in one file, or as a pair. */
  readonly single: boolean;
  readonly datatype: NiftiDatatype;
  /** Number of voxels along i, j, k. */
  readonly size: readonly [number, number, number];
  readonly frameCount: number;
  /** Where the voxels begin, in their own file. */
  readonly voxelOffset: number;
  /** value = raw * slope + inter. */
  readonly slope: number;
  readonly inter: number;
  readonly affine: Float64Array;
  /** Which of the file's two transforms was used; `assumed` if it had none. */
  readonly transform: 'sform' | 'qform' | 'assumed';
  /** The file has both transforms, and a corner of the volume differs by more than 0.1 mm. */
  readonly transformsDisagree: boolean;
}

/** Bytes a header takes: NIfTI-1 348, NIfTI-2 540, each with four bytes that announce extensions. */
export const headerBytes = { 1: 348, 2: 540 } as const;

const voxelsMaxDefault = 2 ** 28;

/** Offsets of fields and how to read them; the two versions differ only here. */
interface Layout {
  readonly dim: (n: number) => number;
  readonly datatype: () => number;
  readonly bitpix: () => number;
  readonly pixdim: (n: number) => number;
  readonly voxOffset: () => number;
  readonly slope: () => number;
  readonly inter: () => number;
  readonly units: () => number;
  readonly qformCode: () => number;
  readonly sformCode: () => number;
  readonly quatern: (n: number) => number;
  readonly srow: (n: number) => number;
}

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
  const { size, frameCount } = readSize(fields, options);
  const toMm = readUnits(fields, options);
  return {
    version,
    littleEndian,
    single,
    datatype,
    size,
    frameCount,
    voxelOffset: readVoxelOffset(fields, single ? headerBytes[version] + 4 : 0),
    ...readScaling(fields),
    ...readTransform(fields, size, toMm, options),
  };
}

function recognise(bytes: Uint8Array): {
  version: 1 | 2;
  littleEndian: boolean;
  single: boolean;
} {
  const refuse = (came: string): never => {
    throw new DataError(
      { code: 'not_recognised', format: 'NIfTI' },
      `expected a NIfTI-1 or NIfTI-2 file, got ${came}; export the image again as .nii or .nii.gz`,
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

function layout1(view: DataView, le: boolean): Layout {
  const f32 = (at: number): number => view.getFloat32(at, le);
  return {
    dim: (n) => view.getInt16(40 + 2 * n, le),
    datatype: () => view.getInt16(70, le),
    bitpix: () => view.getInt16(72, le),
    pixdim: (n) => f32(76 + 4 * n),
    voxOffset: () => f32(108),
    slope: () => f32(112),
    inter: () => f32(116),
    units: () => view.getUint8(123),
    qformCode: () => view.getInt16(252, le),
    sformCode: () => view.getInt16(254, le),
    quatern: (n) => f32(256 + 4 * n),
    srow: (n) => f32(280 + 4 * n),
  };
}

function layout2(view: DataView, le: boolean): Layout {
  const f64 = (at: number): number => view.getFloat64(at, le);
  const i64 = (at: number): number => Number(view.getBigInt64(at, le));
  return {
    dim: (n) => i64(16 + 8 * n),
    datatype: () => view.getInt16(12, le),
    bitpix: () => view.getInt16(14, le),
    pixdim: (n) => f64(104 + 8 * n),
    voxOffset: () => i64(168),
    slope: () => f64(176),
    inter: () => f64(184),
    units: () => view.getInt32(500, le) & 0xff,
    qformCode: () => view.getInt32(344, le),
    sformCode: () => view.getInt32(348, le),
    quatern: (n) => f64(352 + 8 * n),
    srow: (n) => f64(400 + 8 * n),
  };
}

function readDatatype(fields: Layout): NiftiDatatype {
  const code = fields.datatype();
  const names = Object.keys(datatypes) as NiftiDatatype[];
  const name = names.find((one) => datatypes[one].code === code);
  if (name === undefined) {
    throw new DataError(
      { code: 'unsupported', field: 'datatype' },
      `datatype: expected whole or real numbers (codes 2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280), got ` +
        `code ${code}; colour and complex images are no CT: export the intensities`,
    );
  }
  const { bits } = datatypes[name];
  const bitpix = fields.bitpix();
  if (bitpix !== bits) refuse('bitpix', `${bits} for datatype ${name}`, String(bitpix));
  return name;
}

function readSize(
  fields: Layout,
  options: NiftiOptions,
): { size: [number, number, number]; frameCount: number } {
  const rank = fields.dim(0);
  if (!(rank >= 3 && rank <= 7)) refuse('dim[0]', '3 to 7 axes', String(rank));
  const dims = Array.from({ length: rank }, (_, n) => fields.dim(n + 1));
  dims.forEach((dim, n) => {
    if (!(dim >= 1 && dim <= 2 ** 31)) {
      refuse(`dim[${n + 1}]`, 'at least one voxel along the axis', String(dim));
    }
  });
  const [i = 0, j = 0, k = 0, frameCount = 1, ...rest] = dims;
  if (rest.some((dim) => dim !== 1)) {
    throw new DataError(
      { code: 'unsupported', field: 'dim[5]' },
      'dim: expected a volume or a series of volumes, got more than four axes; export one volume',
    );
  }
  const { frame, voxelsMax = voxelsMaxDefault } = options;
  if (frameCount > 1 && frame === undefined) {
    throw new DataError(
      { code: 'ask_first', option: 'frame' },
      `expected one volume, got ${frameCount} of them in time; say which frame to read (0 to ${frameCount - 1})`,
    );
  }
  if (frame !== undefined && !(Number.isInteger(frame) && frame >= 0 && frame < frameCount)) {
    throw new DataError(
      { code: 'bad_setting', field: 'frame' },
      `frame: expected a whole number from 0 to ${frameCount - 1}, got ${frame}`,
    );
  }
  // The sizes are the file's claim: bound them before anything is allocated.
  if (i * j * k > voxelsMax) {
    throw new DataError(
      { code: 'too_large', limit: voxelsMax },
      `expected at most ${voxelsMax} voxels, the header says ${i} x ${j} x ${k}; crop the image or raise the limit`,
    );
  }
  return { size: [i, j, k], frameCount };
}

/** Factor from the file's unit to mm. Unit 0 (not said) is mm, as every program reads it. */
function readUnits(fields: Layout, options: NiftiOptions): number {
  const unit = fields.units() & 7;
  if (unit === 0 || unit === 2) return 1;
  const known = { 1: { name: 'metres', toMm: 1000 }, 3: { name: 'microns', toMm: 0.001 } }[unit];
  if (known === undefined) return refuse('xyzt_units', 'metres, mm or microns', `code ${unit}`);
  if (options.allowOtherUnits !== true) {
    throw new DataError(
      { code: 'ask_first', option: 'allowOtherUnits' },
      `expected mm, the header says ${known.name}; confirm that this is meant before sizes are trusted`,
    );
  }
  return known.toMm;
}

function readVoxelOffset(fields: Layout, least: number): number {
  const offset = fields.voxOffset();
  if (offset === 0) return least;
  if (!Number.isSafeInteger(offset) || offset < least) {
    refuse('vox_offset', `a whole number, 0 or at least ${least}`, String(offset));
  }
  return offset;
}

/** A slope of 0, NaN or infinity means no scaling, and the intercept with it (as nibabel reads it). */
function readScaling(fields: Layout): { slope: number; inter: number } {
  const slope = fields.slope();
  const inter = fields.inter();
  if (slope === 0 || !Number.isFinite(slope)) return { slope: 1, inter: 0 };
  if (!Number.isFinite(inter)) refuse('scl_inter', 'a finite number', String(inter));
  return { slope, inter };
}

/** Sform if its code is above 0, else qform if its code is, else what `options` allow. */
function readTransform(
  fields: Layout,
  size: readonly [number, number, number],
  toMm: number,
  options: NiftiOptions,
): Pick<NiftiHeader, 'affine' | 'transform' | 'transformsDisagree'> {
  const sform = fields.sformCode() > 0 ? readSform(fields) : null;
  const qform = fields.qformCode() > 0 ? readQform(fields, sform !== null) : null;
  if (sform === null && qform === null && options.allowUnknownOrientation !== true) {
    throw new DataError(
      { code: 'ask_first', option: 'allowUnknownOrientation' },
      'expected a qform or sform code above 0, both are 0: left and right are not known; export the ' +
        'image with its orientation, or confirm that axes run left, front, up',
    );
  }
  const affine = sform ?? qform ?? assumedAffine(fields, size);
  for (let n = 0; n < 12; n++) affine[n] = (affine[n] ?? 0) * toMm;
  checkAffine(affine);
  const disagree = sform !== null && qform !== null && cornersDiffer(sform, qform, size, toMm);
  const transform = sform !== null ? 'sform' : qform !== null ? 'qform' : 'assumed';
  return { affine, transform, transformsDisagree: disagree };
}

function readSform(fields: Layout): Float64Array {
  const affine = new Float64Array([
    ...Array.from({ length: 12 }, (_, n) => fields.srow(n)),
    0,
    0,
    0,
    1,
  ]);
  if (!affine.every(Number.isFinite)) refuse('srow', 'finite numbers', 'NaN or infinity');
  return affine;
}

/** `null` if another transform is there and this one is broken: it is not needed. */
function readQform(fields: Layout, spare: boolean): Float64Array | null {
  const form: QuaternionForm = {
    b: fields.quatern(0),
    c: fields.quatern(1),
    d: fields.quatern(2),
    shift: [fields.quatern(3), fields.quatern(4), fields.quatern(5)],
    spacing: [fields.pixdim(1), fields.pixdim(2), fields.pixdim(3)],
    // 0 is read as 1: many programs leave it empty.
    handedness: fields.pixdim(0) < 0 ? -1 : 1,
  };
  const affine = affineOfQuaternion(form);
  if (affine === null && !spare) {
    refuse('qform', 'finite numbers, spacings above 0 and a quaternion of length 1', 'others');
  }
  return affine;
}

function assumedAffine(fields: Layout, size: readonly [number, number, number]): Float64Array {
  const [x, y, z] = [-fields.pixdim(1), fields.pixdim(2), fields.pixdim(3)];
  const middle = (count: number, step: number): number => (-(count - 1) / 2) * step;
  return new Float64Array([
    x, 0, 0, middle(size[0], x),
    0, y, 0, middle(size[1], y),
    0, 0, z, middle(size[2], z),
    0, 0, 0, 1,
  ]); // prettier-ignore
}

function checkAffine(affine: Float64Array): void {
  const spacing = spacingOf(affine);
  if (!spacing.every((mm) => mm >= 0.01 && mm <= 100)) {
    const came = spacing.map((mm) => mm.toPrecision(3)).join(' x ');
    refuse('pixdim', 'voxels of 0.01 to 100 mm', `${came} (check the unit)`);
  }
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0] = affine;
  const volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const [x, y, z] = spacing;
  if (!(Math.abs(volume) > 0.1 * x * y * z)) {
    refuse('srow', 'axes that span a volume', 'axes that lie in one plane');
  }
}

function cornersDiffer(
  a: Float64Array,
  b: Float64Array,
  [ni, nj, nk]: readonly [number, number, number],
  toMm: number,
): boolean {
  for (const i of [0, ni - 1]) {
    for (const j of [0, nj - 1]) {
      for (const k of [0, nk - 1]) {
        const p = voxelToWorld(a, [i, j, k]);
        const q = voxelToWorld(b, [i, j, k]);
        // `a` is in mm already, `b` still in the file's unit.
        const away = Math.hypot(p[0] - q[0] * toMm, p[1] - q[1] * toMm, p[2] - q[2] * toMm);
        if (away > 0.1) return true;
      }
    }
  }
  return false;
}

function refuse(field: string, expected: string, came: string): never {
  throw new DataError(
    { code: 'bad_field', field },
    `${field}: expected ${expected}, got ${came}; the header is damaged, export the image again`,
  );
}
