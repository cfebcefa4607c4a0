/** From the results of single cases to the figures of arms, tasks, groups and hospitals. Pure. */
import { seededRandom } from '../../base/index.ts';
import { holdersOf, membersOf, type RunSettings, taughtTasks } from '../../config/index.ts';
import type {
  ClientGroup,
  DownstreamFigures,
  Figures,
  GroupFigures,
  HospitalFigures,
} from '../../report/index.ts';
import { tasks, type TaskId } from '../../data/index.ts';
import {
  bootstrapMedian,
  expectedCalibrationError,
  medianWithMissed,
  quantile,
  summarise,
  type CalibrationBins,
} from '../../models/index.ts';
import { arms } from './experiments.ts';
import type { SeedResult } from './seed-run.ts';

/** One task of one held-out case by one model. */
export interface CaseResult {
  readonly seed: number;
  readonly arm: string;
  readonly task: TaskId;
  readonly hospital: string;
  readonly group: ClientGroup;
  readonly patient: string;
  /** mm of each point, or Dice; `null` for a point that was missed, or an undefined Dice. */
  readonly values: readonly (number | null)[];
  /** mm of each point to where the annotator put it. */
  readonly annotator: readonly (number | null)[];
  readonly calibration: CalibrationBins | null;
}

/** Scores of all evaluations as one list: an entry for each seed, model, task of the model and held-out case. */
export function caseResults(settings: RunSettings, results: readonly SeedResult[]): CaseResult[] {
  return results.flatMap(({ seed, experiments }) =>
    experiments.flatMap(({ experiment, evaluations }) =>
      evaluations.flatMap(({ hospital, cases }) =>
        cases.flatMap(({ id, scores, calibration }) =>
          experiment.tasks.map((task): CaseResult => {
            const own = scores.filter((score) => score.task === task);
            return {
              ...{ seed, arm: experiment.arm.id, task, hospital },
              group: holdersOf(settings, task).includes(hospital) ? 'training' : 'other',
              patient: `${seed}/${id}`,
              values: own.map(({ kind, errorMm, dice }) => (kind === 'point' ? errorMm : dice)),
              annotator: own.map(({ annotatorErrorMm }) => annotatorErrorMm),
              calibration: calibration?.[task] ?? null,
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
  results: readonly CaseResult[],
): GroupFigures[] {
  return eachArmAndTask(settings, (arm, task) =>
    (['training', 'other'] as const).flatMap((group) =>
      [null, ...seeds].map((seed): GroupFigures => {
        const own = results.filter(
          (one) =>
            one.arm === arm &&
            one.task === task &&
            one.group === group &&
            (seed === null || one.seed === seed),
        );
        const values = seed === null ? found(own) : [];
        return { arm, task, group, seed, ...figuresOf(task, own), values };
      }),
    ),
  );
}

/** Every arm and task at every hospital, all seeds together. */
export function hospitalFigures(
  settings: RunSettings,
  results: readonly CaseResult[],
): HospitalFigures[] {
  return eachArmAndTask(settings, (arm, task) =>
    membersOf(settings).map((hospital): HospitalFigures => {
      const own = results.filter(
        (one) => one.arm === arm && one.task === task && one.hospital === hospital,
      );
      const group = holdersOf(settings, task).includes(hospital) ? 'training' : 'other';
      return { arm, task, hospital, group, ...figuresOf(task, own) };
    }),
  );
}

/** Each backbone over all seeds, then for each. */
export function downstreamFigures(results: readonly SeedResult[]): DownstreamFigures[] {
  const all = results.flatMap(({ seed, downstream }) =>
    downstream.flatMap(({ arm, found: cases }) =>
      cases.map(({ id, errorMm }) => ({ seed, arm, patient: `${seed}/${id}`, values: [errorMm] })),
    ),
  );
  return [...new Set(all.map(({ arm }) => arm))].flatMap((arm) =>
    [null, ...results.map(({ seed }) => seed)].map((seed): DownstreamFigures => {
      const own = all.filter((one) => one.arm === arm && (seed === null || one.seed === seed));
      return { arm, seed, ...spread('mm', own), values: seed === null ? found(own) : [] };
    }),
  );
}

/** Median, spread, misses and calibration of one task over some cases. */
export function figuresOf(task: TaskId, results: readonly CaseResult[]): Figures {
  const isPoints = tasks[task].kind === 'points';
  const annotator = results.flatMap((one) => present(one.annotator)).sort((a, b) => a - b);
  return {
    ...spread(isPoints ? 'mm' : 'dice', results),
    annotatorMedian: isPoints ? quantile(annotator, 0.5) : null,
    calibrationError: expectedCalibrationError(
      results.flatMap(({ calibration }) => calibration ?? []),
    ),
  };
}

type Measured = Pick<CaseResult, 'patient' | 'values'>;

function spread(
  unit: Figures['unit'],
  measured: readonly Measured[],
): Omit<Figures, 'annotatorMedian' | 'calibrationError'> {
  const values = measured.flatMap((one) => one.values);
  const { n, nullCount, nullRate, median, lowerQuartile, upperQuartile } = summarise(values);
  const isPoints = unit === 'mm';
  return {
    ...{ unit, n: n - nullCount, median, lowerQuartile, upperQuartile },
    interval: bootstrapMedian(byPatient(measured), seededRandom('bootstrap')),
    medianWithMissed: isPoints ? medianWithMissed(values) : median,
    missRate: isPoints && n > 0 ? nullRate : null,
    undefinedCount: isPoints ? 0 : nullCount,
  };
}

/** Values of each patient, by whichever model; without the missed ones. */
function byPatient(measured: readonly Measured[]): number[][] {
  const patients = new Map<string, number[]>();
  for (const { patient, values } of measured) {
    const own = patients.get(patient) ?? [];
    patients.set(patient, own);
    own.push(...present(values));
  }
  return [...patients.values()];
}

function found(measured: readonly Measured[]): number[] {
  return measured.flatMap(({ values }) => present(values));
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function eachArmAndTask<T>(
  settings: RunSettings,
  of: (arm: string, task: TaskId) => readonly T[],
): T[] {
  return arms.flatMap(({ id }) => taughtTasks(settings).flatMap((task) => of(id, task)));
}
