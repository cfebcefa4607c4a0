/**
 * A volume as a NIfTI file.
 *
 *     const file = encodeNifti({ ...volume, data: labels });
 */
import { gzipSync } from 'node:zlib';
import { DataError } from '../errors.ts';
import { spacingOf, voxelCount, type Geometry } from '../volume/volume.ts';
import { datatypes, type NiftiDatatype } from './header.ts';
import { quaternionOfAffine } from './quaternion.ts';

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
  // Our byte order is the machine's on everything that Node runs on, and a copy is ten times as fast as a value at a time.
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 352);
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
