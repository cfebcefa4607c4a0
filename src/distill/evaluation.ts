/** What a model's label maps of one held-out case are worth, against the truth and against the annotator. */
import {
  pointsOf,
  tasks,
  type Case,
  type PointName,
  type TaskId,
  type Truth,
  type Vector3,
} from '../data/index.ts';
import { dice, distance } from '../models/index.ts';

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

function distanceMm(
  found: Vector3 | null | undefined,
  wanted: Vector3 | null | undefined,
): number | null {
  return found && wanted ? distance(found, wanted) : null;
}
