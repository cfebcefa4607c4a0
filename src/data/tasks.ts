/** What the model is taught: tasks, their labels and the values in a label map. */

/** A task of the consortium, as `specs` and manifests write it. */
export type TaskId = 'hps' | 'ms' | 'calc';

/** Names of the points a phantom or an expert gives. */
export type PointName = 'RCC' | 'LCC' | 'NCC' | 'RCA' | 'LCA' | 'MS1' | 'MS2';

/** Names of points that are in no task; for a head that is added to a trained model. */
export type LandmarkName = 'STJ';

/** One task; the label at `labels[n]` has value n + 1 in a label map, 0 is background. */
export interface Task {
  readonly id: TaskId;
  /** `points`: each label is a small sphere whose centre counts; `segmentation`: its voxels count. */
  readonly kind: 'points' | 'segmentation';
  readonly title: string;
  readonly labels: readonly string[];
}

/** Hinge points and ostia, membranous septum, calcification. */
export const tasks: Readonly<Record<TaskId, Task>> = {
  hps: {
    id: 'hps',
    kind: 'points',
    title: 'hinge points and coronary ostia',
    labels: ['RCC', 'LCC', 'NCC', 'RCA', 'LCA'],
  },
  ms: { id: 'ms', kind: 'points', title: 'membranous septum', labels: ['MS1', 'MS2'] },
  calc: { id: 'calc', kind: 'segmentation', title: 'calcification', labels: ['calcium'] },
};

/** Task ids in their documented order. */
export const taskIds: readonly TaskId[] = ['hps', 'ms', 'calc'];

/** All point names in the order hps, ms. */
export const pointNames: readonly PointName[] = ['RCC', 'LCC', 'NCC', 'RCA', 'LCA', 'MS1', 'MS2'];

/** Sinotubular junction: the middle of the ring at which the sinuses end and the aorta begins. */
export const landmarkNames: readonly LandmarkName[] = ['STJ'];

/** Structures of the heart label map; `heartLabels[n]` has value n + 1. */
export const heartLabels: readonly string[] = [
  'myocardium',
  'left atrium',
  'left ventricle',
  'right atrium',
  'right ventricle',
  'aorta',
  'pulmonary artery',
];

/** Channels a head for `task` puts out: its labels and background. */
export function channelCount(task: TaskId): number {
  return tasks[task].labels.length + 1;
}

/** `null` unless `text` is a task id. */
export function parseTaskId(text: unknown): TaskId | null {
  return taskIds.find((id) => id === text) ?? null;
}
