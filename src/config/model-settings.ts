/** Which networks are trained: a model's specification without its input and heads, which follow from the tasks. */
import { channelCount, type TaskId } from '../data/index.ts';
import { heartChannels, heartHead, type HeartUse } from '../distill/index.ts';
import {
  readModelSpec,
  type ModelSpec,
  type SwinUnetrSpec,
  type UNetSpec,
  type UnetrSpec,
} from '../models/index.ts';

/** A specification without what the stage adds. */
export type Architecture =
  | Omit<UNetSpec, 'inChannels' | 'heads'>
  | Omit<SwinUnetrSpec, 'inChannels' | 'heads'>
  | Omit<UnetrSpec, 'inChannels' | 'heads'>;

/** Networks of the two kinds of stage. Heads and inputs follow from the tasks and from `training.heart`. */
export interface ModelSettings {
  /** Every teacher, with one head. */
  readonly teacher: Architecture;
  /** The student, with one head per task. */
  readonly student: Architecture;
}

/** The paper's pair, made small enough for the processor of a laptop. */
export const modelDefaults: ModelSettings = Object.freeze({
  teacher: Object.freeze({
    kind: 'unet',
    features: Object.freeze([8, 16, 32]),
    strides: Object.freeze([1, 2, 2]),
    convsPerStage: 2,
    deepSupervision: true,
    dropoutMilli: 0,
  }),
  student: Object.freeze({
    kind: 'swin-unetr',
    featureSize: 12,
    depths: Object.freeze([2, 2, 2]),
    numHeads: Object.freeze([3, 6, 12]),
    window: 7,
  }),
});

/**
 * The specification of `architecture` with one head for each of `tasks`, reading one channel of HU; with the heart's
 * segmentation as a second channel, or as one more head.
 */
export function modelSpecFor(
  architecture: Architecture,
  tasks: readonly TaskId[],
  heart: HeartUse = 'none',
): ModelSpec {
  const heads = {
    ...Object.fromEntries(tasks.map((task) => [task, channelCount(task)])),
    ...(heart === 'head' ? { [heartHead]: heartChannels } : {}),
  };
  return readModelSpec({ ...architecture, inChannels: heart === 'condition' ? 2 : 1, heads });
}
