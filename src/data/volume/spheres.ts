/** Points as filled spheres: how a point becomes something to segment, and what lies around it. */
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
  const labels = new Uint8Array(voxelCount(geometry.shape));
  const nearest = new Float64Array(labels.length).fill(Infinity);
  points.forEach((point, n) => {
    if (point === null) return;
    visitSphere(geometry, point, radiusMm, (index, awayMm) => {
      if (awayMm >= (nearest[index] ?? 0)) return;
      nearest[index] = awayMm;
      labels[index] = n + 1;
    });
  });
  return labels;
}

/**
 * Calls `see` with the index of each voxel whose centre is within `radiusMm` of `point` (RAS mm), and of the voxel that
 * holds it, with the distance of its centre in mm. A point outside of the grid has those of its sphere that are inside.
 */
export function visitSphere(
  { shape, affine }: Geometry,
  point: Vector3,
  radiusMm: number,
  see: (index: number, awayMm: number) => void,
): void {
  const [depth, height, width] = shape;
  const [sd, sh, sw] = spacingOf(affine);
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
        const awayMm = Math.hypot(x - point[0], y - point[1], z - point[2]);
        const home = i === hi && j === hj && k === hk;
        if (awayMm <= radiusMm || home) see((k * height + j) * width + i, awayMm);
      }
    }
  }
}
