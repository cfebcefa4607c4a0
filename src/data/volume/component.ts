/** From a predicted label map back to a point. */
import type { Vector3 } from './vector.ts';
import { voxelCount, voxelToWorld, type Geometry, type Shape3 } from './volume.ts';

/**
 * Centre of mass, in fractional voxels [d, h, w], of the largest connected piece of `value`; voxels
 * touch by face, edge or corner (26 neighbours). Of equally large pieces the one met first (lowest
 * index) counts. `null` when no voxel has the value: the point was missed.
 */
export function largestComponentCentre(
  labels: Uint8Array | Int32Array,
  shape: Shape3,
  value: number,
): [number, number, number] | null {
  const [depth, height, width] = shape;
  const seen = new Uint8Array(voxelCount(shape));
  const stack: number[] = [];
  let best: { count: number; sums: [number, number, number] } | null = null;
  const push = (index: number): void => {
    if (seen[index] === 1 || labels[index] !== value) return;
    seen[index] = 1;
    stack.push(index);
  };
  for (let start = 0; start < seen.length; start++) {
    push(start);
    let count = 0;
    const sums: [number, number, number] = [0, 0, 0];
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      const w = index % width;
      const h = Math.floor(index / width) % height;
      const d = Math.floor(index / (width * height));
      count += 1;
      sums[0] += d;
      sums[1] += h;
      sums[2] += w;
      for (let z = Math.max(0, d - 1); z <= Math.min(depth - 1, d + 1); z++) {
        for (let y = Math.max(0, h - 1); y <= Math.min(height - 1, h + 1); y++) {
          const row = (z * height + y) * width;
          for (let x = Math.max(0, w - 1); x <= Math.min(width - 1, w + 1); x++) push(row + x);
        }
      }
    }
    if (count > (best?.count ?? 0)) best = { count, sums };
  }
  if (best === null) return null;
  const { count, sums } = best;
  return [sums[0] / count, sums[1] / count, sums[2] / count];
}

/** The points (RAS mm) that a label map of `pointCount` labels shows; `null` for a missed one. */
export function pointsOf(
  labels: Uint8Array | Int32Array,
  geometry: Geometry,
  pointCount: number,
): (Vector3 | null)[] {
  return Array.from({ length: pointCount }, (_, n) => {
    const centre = largestComponentCentre(labels, geometry.shape, n + 1);
    if (centre === null) return null;
    return voxelToWorld(geometry.affine, [centre[2], centre[1], centre[0]]);
  });
}
