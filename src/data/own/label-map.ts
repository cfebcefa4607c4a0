/** Label maps from other programs, held against the CT that they belong to. */
import type { NiftiOptions } from '../nifti/header.ts';
import { openNifti } from '../nifti/reader.ts';
import { isSameGrid, type Geometry, type Volume } from '../volume/volume.ts';
import { refuseLabel } from './own-points.ts';

/** Farthest that a voxel of a label map may lie from the CT's, mm: files round their affines. */
const offGridMmMax = 0.1;

/** Labels on the grid of a CT. */
export interface LabelFile {
  readonly labels: Uint8Array;
  /** Worth a look, a line each. */
  readonly notes: readonly string[];
}

/**
 * The labels in a `.nii` or `.nii.gz`, whole numbers from 0 to `highest` on the CT's own grid.
 * @throws {DataError} as `decodeNifti`; 'bad_label' for another grid or another value
 */
export function readLabels(
  bytes: Uint8Array,
  ct: Geometry,
  highest: number,
  options: NiftiOptions,
): LabelFile {
  const { geometry, count, valueOf, notes } = openNifti(bytes, options);
  checkGrid(geometry, ct);
  const labels = new Uint8Array(count);
  for (let n = 0; n < count; n++) labels[n] = checkLabel(valueOf(n), highest);
  return { labels, notes };
}

/**
 * The labels of `map`, whole numbers from 0 to `highest` on the CT's own grid.
 * @throws {DataError} 'bad_label' for another grid or another value
 */
export function labelsOn(map: Volume, ct: Geometry, highest: number): Uint8Array {
  checkGrid(map, ct);
  return Uint8Array.from(map.data, (value) => checkLabel(value, highest));
}

function checkGrid(map: Geometry, ct: Geometry): void {
  if (isSameGrid(map, ct, offGridMmMax)) return;
  const came = map.shape.join() === ct.shape.join() ? 'another place' : map.shape.join(' x ');
  refuseLabel(
    'other_grid',
    'grid',
    `all of it on the CT's grid of ${ct.shape.join(' x ')} voxels`,
    came,
  );
}

function checkLabel(value: number, highest: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= highest) return value;
  return refuseLabel('other_value', 'labels', `labels from 0 to ${highest}`, String(value));
}
