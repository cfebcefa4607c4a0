/** From the scores of single cases to the figures of arms, tasks, groups and hospitals. Pure. */
import { seededRandom } from '../base/index.ts';
import type { RunSettings } from '../config/index.ts';
import type { ClientGroup, Figures, GroupFigures, HospitalFigures } from '../dashboard/index.ts';
import { tasks, type TaskId } from '../data/index.ts';
import { bootstrapMedian, medianWithMissed, quantile, summarise } from '../models/index.ts';
import { holdersOf, membersOf, taughtTasks } from '../simulate/index.ts';
import { arms } from './courses.ts';
import type { SeedResult } from './seed-run.ts';

/** One point or one segmentation of one held-out case, by one model. */
export interface Observation {
  readonly seed: number;
  readonly arm: string;
  readonly task: TaskId;
  readonly hospital: string;
  readonly group: ClientGroup;
  readonly patient: string;
  /** mm or Dice; `null` when the point was missed, or Dice is undefined. */
  readonly value: number | null;
  /** mm to where the annotator put the point. */
  readonly annotator: number | null;
}

export function observationsOf(
  settings: RunSettings,
  results: readonly SeedResult[],
): Observation[] {
  return results.flatMap(({ seed, courses }) =>
    courses.flatMap(({ course, evaluations }) =>
      evaluations.flatMap(({ hospital, cases }) =>
        cases.flatMap(({ id, scores }) =>
          scores.map((score): Observation => {
            const { task, kind, errorMm, dice, annotatorErrorMm } = score;
            return {
              ...{ seed, arm: course.arm.id, task, hospital },
              group: holdersOf(settings, task).includes(hospital) ? 'training' : 'other',
              patient: `${seed}/${id}`,
              value: kind === 'point' ? errorMm : dice,
              annotator: annotatorErrorMm,
            };
          }),
        ),
      ),
    ),
  );
}

/** Every arm and task at training and at other clients: all seeds together, then each. */
export function groupFigures(
  settings: RunSettings,
  seeds: readonly number[],
  observations: readonly Observation[],
): GroupFigures[] {
  return eachArmAndTask(settings, (arm, task) =>
    (['training', 'other'] as const).flatMap((group) =>
      [null, ...seeds].map((seed): GroupFigures => {
        const own = observations.filter(
          (one) =>
            one.arm === arm &&
            one.task === task &&
            one.group === group &&
            (seed === null || one.seed === seed),
        );
        const values = seed === null ? own.flatMap(({ value }) => value ?? []) : [];
        return { arm, task, group, seed, ...figuresOf(task, own), values };
      }),
    ),
  );
}

export function hospitalFigures(
  settings: RunSettings,
  observations: readonly Observation[],
): HospitalFigures[] {
  return eachArmAndTask(settings, (arm, task) =>
    membersOf(settings).map((hospital): HospitalFigures => {
      const own = observations.filter(
        (one) => one.arm === arm && one.task === task && one.hospital === hospital,
      );
      const group = holdersOf(settings, task).includes(hospital) ? 'training' : 'other';
      return { arm, task, hospital, group, ...figuresOf(task, own) };
    }),
  );
}

export function figuresOf(task: TaskId, observations: readonly Observation[]): Figures {
  const values = observations.map(({ value }) => value);
  const { n, nullCount, nullRate, median, lowerQuartile, upperQuartile } = summarise(values);
  const isPoints = tasks[task].kind === 'points';
  const annotator = observations.flatMap((one) => one.annotator ?? []).sort((a, b) => a - b);
  return {
    unit: isPoints ? 'mm' : 'dice',
    n: n - nullCount,
    ...{ median, lowerQuartile, upperQuartile },
    interval: bootstrapMedian(byPatient(observations), seededRandom('bootstrap')),
    medianWithMissed: isPoints ? medianWithMissed(values) : median,
    missRate: isPoints && n > 0 ? nullRate : null,
    undefinedCount: isPoints ? 0 : nullCount,
    annotatorMedian: isPoints ? quantile(annotator, 0.5) : null,
  };
}

/** Values of each patient, without the missed ones. */
function byPatient(observations: readonly Observation[]): number[][] {
  const patients = new Map<string, number[]>();
  for (const { patient, value } of observations) {
    const own = patients.get(patient) ?? [];
    patients.set(patient, own);
    if (value !== null) own.push(value);
  }
  return [...patients.values()];
}

function eachArmAndTask<T>(
  settings: RunSettings,
  of: (arm: string, task: TaskId) => readonly T[],
): T[] {
  return arms.flatMap(({ id }) => taughtTasks(settings).flatMap((task) => of(id, task)));
}
