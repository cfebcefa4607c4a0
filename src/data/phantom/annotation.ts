/** What an expert marks: the truth, shifted by a habit and scattered by the hand. */
import type { Random } from '../../base/index.ts';
import {
  annotatorDefaults,
  validateAnnotatorSettings,
  type AnnotatorSettings,
} from '../settings.ts';
import { pointNames, tasks, type PointName, type TaskId } from '../tasks.ts';
import { paintSpheres } from '../volume/spheres.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Geometry } from '../volume/volume.ts';
import type { Truth } from './phantom.ts';

/** Marks of an expert. A point the expert did not find is `null`. */
export interface Annotation {
  /** RAS mm. */
  readonly points: Readonly<Record<PointName, Vector3 | null>>;
  /** Label map of calcium on the image's grid. */
  readonly calcium: Uint8Array;
}

/**
 * Each coordinate of each point is truth + bias + scatter · N(0, 1). Calcium is marked as it is:
 * thresholding leaves an expert little freedom.
 *
 * @throws {DataError} 'bad_setting' when a setting is out of range.
 */
export function annotate(
  random: Random,
  truth: Truth,
  annotator: AnnotatorSettings = annotatorDefaults,
): Annotation {
  validateAnnotatorSettings(annotator);
  const { biasMm, scatterMm } = annotator;
  const mark = (name: PointName): Vector3 => {
    const hand = random.fork(name);
    const [x, y, z] = truth.points[name];
    return [
      x + biasMm[0] + scatterMm * hand.normal(),
      y + biasMm[1] + scatterMm * hand.normal(),
      z + biasMm[2] + scatterMm * hand.normal(),
    ];
  };
  const entries = pointNames.map((name) => [name, mark(name)] as const);
  return {
    points: Object.fromEntries(entries) as Record<PointName, Vector3>,
    calcium: truth.calcium.slice(),
  };
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
