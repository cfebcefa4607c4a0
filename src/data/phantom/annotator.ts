/** A simulated expert: marks the truth with a constant bias and random scatter. */
import type { Random } from '../../base/index.ts';
import type { Annotation } from '../case/annotation.ts';
import {
  annotatorDefaults,
  validateAnnotatorSettings,
  type AnnotatorSettings,
} from '../settings.ts';
import { pointNames, type PointName } from '../tasks.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Truth } from './truth.ts';

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
    const noise = random.fork(name);
    const [x, y, z] = truth.points[name];
    return [
      x + biasMm[0] + scatterMm * noise.normal(),
      y + biasMm[1] + scatterMm * noise.normal(),
      z + biasMm[2] + scatterMm * noise.normal(),
    ];
  };
  const entries = pointNames.map((name) => [name, mark(name)] as const);
  return {
    points: Object.fromEntries(entries) as Record<PointName, Vector3>,
    calcium: truth.calcium.slice(),
  };
}
