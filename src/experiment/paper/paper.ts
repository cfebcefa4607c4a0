/** The paper's own medians: Tölle et al., npj Digital Medicine 8:88 (2025), read off its figures. */
import type { PaperMedian } from '../../report/index.ts';
import type { TaskId } from '../../data/index.ts';
import { arms } from './experiments.ts';

/** Training and other clients, by arm and task: mm, mm and Dice. */
const medians: Readonly<Record<string, Readonly<Record<TaskId, readonly [number, number]>>>> = {
  'unet-local': { hps: [2.9, 3.6], ms: [2.7, 4.6], calc: [0.73, 0.71] },
  'swin-local': { hps: [2.4, 4.8], ms: [3.1, 3.9], calc: [0.81, 0.47] },
  'unet-federated': { hps: [2.3, 3.2], ms: [2.7, 3.0], calc: [0.57, 0.43] },
  'swin-federated': { hps: [2.8, 3.8], ms: [2.6, 4.0], calc: [0.73, 0.73] },
  'unet-distilled': { hps: [2.8, 3.2], ms: [2.5, 3.2], calc: [0.61, 0.61] },
  'swin-distilled': { hps: [2.6, 3.1], ms: [2.6, 2.8], calc: [0.69, 0.72] },
};

/** By arm, task and group, as the record has them. */
export const paperMedians: readonly PaperMedian[] = arms.flatMap(({ id: arm }) =>
  Object.entries(medians[arm] ?? {}).flatMap(([task, [training, other]]): PaperMedian[] => [
    { arm, task, group: 'training', median: training },
    { arm, task, group: 'other', median: other },
  ]),
);
