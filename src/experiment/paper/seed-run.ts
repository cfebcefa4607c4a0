/** One seed of a reproduction: its patients, its models, their errors on held-out cases. */
import { join } from 'node:path';
import type { NodeId } from '../../base/index.ts';
import type { RunSettings } from '../../config/index.ts';
import {
  intensityDefaults,
  type EvaluateArgs,
  type EvaluatedCase,
  type LabelArgs,
} from '../../distill/index.ts';
import {
  eachOf,
  expertGeneration,
  pseudoGeneration,
  specAndTasks,
  teachersOf,
  type CasesAt,
} from '../../hospital/index.ts';
import { caseJobs } from '../run/run-cases.ts';
import { membersOf, patchOf, planOf } from '../run/run-plan.ts';
import type { ModelWeights } from '../../weights/index.ts';
import { coursesOf, type Course } from './courses.ts';
import { downstreamCases, isBackbone, testDownstream, type Downstream } from './downstream.ts';
import { sharing, workMs } from './progress.ts';
import { labelWork, scoredAt, testCount } from './seed-work.ts';
import { makeOnce } from './make-once.ts';
import type { SeedOptions } from './seed-options.ts';
import { trainCourse, type CourseOptions, type TrainedRound } from './train-course.ts';

/** A model, and what it was scored. */
export interface ScoredCourse {
  readonly course: Course;
  readonly rounds: readonly TrainedRound[];
  /** By hospital, ascending. */
  readonly evaluations: readonly {
    readonly hospital: NodeId;
    readonly cases: readonly EvaluatedCase[];
  }[];
}

export interface SeedResult {
  readonly seed: number;
  readonly courses: readonly ScoredCourse[];
  readonly downstream: readonly Downstream[];
}

interface Trained {
  readonly course: Course;
  readonly weights: ModelWeights;
  readonly rounds: readonly TrainedRound[];
}

export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const { settings, meter } = options;
  const { seed } = settings;
  const { single, distilled } = coursesOf(settings);
  await makeOnce(
    options,
    await caseJobs(settings, (id) => casesAt(options, id, expertGeneration).folder),
  );
  meter.say(`seed ${seed}: cases of ${membersOf(settings).length} hospitals`);
  const singles = await trainAll(options, single, expertGeneration);
  await label(options, singles);
  meter.say(`seed ${seed}: pseudo-labels by the federated U-Nets`);
  const students = await trainAll(options, distilled, studentGeneration(settings));
  const trained = [...singles, ...students];
  const courses = await evaluateAll(options, trained);
  meter.say(`seed ${seed}: ${courses.length} models scored on held-out cases`);
  await makeOnce(options, await downstreamCases(options));
  const backbones = trained.filter(({ course }) => isBackbone(course));
  const downstream = await eachOf(backbones, Infinity, ({ course, weights }) =>
    testDownstream(options, course, weights),
  );
  meter.say(`seed ${seed}: a new head on ${backbones.length} frozen backbones`);
  return { seed, courses, downstream };
}

/** A hospital's cases on this machine. */
function casesAt({ folder }: SeedOptions, hospital: NodeId, generation: string): CasesAt {
  return {
    folder: join(folder, 'hospitals', hospital, 'cases'),
    intensity: intensityDefaults,
    generation,
  };
}

/** Generation of the cases that the teachers labelled. */
function studentGeneration(settings: RunSettings): string {
  const student = planOf(settings).stages.find(({ kind }) => kind === 'student');
  return student === undefined ? expertGeneration : pseudoGeneration(student);
}

async function trainAll(
  options: SeedOptions,
  courses: readonly Course[],
  generation: string,
): Promise<Trained[]> {
  const { settings, pool, store, meter } = options;
  const { seed } = settings;
  const courseOptions: CourseOptions = {
    ...{ seed, pool, store },
    memberCount: membersOf(settings).length,
    casesOf: (hospital) => casesAt(options, hospital, generation),
    onSteps: (count) => {
      meter.did(count * workMs.step);
    },
    onFound: (count) => {
      meter.found(count * workMs.step);
    },
  };
  // A lone hospital keeps one worker busy: more courses than workers side by side leave none idle.
  return eachOf(courses, 2 * pool.size, async (course) => {
    const { weights, rounds } = await trainCourse(course, courseOptions);
    const loss = rounds.at(-1)?.loss.toFixed(3) ?? 'none';
    meter.say(`seed ${seed}: ${titleOf(course)}, ${rounds.length} rounds, loss ${loss}`);
    return { course, weights, rounds };
  });
}

/** Every hospital lets the federated U-Nets label its cases, as before a consortium's student. */
async function label(options: SeedOptions, singles: readonly Trained[]): Promise<void> {
  const { settings, journal, pool, meter } = options;
  const plan = planOf(settings);
  const federated = singles.filter(({ course }) => course.arm.id === 'unet-federated');
  const sealed = new Map(federated.map(({ course, weights }) => [course.stage.id, weights]));
  const teachers = teachersOf(plan, sealed);
  await eachOf(membersOf(settings), Infinity, (hospital) => {
    const work = labelWork(settings, hospital);
    const at = casesAt(options, hospital, expertGeneration);
    const { inference, distillation } = settings;
    const args: LabelArgs = { ...at, teachers, inference, distillation };
    return journal.once(
      `labels/${hospital}`,
      () => pool.run('label', args, { onProgress: sharing(work, meter) }),
      () => {
        meter.found(work);
      },
    );
  });
}

function evaluateAll(options: SeedOptions, trained: readonly Trained[]): Promise<ScoredCourse[]> {
  const { settings } = options;
  return eachOf(trained, 2 * options.pool.size, async ({ course, weights, rounds }) => {
    const evaluations = await eachOf(scoredAt(settings, course), Infinity, async (hospital) => ({
      hospital,
      cases: await evaluate(options, course, weights, hospital),
    }));
    return { course, rounds, evaluations };
  });
}

function evaluate(
  options: SeedOptions,
  course: Course,
  weights: ModelWeights,
  hospital: NodeId,
): Promise<EvaluatedCase[]> {
  const { settings, journal, pool, meter } = options;
  const args: EvaluateArgs = {
    ...casesAt(options, hospital, 'test'),
    ...specAndTasks(course.stage),
    weights,
    inference: { ...settings.inference, window: patchOf(settings.training) },
    calibrationRadiusMm: settings.training.pointRadiusMm,
  };
  const work = testCount(settings, hospital) * workMs.volume;
  return journal.once(
    `evaluations/${course.id}/${hospital}`,
    () =>
      pool.run('evaluate', args, { onProgress: sharing(work, meter) }) as Promise<EvaluatedCase[]>,
    () => {
      meter.found(work);
    },
  );
}

function titleOf({ arm, stage, tasks }: Course): string {
  const [task = ''] = tasks;
  const [hospital = ''] = stage.participants;
  if (arm.way === 'distilled') return arm.title;
  return `${arm.title} of ${task}${arm.way === 'local' ? ` at ${hospital}` : ''}`;
}
