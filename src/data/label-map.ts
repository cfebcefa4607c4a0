/** Label maps from other programs, held against the CT that they belong to. */
import { refuseField } from './packed.ts';
import { isSameGrid, type Geometry, type Volume } from './volume.ts';

/** Farthest that a voxel of a label map may lie from the CT's, mm: files round their affines. */
const offGridMmMax = 0.1;

/**
 * The labels of `map`, whole numbers from 0 to `highest` on the CT's own grid.
 * @throws {DataError} 'bad_field' for another grid or another value
 */
export function labelsOn(map: Volume, ct: Geometry, highest: number): Uint8Array {
  if (!isSameGrid(map, ct, offGridMmMax)) {
    const came = map.shape.join() === ct.shape.join() ? 'another place' : map.shape.join(' x ');
    refuseField('grid', `all of it on the CT's grid of ${ct.shape.join(' x ')} voxels`, came);
  }
  const odd = map.data.find(
    (value) => !(Number.isInteger(value) && value >= 0 && value <= highest),
  );
  if (odd !== undefined) refuseField('labels', `labels from 0 to ${highest}`, String(odd));
  return Uint8Array.from(map.data);
}
