/** The task that settings name. */
import { networkKinds } from './choices.ts';
import { descending } from './local-training.ts';
import { logisticTask } from './logistic-task.ts';
import { sizesOf } from './partition.ts';
import { phantomTask } from './phantom-task.ts';
import { quadraticTask } from './quadratic-task.ts';
import type { LabSettings } from './settings.ts';
import { chanceOf, type GradientTask, type LabTask } from './task.ts';

/** Sizes of quadratics' nodes are shares of so many. */
const sharesPerNode = 1000;

/**
 * From settings that were checked. The same settings give the same task in any thread. Whoever makes it closes it: a thread
 * has one network at a time.
 * @throws {ComputeError} 'backend_missing' of a network whose backend this machine does not have
 */
export async function makeTask(settings: LabSettings): Promise<LabTask> {
  if (!networkKinds.includes(settings.task.kind)) {
    return descending(settings, gradientTask(settings));
  }
  // Networks bring much along that quick tasks need not load.
  const { networkTask } = await import('./network-task.ts');
  return networkTask(settings);
}

/** A task of plain arithmetic, from settings of one. */
export function gradientTask(settings: LabSettings): GradientTask {
  const { seed, nodes, task, partition } = settings;
  if (task.kind === 'logistic') return logisticTask(settings);
  if (task.kind === 'phantom') return phantomTask(settings);
  const skew = partition.kind === 'size' ? partition.skew : 1;
  const sizes = sizesOf(nodes, nodes * sharesPerNode, skew, chanceOf(seed, 'sizes'));
  return quadraticTask(
    settings,
    Float64Array.from(sizes, (size) => size / sharesPerNode),
  );
}
