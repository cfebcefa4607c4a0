/** A CT out of a NIfTI file: what its values and its size must be. Whether it is a heart's CT is for `plausibility` to say. */
import { refuseField } from '../case/packed.ts';
import { DataError } from '../errors.ts';
import type { NiftiOptions } from '../nifti/header.ts';
import { openNifti, openNiftiPair, type NiftiVoxels } from '../nifti/reader.ts';
import { spacingOf, type Volume } from '../volume/volume.ts';

/** A CT, in the file's own axes. */
export interface CtFile {
  /** HU, each a finite number. */
  readonly volume: Volume;
  /** How the file was read where it could be read otherwise; a line each. */
  readonly notes: readonly string[];
}

/** What stands for voxels that hold no number, as programs write them outside of the field of view. */
const airHu = -1024;
/** HU that a CT may have: what 16 bits hold, signed or not. CTs pad with -2000 to -32768, metal reaches 30000. */
export const valueRange = { min: -32768, max: 65535 } as const;
/** The root of an aorta is as long and as wide: in less there is no heart to learn or to find. */
const extentMmMin = 20;

/**
 * The CT in a `.nii` or `.nii.gz`. Voxels that are NaN or infinite become air and are noted.
 *
 * @throws {DataError} as `decodeNifti`; 'bad_field' for values of no CT, or less than a heart in some direction
 */
export function readCt(bytes: Uint8Array, options: NiftiOptions = {}): CtFile {
  return ctOf(openNifti(bytes, options));
}

/** As `readCt`, of the two files of a pair. */
export function readCtPair(
  headerFile: Uint8Array,
  imageFile: Uint8Array,
  options: NiftiOptions = {},
): CtFile {
  return ctOf(openNiftiPair(headerFile, imageFile, options));
}

function ctOf({ geometry, header, notes, count, valueOf, scratch }: NiftiVoxels): CtFile {
  const hint = 'give the whole volume, or check its unit (--units)';
  checkExtent(geometry.shape, spacingOf(geometry.affine), hint);
  const data = scratch ?? new Float32Array(count);
  let [lowest, highest, filled] = [Infinity, -Infinity, 0];
  for (let n = 0; n < count; n++) {
    const value = valueOf(n);
    if (Number.isFinite(value)) {
      data[n] = value;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    } else {
      data[n] = airHu;
      filled += 1;
    }
  }
  if (filled === count) refuseField('voxels', 'values in HU', 'NaN or infinity in all of them');
  if (lowest < valueRange.min || highest > valueRange.max) {
    const came = lowest < valueRange.min ? lowest : highest;
    throw new DataError(
      { code: 'bad_field', field: 'voxels' },
      `voxels: expected HU from ${valueRange.min} to ${valueRange.max}, got ${came.toPrecision(3)}: no CT has ` +
        'such values; export the image again, in HU',
    );
  }
  return {
    volume: { ...geometry, data },
    notes: [
      ...notes,
      ...(header.transform === 'assumed'
        ? ['its axes are taken as told (--axes), since it has no orientation of its own']
        : []),
      ...aboutFilled(filled, count),
    ],
  };
}

/** Whether a heart has room in it. @throws {DataError} 'bad_field' with `hint` on how to mend it */
export function checkExtent(
  [depth, height, width]: Volume['shape'],
  [sd, sh, sw]: readonly [number, number, number],
  hint: string,
): void {
  const extent = [width * sw, height * sh, depth * sd];
  if (extent.every((mm) => mm >= extentMmMin)) return;
  refuseField(
    'size',
    `at least ${extentMmMin} mm along each axis, which the root of an aorta takes`,
    `${extent.map((mm) => Number(mm.toPrecision(3))).join(' x ')} mm: less than one heart; ${hint}`,
  );
}

function aboutFilled(filled: number, count: number): string[] {
  if (filled === 0) return [];
  return [
    `${filled} of ${count} voxels are NaN or infinite: taken as air, ${airHu} HU; is that what they are?`,
  ];
}
