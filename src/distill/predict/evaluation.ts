/**
 * What a model's label maps of one held-out case are worth: against the truth of a phantom and against its annotator, or,
 * of a real patient, against what the expert marked.
 */
import {
  heartLabels,
  paintSpheres,
  pointsOf,
  tasks,
  type Case,
  type Geometry,
  type PointName,
  type PointSet,
  type TaskId,
  type Truth,
  type Vector3,
} from '../../data/index.ts';
import {
  argmaxLabels,
  calibrationBins,
  dice,
  distance,
  type CalibrationBins,
  type ChannelVolume,
} from '../../models/index.ts';
import { heartHead } from '../heart-map.ts';

/** What a held-out case is scored against. */
export interface Reference {
  readonly geometry: Geometry;
  /** RAS mm; what is not there cannot be found, and is not scored. */
  readonly points: PointSet;
  /** Null where nobody marked calcium. */
  readonly calcium: Uint8Array | null;
  /** Values as in `heartLabels`; null where nobody segmented the heart. */
  readonly heart: Uint8Array | null;
}

/** A phantom's truth; without one, as of a real patient, the expert's marks. */
export function referenceOf(held: Case, truth: Truth | null): Reference {
  if (truth !== null) return truth;
  const { image, labels, points = {}, heart = null } = held;
  return { geometry: image, points, calcium: labels.calc ?? null, heart };
}

/** One point or one segmentation of one case; of the heart the mean over its structures. */
export interface Score {
  readonly task: TaskId | typeof heartHead;
  readonly label: string;
  readonly kind: 'point' | 'segmentation';
  /** Distance in mm to the reference's point; null when the label was not found: missed, never zero. */
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
 * Scores of the `tasks` that the model has a head for and the case a reference, and of the heart likewise. With the radius
 * of a point's sphere its calibration too.
 * @param logits by head, on the grid of the case
 */
export function evaluateCase(
  logits: ReadonlyMap<string, ChannelVolume>,
  held: Case,
  reference: Reference,
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
    ...known.flatMap(({ task, volume }) => scoreCase(task, argmaxLabels(volume), held, reference)),
    ...(heart === undefined || reference.heart === null
      ? []
      : [scoreHeart(argmaxLabels(heart), reference.heart)]),
  ];
  if (calibrationRadiusMm === undefined) return { id, scores };
  const calibration: Partial<Record<TaskId, CalibrationBins>> = {};
  for (const { task, volume } of known) {
    const map = faultlessMap(task, reference, calibrationRadiusMm);
    if (map !== null) calibration[task] = calibrationBins(volume, map);
  }
  return { id, scores, calibration };
}

/** Scores of one task's predicted map. */
export function scoreCase(
  task: TaskId,
  map: Uint8Array,
  held: Case,
  { points, calcium }: Reference,
): Score[] {
  if (tasks[task].kind === 'segmentation') {
    if (calcium === null) return [];
    return tasks[task].labels.map((label, index) => ({
      task,
      label,
      kind: 'segmentation',
      errorMm: null,
      annotatorErrorMm: null,
      dice: dice(map, calcium, index + 1),
    }));
  }
  const found = pointsOf(map, held.image, tasks[task].labels.length);
  return tasks[task].labels.flatMap((label, index): Score[] => {
    const name = label as PointName;
    const there = points[name] ?? null;
    if (there === null) return [];
    return [
      {
        task,
        label,
        kind: 'point',
        errorMm: distanceMm(found[index], there),
        annotatorErrorMm: distanceMm(found[index], held.points?.[name]),
        dice: null,
      },
    ];
  });
}

/** Mean Dice over the structures that this case has. */
export function scoreHeart(map: Uint8Array, heart: Uint8Array): Score {
  const values = heartLabels
    .map((_, index) => dice(map, heart, index + 1))
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

/** What a faultless model would give: spheres around the points, or the structure itself; null where nobody marked it. */
function faultlessMap(
  task: TaskId,
  { points, calcium, geometry }: Reference,
  pointRadiusMm: number,
): Uint8Array | null {
  if (tasks[task].kind === 'segmentation') return calcium;
  const there = tasks[task].labels.map((name) => points[name as PointName] ?? null);
  return there.every((point) => point === null)
    ? null
    : paintSpheres(there, geometry, pointRadiusMm);
}

function distanceMm(
  found: Vector3 | null | undefined,
  wanted: Vector3 | null | undefined,
): number | null {
  return found && wanted ? distance(found, wanted) : null;
}
