/** What one seed has to do, before it is done: which model is scored where, and how much work there is. */
import { invariant, type NodeId } from '../../base/index.ts';
import {
  holdersOf,
  type HospitalSettings,
  membersOf,
  type RunSettings,
  taughtTasks,
  trainingCaseCount,
} from '../../config/index.ts';
import { caseTotal } from '../run/run-cases.ts';
import { experimentsOf, type Experiment } from './experiments.ts';
import { downstreamWork } from './downstream.ts';
import { workMs } from './progress.ts';

/** Work of one seed in the unit of `workMs`. */
export function workOf(settings: RunSettings): number {
  const { single, distilled } = experimentsOf(settings);
  const all = [...single, ...distilled];
  const steps = all.reduce((sum, { stage }) => sum + stage.rounds * stepsOfRound(stage), 0);
  const labelled = membersOf(settings).reduce((sum, id) => sum + labelWork(settings, id), 0);
  const scored = all.flatMap((experiment) =>
    scoredAt(settings, experiment).map((hospital) => testCount(settings, hospital)),
  );
  const volumes = scored.reduce((sum, count) => sum + count, 0);
  const cases = caseTotal(settings) * workMs.phantom + volumes * workMs.volume + labelled;
  return cases + steps * workMs.step + downstreamWork(settings);
}

/**
 * Where a model is scored: everywhere, but one that a hospital trained alone only at that hospital and at those that
 * never labelled its task.
 */
export function scoredAt(settings: RunSettings, { arm, stage, tasks }: Experiment): NodeId[] {
  const [task] = tasks;
  if (arm.regime !== 'local' || task === undefined) return membersOf(settings);
  const holders = holdersOf(settings, task);
  return membersOf(settings).filter(
    (id) => stage.participants.includes(id) || !holders.includes(id),
  );
}

function stepsOfRound({ stepsPerRound, participants }: Experiment['stage']): number {
  return stepsPerRound * participants.length;
}

/** Volumes that the teachers search at a hospital, as work. */
export function labelWork(settings: RunSettings, hospital: NodeId): number {
  const { cases } = hospitalOf(settings, hospital);
  const volumes = taughtTasks(settings).map((task) => trainingCaseCount(cases) - cases[task]);
  return volumes.reduce((sum, count) => sum + count, 0) * workMs.volume;
}

/** Held-out cases of a hospital. */
export function testCount(settings: RunSettings, hospital: NodeId): number {
  return hospitalOf(settings, hospital).cases.test;
}

function hospitalOf({ consortium }: RunSettings, id: NodeId): HospitalSettings {
  const hospital = consortium.hospitals.find((one) => one.id === id);
  invariant(hospital !== undefined, 'a member is a hospital of the settings');
  return hospital;
}
