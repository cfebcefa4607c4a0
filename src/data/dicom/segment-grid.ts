/** Segments of a DICOM SEG on the grid of a CT, whichever way its axes run. Slices without a frame are empty. */
import { refuseLabel } from '../own/own-points.ts';
import { distanceBetween, type Vector3 } from '../volume/vector.ts';
import { invertAffine, voxelToWorld, type Geometry } from '../volume/volume.ts';
import { breaks } from './refusal.ts';
import type { SegmentFile, SegmentFrame } from './segment-file.ts';

/** The CT that segments are laid on. */
export interface SegmentTarget extends Geometry {
  /** Null where nobody knows them, as of a NIfTI file. */
  readonly frameOfReferenceUid: string | null;
  readonly seriesInstanceUid: string | null;
}

/** Frames of a segmentation, found on the grid. */
export type SegmentLayer = (
  /** Number of a segment. */
  segment: number,
  /** Called with the index of each voxel in it. */
  onVoxel: (index: number) => void,
) => void;

/** Where a frame begins on the grid, and how far a column and a row lie apart. */
interface Laid {
  readonly first: number;
  readonly perColumn: number;
  readonly perRow: number;
}

/** Farthest that a voxel of a segment may lie from the CT's, mm: files round their places. */
const offGridMmMax = 0.1;

/**
 * Finds every frame on the CT's grid.
 *
 * @throws {DataError} 'dicom' seg_other_ct, seg_segments; 'bad_label' other_grid
 */
export function layOn(file: SegmentFile, ct: SegmentTarget): SegmentLayer {
  checkSource(file, ct);
  const toVoxel = invertAffine(ct.affine);
  const laid = file.frames.map((frame) => laidOf(file, frame, ct, toVoxel));
  const seen = new Set<string>();
  for (const [n, { first }] of laid.entries()) {
    const id = `${file.frames[n]?.segment} ${first}`;
    if (seen.has(id)) {
      throw breaks('seg_segments', `frame ${n + 1}: expected one frame of a segment at each place, got two`); // prettier-ignore
    }
    seen.add(id);
  }
  return (segment, onVoxel) => {
    for (const [n, place] of laid.entries()) {
      if (file.frames[n]?.segment === segment) eachVoxel(file, n, place, onVoxel);
    }
  };
}

/** Two phases of one heart have the same places: only its UIDs tell which one a segment was drawn on. */
function checkSource(file: SegmentFile, ct: SegmentTarget): void {
  const { frameOfReferenceUid: theirs, sourceSeriesUids } = file;
  const { frameOfReferenceUid: own, seriesInstanceUid } = ct;
  if (theirs !== null && own !== null && theirs !== own) {
    throw breaks('seg_other_ct', "FrameOfReferenceUID: expected the CT's, got another");
  }
  if (seriesInstanceUid === null || sourceSeriesUids.length === 0) return;
  if (sourceSeriesUids.includes(seriesInstanceUid)) return;
  throw breaks('seg_other_ct', "ReferencedSeriesSequence: expected the CT's series, got another");
}

function laidOf(
  { rows, columns }: SegmentFile,
  { frame, position, orientation, pixelSpacing }: SegmentFrame,
  ct: Geometry,
  toVoxel: Float64Array,
): Laid {
  const [depth, height, width] = ct.shape;
  const sizes = [width, height, depth];
  const refuse = (came: string): never =>
    refuseLabel('other_grid', 'grid', `slices on the CT's grid of ${ct.shape.join(' x ')} voxels`, `frame ${frame} ${came}`); // prettier-ignore
  const voxelOf = (column: number, row: number): Vector3 => {
    const [across, down] = [column * pixelSpacing[1], row * pixelSpacing[0]];
    const lps = position.map(
      (mm, axis) => mm + across * (orientation[axis] ?? 0) + down * (orientation[axis + 3] ?? 0),
    ) as unknown as Vector3;
    const ras: Vector3 = [-lps[0], -lps[1], lps[2]];
    const voxel = voxelToWorld(toVoxel, ras).map(Math.round) as unknown as Vector3;
    if (!(distanceBetween(voxelToWorld(ct.affine, voxel), ras) <= offGridMmMax)) {
      refuse('at another place');
    }
    if (!voxel.every((at, axis) => at >= 0 && at < (sizes[axis] ?? 0))) refuse('beside it');
    return voxel;
  };
  const corner = voxelOf(0, 0);
  const strides: Vector3 = [1, width, width * height];
  const alongAxis = (end: Vector3, count: number): number => {
    const steps = end.map((at, axis) => at - (corner[axis] ?? 0));
    const axis = steps.findIndex((step) => step !== 0);
    const isWhole = steps.filter((step) => step !== 0).length === 1;
    if (!isWhole || Math.abs(steps[axis] ?? 0) !== count - 1 || sizes[axis] !== count) {
      refuse(`of ${rows} x ${columns}`);
    }
    return Math.sign(steps[axis] ?? 0) * (strides[axis] ?? 0);
  };
  const perColumn = alongAxis(voxelOf(columns - 1, 0), columns);
  const perRow = alongAxis(voxelOf(0, rows - 1), rows);
  if (Math.abs(perColumn) === Math.abs(perRow)) refuse(`of ${rows} x ${columns}`);
  const first = corner[0] + corner[1] * width + corner[2] * width * height;
  return { first, perColumn, perRow };
}

function eachVoxel(
  { rows, columns, bits }: SegmentFile,
  frame: number,
  { first, perColumn, perRow }: Laid,
  onVoxel: (index: number) => void,
): void {
  // More than 2^31 bits may lie before it.
  const before = frame * rows * columns;
  let byte = Math.floor(before / 8);
  let mask = 1 << (before % 8);
  for (let row = 0; row < rows; row++) {
    let at = first + row * perRow;
    for (let column = 0; column < columns; column++, at += perColumn) {
      if (((bits[byte] ?? 0) & mask) !== 0) onVoxel(at);
      mask <<= 1;
      if (mask === 256) [mask, byte] = [1, byte + 1];
    }
  }
}
