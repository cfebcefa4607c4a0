/** Points as filled spheres: how a point becomes something to segment. */
import type { Vector3 } from './vector.ts';
import { spacingOf, voxelCount, voxelToWorld, worldToVoxel, type Geometry } from './volume.ts';

/**
 * A label map with value n + 1 in the voxels whose centre is within `radiusMm` of `points[n]` (RAS mm).
 * Where spheres meet, the nearer point wins (the first, if equally near). The voxel that holds the
 * point is always painted, so that no sphere is lost on a coarse grid. `null` paints nothing.
 */
export function paintSpheres(
  points: readonly (Vector3 | null)[],
  geometry: Geometry,
  radiusMm: number,
): Uint8Array {
  const { shape, affine } = geometry;
  const [depth, height, width] = shape;
  const labels = new Uint8Array(voxelCount(shape));
  const nearest = new Float64Array(labels.length).fill(Infinity);
  const [sd, sh, sw] = spacingOf(affine);
  points.forEach((point, n) => {
    if (point === null) return;
    const [ci, cj, ck] = worldToVoxel(affine, point);
    const [hi, hj, hk] = [Math.round(ci), Math.round(cj), Math.round(ck)];
    // One voxel more than the radius: axes need not be at right angles to a hair.
    const from = (c: number, mm: number): number => Math.max(0, Math.floor(c - radiusMm / mm - 1));
    const to = (c: number, mm: number, count: number): number =>
      Math.min(count - 1, Math.ceil(c + radiusMm / mm + 1));
    for (let k = from(ck, sd); k <= to(ck, sd, depth); k++) {
      for (let j = from(cj, sh); j <= to(cj, sh, height); j++) {
        for (let i = from(ci, sw); i <= to(ci, sw, width); i++) {
          const [x, y, z] = voxelToWorld(affine, [i, j, k]);
          const away = Math.hypot(x - point[0], y - point[1], z - point[2]);
          const home = i === hi && j === hj && k === hk;
          const index = (k * height + j) * width + i;
          if ((away <= radiusMm || home) && away < (nearest[index] ?? 0)) {
            nearest[index] = away;
            labels[index] = n + 1;
          }
        }
      }
    }
  });
  return labels;
}
