/** What an expert marks in an image, and the label maps that follow from it. */
import { tasks, type PointName, type TaskId } from '../tasks.ts';
import { paintSpheres } from '../volume/spheres.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Geometry } from '../volume/volume.ts';

/** Marks of an expert. A point the expert did not find is `null`. */
export interface Annotation {
  /** RAS mm. */
  readonly points: Readonly<Record<PointName, Vector3 | null>>;
  /** Label map of calcium on the image's grid. */
  readonly calcium: Uint8Array;
}

/**
 * The label map that teaches `task`: spheres of `radiusMm` around the points, or the calcium. The
 * method's radius is 4 voxels at 1 mm.
 */
export function labelMap(
  task: TaskId,
  annotation: Annotation,
  geometry: Geometry,
  radiusMm: number,
): Uint8Array {
  if (tasks[task].kind === 'segmentation') return annotation.calcium.slice();
  const points = tasks[task].labels.map((name) => annotation.points[name as PointName]);
  return paintSpheres(points, geometry, radiusMm);
}
