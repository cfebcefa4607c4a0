/** One seed of a reproduction: its patients, its models, their errors on held-out cases. */
import { join } from 'node:path';
import type { NodeId } from '../../base/index.ts';
import { membersOf, patchOf, planOf, type RunSettings } from '../../config/index.ts';
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
import type { ModelWeights } from '../../weights/index.ts';
import { experimentsOf, type Experiment } from './experiments.ts';
import { downstreamCases, isBackbone, testDownstream, type Downstream } from './downstream.ts';
import { sharing, workMs } from './progress.ts';
import { labelWork, scoredAt, testCount } from './seed-work.ts';
import { makeOnce } from './make-once.ts';
import type { SeedOptions } from './seed-options.ts';
import { trainExperiment, type ExperimentOptions, type TrainedRound } from './train-experiment.ts';

/** A model, and what it was scored. */
export interface ScoredExperiment {
  readonly experiment: Experiment;
  readonly rounds: readonly TrainedRound[];
  /** By hospital, ascending. */
  readonly evaluations: readonly {
    readonly hospital: NodeId;
    readonly cases: readonly EvaluatedCase[];
  }[];
}

/** Every model of one seed with its scores, and the downstream test. */
export interface SeedResult {
  readonly seed: number;
  readonly experiments: readonly ScoredExperiment[];
  readonly downstream: readonly Downstream[];
}

interface Trained {
  readonly experiment: Experiment;
  readonly weights: ModelWeights;
  readonly rounds: readonly TrainedRound[];
}

/**
 * Makes the patients, trains and scores every model, then the downstream test. What the folder holds is not done again.
 *
 * @throws what the pool's jobs throw
 */
export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const { settings, meter } = options;
  const { seed } = settings;
  const { single, distilled } = experimentsOf(settings);
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
  const experiments = await evaluateAll(options, trained);
  meter.say(`seed ${seed}: ${experiments.length} models scored on held-out cases`);
  await makeOnce(options, await downstreamCases(options));
  const backbones = trained.filter(({ experiment }) => isBackbone(experiment));
  const downstream = await eachOf(backbones, Infinity, ({ experiment, weights }) =>
    testDownstream(options, experiment, weights),
  );
  meter.say(`seed ${seed}: a probe on ${backbones.length} frozen backbones`);
  return { seed, experiments, downstream };
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
  experiments: readonly Experiment[],
  generation: string,
): Promise<Trained[]> {
  const { settings, pool, store, meter } = options;
  const { seed } = settings;
  const trainingOptions: ExperimentOptions = {
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
  // A lone hospital keeps one worker busy: more experiments than workers side by side leave none idle.
  return eachOf(experiments, 2 * pool.size, async (experiment) => {
    const { weights, rounds } = await trainExperiment(experiment, trainingOptions);
    const loss = rounds.at(-1)?.loss.toFixed(3) ?? 'none';
    meter.say(`seed ${seed}: ${titleOf(experiment)}, ${rounds.length} rounds, loss ${loss}`);
    return { experiment, weights, rounds };
  });
}

/** Every hospital lets the federated U-Nets label its cases, as before a consortium's student. */
async function label(options: SeedOptions, singles: readonly Trained[]): Promise<void> {
  const { settings, journal, pool, meter } = options;
  const { seed } = settings;
  const plan = planOf(settings);
  const federated = singles.filter(({ experiment }) => experiment.arm.id === 'unet-federated');
  const sealed = new Map(
    federated.map(({ experiment, weights }) => [experiment.stage.id, weights]),
  );
  const teachers = teachersOf(plan, sealed).map(({ model: weights, ...teacher }) => {
    return { ...teacher, weights };
  });
  await eachOf(membersOf(settings), Infinity, (hospital) => {
    const work = labelWork(settings, hospital);
    const at = casesAt(options, hospital, expertGeneration);
    const { inference, distillation } = settings;
    const args: LabelArgs = { ...at, teachers, inference, distillation };
    return journal.once(
      `labels/${hospital}`,
      async () => {
        const labelled = await pool.run('label', args, { onProgress: sharing(work, meter) });
        meter.say(`seed ${seed}: pseudo-labels of ${hospital}`);
        return labelled;
      },
      () => {
        meter.found(work);
      },
    );
  });
}

function evaluateAll(
  options: SeedOptions,
  trained: readonly Trained[],
): Promise<ScoredExperiment[]> {
  const { settings } = options;
  return eachOf(trained, 2 * options.pool.size, async ({ experiment, weights, rounds }) => {
    const evaluations = await eachOf(
      scoredAt(settings, experiment),
      Infinity,
      async (hospital) => ({
        hospital,
        cases: await evaluate(options, experiment, weights, hospital),
      }),
    );
    return { experiment, rounds, evaluations };
  });
}

function evaluate(
  options: SeedOptions,
  experiment: Experiment,
  weights: ModelWeights,
  hospital: NodeId,
): Promise<EvaluatedCase[]> {
  const { settings, journal, pool, meter } = options;
  const args: EvaluateArgs = {
    ...casesAt(options, hospital, 'test'),
    ...specAndTasks(experiment.stage),
    weights,
    inference: { ...settings.inference, window: patchOf(settings.training) },
    calibrationRadiusMm: settings.training.pointRadiusMm,
  };
  const work = testCount(settings, hospital) * workMs.volume;
  return journal.once(
    `evaluations/${experiment.id}/${hospital}`,
    () =>
      pool.run('evaluate', args, { onProgress: sharing(work, meter) }) as Promise<EvaluatedCase[]>,
    () => {
      meter.found(work);
    },
  );
}

function titleOf({ arm, stage, tasks }: Experiment): string {
  const [task = ''] = tasks;
  const [hospital = ''] = stage.participants;
  if (arm.regime === 'distilled') return arm.title;
  return `${arm.title} of ${task}${arm.regime === 'local' ? ` at ${hospital}` : ''}`;
}
