/** What is measured after a round. Sums go through the nodes in order, so that they are the same bits every time. */
import type { LabNode, LabRound } from '../../report/index.ts';
import type { Vector } from './task.ts';
import { headerBytes } from './delivery.ts';
import type { LabWorld } from './world.ts';

/** Nodes that are there and honest; all honest ones, when nobody is there. */
function counted({ present, isAttacker }: LabWorld): number[] {
  const honest = [...isAttacker.keys()].filter((node) => isAttacker[node] === 0);
  const there = honest.filter((node) => present[node] === 1);
  return there.length > 0 ? there : honest;
}

/** Mean of the models of some nodes. */
export function meanModel(models: readonly Vector[], nodes: readonly number[]): Vector {
  const mean = new Float64Array(models[0]?.length ?? 0);
  for (const node of nodes) {
    const model = models[node] as Vector;
    for (let k = 0; k < mean.length; k++) mean[k] = (mean[k] as number) + (model[k] as number);
  }
  for (let k = 0; k < mean.length; k++) mean[k] = (mean[k] as number) / nodes.length;
  return mean;
}

/** Mean squared distance of the nodes' models to their mean. */
export function consensusDistance(world: LabWorld): number {
  const nodes = counted(world);
  return distanceTo(meanModel(world.models.of, nodes), world.models.of, nodes);
}

function distanceTo(mean: Vector, models: readonly Vector[], nodes: readonly number[]): number {
  let sum = 0;
  for (const node of nodes) {
    const model = models[node] as Vector;
    for (let k = 0; k < mean.length; k++) {
      const away = (model[k] as number) - (mean[k] as number);
      sum += away * away;
    }
  }
  return sum / nodes.length;
}

/** What a rule left out, of messages of attackers and of honest nodes. */
export interface Caught {
  readonly caught: number | null;
  readonly falselyCaught: number | null;
}

/** All that is measured after `round`. */
export async function measure(
  world: LabWorld,
  round: number,
  contraction: number | null,
  caught: Caught,
): Promise<LabRound> {
  const { task, models, counters, readyMs, present } = world;
  const nodes = counted(world);
  const mean = meanModel(models.of, nodes);
  const [errors, losses, tests]: [number[], number[], number[]] = [[], [], []];
  for (const node of nodes) {
    const model = models.of[node] as Vector;
    errors.push(await task.error(model));
    losses.push(await task.localLoss(node, model));
    const test = await task.testError(model);
    if (test !== null) tests.push(test);
  }
  const messages = sumOf(counters.messages);
  return {
    round,
    timeMs: nodes.reduce((latest, node) => Math.max(latest, readyMs[node] as number), 0),
    error: meanOf(errors),
    errorMin: errors.reduce((least, error) => Math.min(least, error), Infinity),
    errorMax: errors.reduce((most, error) => Math.max(most, error), -Infinity),
    errorOfMean: await task.error(mean),
    // A mean of those alone that have one would flatter.
    testError: tests.length < nodes.length ? null : meanOf(tests),
    consensus: distanceTo(mean, models.of, nodes),
    contraction,
    unfairness: deviationOf(losses),
    modelBytes: sumOf(counters.sentBytes) - headerBytes * messages,
    headerBytes: headerBytes * messages,
    messages,
    lost: sumOf(counters.lost),
    late: sumOf(counters.late),
    steps: sumOf(counters.steps),
    present: sumOf(present),
    ...caught,
    ...(await ofVictim(world, nodes)),
  };
}

/** Of the node that attackers surround. @param counted those whose mean it is held against, itself or not */
async function ofVictim(
  { settings, task, models, counters }: LabWorld,
  counted: readonly number[],
): Promise<Pick<LabRound, 'victimError' | 'victimDistance' | 'victimShare'>> {
  const { victim } = settings.attack;
  if (victim < 0) return { victimError: null, victimDistance: null, victimShare: null };
  const others = counted.filter((node) => node !== victim);
  const heard = counters.heard[victim] as number;
  return {
    victimError: await task.error(models.of[victim] as Vector),
    victimDistance:
      others.length === 0 ? null : distanceTo(meanModel(models.of, others), models.of, [victim]),
    victimShare: heard === 0 ? null : (counters.heardLies[victim] as number) / heard,
  };
}

/** What became of each node. */
export async function nodeRecords({
  task,
  models,
  counters,
  readyMs,
  isAttacker,
  sites,
}: LabWorld): Promise<LabNode[]> {
  const records: LabNode[] = [];
  for (const [node, model] of models.of.entries()) {
    records.push({
      node,
      isAttacker: isAttacker[node] === 1,
      samples: task.samples[node] as number,
      slowness: sites.slowness[node] as number,
      error: await task.error(model),
      localLoss: await task.localLoss(node, model),
      steps: counters.steps[node] as number,
      sentBytes: counters.sentBytes[node] as number,
      timeMs: readyMs[node] as number,
    });
  }
  return records;
}

function sumOf(values: ArrayLike<number> & Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}
