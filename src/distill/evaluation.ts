/** What a model's label maps of one held-out case are worth, against the truth and against the annotator. */
import {
  largestComponentCentre,
  tasks,
  voxelToWorld,
  type Case,
  type PointName,
  type TaskId,
  type Truth,
  type Vector3,
} from '../data/index.ts';
import { dice } from '../models/index.ts';

/** One point or one segmentation of one case. */
export interface Score {
  readonly task: TaskId;
  readonly label: string;
  readonly kind: 'point' | 'segmentation';
  /** Distance in mm to the true point; null when the label was not found: missed, never zero. */
  readonly errorMm: number | null;
  /** Distance in mm to where the annotator put it. */
  readonly annotatorErrorMm: number | null;
  /** Dice; null when the structure is absent in this case. */
  readonly dice: number | null;
}

/** World position of every label of a point task; null for a label without a voxel. */
export function pointsOf(
  task: TaskId,
  map: Uint8Array,
  image: Case['image'],
): Map<PointName, Vector3 | null> {
  return new Map(
    tasks[task].labels.map((label, index) => {
      const centre = largestComponentCentre(map, image.shape, index + 1);
      // [d, h, w] → (i, j, k)
      const world = centre && voxelToWorld(image.affine, [centre[2], centre[1], centre[0]]);
      return [label as PointName, world];
    }),
  );
}

/** Scores of one task's predicted map. */
export function scoreCase(
  task: TaskId,
  map: Uint8Array,
  held: Case,
  truth: Truth,
): Score[] {
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
  return [...pointsOf(task, map, held.image)].map(([label, found]) => ({
    task,
    label,
    kind: 'point',
    errorMm: found === null ? null : distanceMm(found, truth.points[label]),
    annotatorErrorMm: found === null ? null : distanceMm(found, held.points?.[label] ?? null),
    dice: null,
  }));
}

function distanceMm(a: Vector3, b: Vector3 | null): number | null {
  return b === null ? null : Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
