/** A volume of intensities with its place in the patient, and the way between voxels and mm. */
import { invariant } from '../../base/index.ts';
import type { Vector3 } from './vector.ts';

/** Number of voxels along [depth, height, width]; width is NIfTI's first, fastest axis. */
export type Shape3 = readonly [number, number, number];

/** A grid of voxels in the patient. */
export interface Geometry {
  readonly shape: Shape3;
  /**
   * 4x4, row by row: (i, j, k, 1) to RAS mm, where i runs along width, j along height and k along
   * depth (NIfTI's order). Integer indices are voxel centres.
   */
  readonly affine: Float64Array;
}

/** Intensities in HU (or labels) on a grid; the value of (k, j, i) is at `(k * h + j) * w + i`. */
export interface Volume extends Geometry {
  readonly data: Float32Array;
}

/** Number of voxels of a grid. */
export function voxelCount(shape: Shape3): number {
  return shape[0] * shape[1] * shape[2];
}

/** RAS mm of the voxel index (i, j, k), fractions allowed. */
export function voxelToWorld(affine: Float64Array, ijk: Vector3): Vector3 {
  const [i, j, k] = ijk;
  const row = (r: number): number =>
    at(affine, r) * i + at(affine, r + 1) * j + at(affine, r + 2) * k + at(affine, r + 3);
  return [row(0), row(4), row(8)];
}

/** Fractional voxel index (i, j, k) of a point in RAS mm. */
export function worldToVoxel(affine: Float64Array, world: Vector3): Vector3 {
  return voxelToWorld(invertAffine(affine), world);
}

/** The inverse of a 4x4 affine whose last row is 0 0 0 1. */
export function invertAffine(affine: Float64Array): Float64Array {
  const [a, b, c, x, d, e, f, y, g, h, m, z] = affine as unknown as number[] as [
    number, number, number, number, number, number,
    number, number, number, number, number, number,
  ]; // prettier-ignore
  const determinant = determinantOf(affine);
  invariant(
    Number.isFinite(determinant) && determinant !== 0,
    'an affine has a non-zero determinant',
  );
  const inverse = [
    (e * m - f * h) / determinant,
    (c * h - b * m) / determinant,
    (b * f - c * e) / determinant,
    (f * g - d * m) / determinant,
    (a * m - c * g) / determinant,
    (c * d - a * f) / determinant,
    (d * h - e * g) / determinant,
    (b * g - a * h) / determinant,
    (a * e - b * d) / determinant,
  ] as const;
  const shift = (p: number, q: number, r: number): number => -(p * x + q * y + r * z);
  const [p, q, r, s, t, u, v, w, n] = inverse;
  return new Float64Array([
    p, q, r, shift(p, q, r),
    s, t, u, shift(s, t, u),
    v, w, n, shift(v, w, n),
    0, 0, 0, 1,
  ]); // prettier-ignore
}

/** Volume in mm³ of the box between neighbouring voxels, below 0 for a left-handed grid. */
export function determinantOf(affine: Float64Array): number {
  const cell = (row: number, column: number): number => at(affine, row * 4 + column);
  const minor = (p: number, q: number): number => cell(1, p) * cell(2, q) - cell(1, q) * cell(2, p);
  return cell(0, 0) * minor(1, 2) - cell(0, 1) * minor(0, 2) + cell(0, 2) * minor(0, 1);
}

/** Volume of one voxel in ml, of oblique and sheared grids too. */
export function voxelMl({ affine }: Geometry): number {
  return Math.abs(determinantOf(affine)) / 1000;
}

/** Distance in mm between neighbouring voxels along [depth, height, width]. */
export function spacingOf(affine: Float64Array): [number, number, number] {
  const column = (c: number): number =>
    Math.sqrt(at(affine, c) ** 2 + at(affine, c + 4) ** 2 + at(affine, c + 8) ** 2);
  return [column(2), column(1), column(0)];
}

/** An axis-aligned RAS grid: `spacingMm` along [depth, height, width], first voxel at `origin`. */
export function rasAffine(spacingMm: Vector3, origin: Vector3): Float64Array {
  const [sd, sh, sw] = spacingMm;
  const [x, y, z] = origin;
  return new Float64Array([sw, 0, 0, x, 0, sh, 0, y, 0, 0, sd, z, 0, 0, 0, 1]);
}

/** Whether two grids are one: as many voxels, and no corner farther than `withinMm` from the other's. */
export function isSameGrid(one: Geometry, other: Geometry, withinMm: number): boolean {
  if (one.shape.join() !== other.shape.join()) return false;
  const [depth, height, width] = one.shape;
  const [, most] = cornersApart(one.affine, other.affine, [width, height, depth]);
  return most <= withinMm;
}

/**
 * How far apart two affines place one corner of a grid, mm: its first voxel, and the corner where it is most. Affines that
 * differ do so most at a corner.
 *
 * @param size number of voxels along i, j, k
 */
export function cornersApart(
  one: Float64Array,
  other: Float64Array,
  [width, height, depth]: readonly [number, number, number],
): [first: number, most: number] {
  const apart = [0, 1, 2, 3, 4, 5, 6, 7].map((corner) => {
    const ijk: Vector3 = [
      (corner & 1) * (width - 1),
      ((corner >> 1) & 1) * (height - 1),
      (corner >> 2) * (depth - 1),
    ];
    const [a, b] = [voxelToWorld(one, ijk), voxelToWorld(other, ijk)];
    return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  });
  return [apart[0] ?? 0, Math.max(...apart)];
}

function at(affine: Float64Array, index: number): number {
  return affine[index] ?? 0;
}
