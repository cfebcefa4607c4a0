/** What a model's label maps of one held-out case are worth, against the truth and against the annotator. */
import {
  heartLabels,
  paintSpheres,
  pointsOf,
  tasks,
  type Case,
  type PointName,
  type TaskId,
  type Truth,
  type Vector3,
} from '../data/index.ts';
import {
  argmaxLabels,
  calibrationBins,
  dice,
  distance,
  type CalibrationBins,
  type ChannelVolume,
} from '../models/index.ts';
import { heartHead } from './heart-map.ts';

/** One point or one segmentation of one case; of the heart the mean over its structures. */
export interface Score {
  readonly task: TaskId | typeof heartHead;
  readonly label: string;
  readonly kind: 'point' | 'segmentation';
  /** Distance in mm to the true point; null when the label was not found: missed, never zero. */
  readonly errorMm: number | null;
  /** Distance in mm to where the annotator put it. */
  readonly annotatorErrorMm: number | null;
  /** Dice; null when the structure is absent in this case. */
  readonly dice: number | null;
}

/** One held-out case as a model sees it. */
export interface EvaluatedCase {
  readonly id: string;
  readonly scores: readonly Score[];
  /** By task, where it was asked for. */
  readonly calibration?: Readonly<Partial<Record<TaskId, CalibrationBins>>>;
}

/**
 * Scores of the `tasks` that the model has a head for, and of the heart if it has one. With the radius of a true point's
 * sphere its calibration too.
 * @param logits by head, on the grid of the case
 */
export function evaluateCase(
  logits: ReadonlyMap<string, ChannelVolume>,
  held: Case,
  truth: Truth,
  {
    tasks: asked,
    calibrationRadiusMm,
  }: {
    readonly tasks: readonly TaskId[];
    readonly calibrationRadiusMm?: number;
  },
): EvaluatedCase {
  const known = asked.flatMap((task) => {
    const volume = logits.get(task);
    return volume === undefined ? [] : [{ task, volume }];
  });
  const { id } = held;
  const heart = logits.get(heartHead);
  const scores = [
    ...known.flatMap(({ task, volume }) => scoreCase(task, argmaxLabels(volume), held, truth)),
    ...(heart === undefined ? [] : [scoreHeart(argmaxLabels(heart), truth)]),
  ];
  if (calibrationRadiusMm === undefined) return { id, scores };
  const calibration: Partial<Record<TaskId, CalibrationBins>> = {};
  for (const { task, volume } of known) {
    calibration[task] = calibrationBins(volume, trueMap(task, truth, calibrationRadiusMm));
  }
  return { id, scores, calibration };
}

/** Scores of one task's predicted map. */
export function scoreCase(task: TaskId, map: Uint8Array, held: Case, truth: Truth): Score[] {
  if (tasks[task].kind === 'segmentation') {
    return tasks[task].labels.map((label, index) => ({
      task,
      label,
      kind: 'segmentation',
      errorMm: null,
      annotatorErrorMm: null,
      dice: dice(map, truth.calcium, index + 1),
    }));
  }
  const found = pointsOf(map, held.image, tasks[task].labels.length);
  return tasks[task].labels.map((label, index) => {
    const name = label as PointName;
    return {
      task,
      label,
      kind: 'point',
      errorMm: distanceMm(found[index], truth.points[name]),
      annotatorErrorMm: distanceMm(found[index], held.points?.[name]),
      dice: null,
    };
  });
}

/** Mean Dice over the structures that this case has. */
export function scoreHeart(map: Uint8Array, truth: Truth): Score {
  const values = heartLabels
    .map((_, index) => dice(map, truth.heart, index + 1))
    .filter((value) => value !== null);
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    task: heartHead,
    label: heartHead,
    kind: 'segmentation',
    errorMm: null,
    annotatorErrorMm: null,
    dice: values.length === 0 ? null : sum / values.length,
  };
}

/** The label map that a faultless model would give: spheres around the true points, or the structure itself. */
function trueMap(task: TaskId, truth: Truth, pointRadiusMm: number): Uint8Array {
  if (tasks[task].kind === 'segmentation') return truth.calcium;
  const points = tasks[task].labels.map((name) => truth.points[name as PointName]);
  return paintSpheres(points, truth.geometry, pointRadiusMm);
}

function distanceMm(
  found: Vector3 | null | undefined,
  wanted: Vector3 | null | undefined,
): number | null {
  return found && wanted ? distance(found, wanted) : null;
}
