/** Every sealed model on every hospital's held-out cases: the table, the box plots and the curves of the report. */
import { join } from 'node:path';
import type { Digest, NodeId } from '../../base/index.ts';
import { holdersOf, membersOf, patchOf, type RunSettings } from '../../config/index.ts';
import { tasks, type TaskId } from '../../data/index.ts';
import type {
  Distribution,
  EvaluationGroup,
  EvaluationRow,
  RoundCheck,
} from '../../report/index.ts';
import {
  heartHead,
  type EvaluateArgs,
  type EvaluatedCase,
  type Score,
} from '../../distill/index.ts';
import { imagesOf, specAndTasks, type WorkerPool } from '../../hospital/index.ts';
import { summarise } from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import type { PlanStage, SignedManifest } from '../../wire/index.ts';
import type { RunEvaluation, RunRecorder } from './run-recorder.ts';

/** The run to evaluate: its settings, its models and where hospitals keep their cases. */
export interface EvaluationOptions {
  readonly settings: RunSettings;
  readonly consortium: SignedManifest;
  readonly pool: WorkerPool;
  /** Last sealed model by stage. */
  readonly models: ReadonlyMap<string, ModelWeights>;
  readonly modelOf: (stage: PlanStage, digest: Digest) => Promise<ModelWeights>;
  readonly folderOf: (id: NodeId) => string;
  readonly recorder: RunRecorder;
}

interface Scored {
  readonly stage: PlanStage;
  readonly hospital: NodeId;
  readonly scores: readonly Score[];
}

/** Rounds of a stage whose models are tried for the curves, spread evenly; the last among them. */
const checkedRoundsMax = 5;

/**
 * Scores every stage's last model at every hospital, and models of a few rounds between for the curves.
 *
 * @throws what the pool's jobs throw
 */
export async function evaluateRun(options: EvaluationOptions): Promise<RunEvaluation> {
  const { consortium, models, recorder, settings } = options;
  const { stages } = consortium.manifest.plan;
  const members = membersOf(settings);
  const checkRounds = stages.flatMap((stage) =>
    spread(
      recorder.rounds.filter((round) => round.stage === stage.id && round.modelDigest !== null),
      checkedRoundsMax,
    ).map((round) => ({ stage, round })),
  );
  const total = stages.length * members.length + checkRounds.length;
  let done = 0;
  const step = (): void => {
    done += 1;
    recorder.stageProgress('evaluation', done, total, 'models at hospitals');
  };

  const scored = await Promise.all(
    stages.flatMap((stage) =>
      members.map(async (hospital): Promise<Scored> => {
        const weights = models.get(stage.id);
        const cases =
          weights === undefined ? [] : await evaluate(options, stage, weights, hospital);
        step();
        return { stage, hospital, scores: cases.flatMap(({ scores }) => scores) };
      }),
    ),
  );

  const checks = new Map<string, RoundCheck[]>();
  for (const { stage, round } of checkRounds) {
    const digest = round.modelDigest as Digest;
    const weights = await options.modelOf(stage, digest);
    const few = await Promise.all(
      members.map((hospital) => evaluate(options, stage, weights, hospital, 1)),
    );
    checks.set(
      digest,
      checksOf(
        stage,
        few.flat().flatMap(({ scores }) => scores),
      ),
    );
    step();
  }
  const rows = [...rowsOf(settings, scored), ...heartRowsOf(scored)];
  return { rows, groups: groupsOf(settings, scored), checks };
}

async function evaluate(
  { pool, settings, consortium, folderOf }: EvaluationOptions,
  stage: PlanStage,
  weights: ModelWeights,
  hospital: NodeId,
  casesMax?: number,
): Promise<EvaluatedCase[]> {
  const args: EvaluateArgs = {
    folder: join(folderOf(hospital), 'cases'),
    intensity: imagesOf(consortium.manifest.plan).intensity,
    generation: 'test',
    ...specAndTasks(stage),
    weights,
    inference: { ...settings.inference, window: patchOf(settings.training) },
    ...(casesMax === undefined ? {} : { casesMax }),
  };
  return (await pool.run('evaluate', args)) as EvaluatedCase[];
}

function rowsOf(settings: RunSettings, scored: readonly Scored[]): EvaluationRow[] {
  return scored.flatMap(({ stage, hospital, scores }) =>
    specAndTasks(stage).tasks.map((task): EvaluationRow => {
      const of = scores.filter((score) => score.task === task);
      const values = of.map(valueOf);
      const isPoints = tasks[task].kind === 'points';
      const { nullCount, nullRate } = summarise(values);
      return {
        model: stage.kind,
        task,
        hospital,
        group: groupOf(settings, task, hospital),
        unit: isPoints ? 'mm' : 'dice',
        value: distributionOf(values),
        missRate: isPoints ? nullRate : null,
        undefinedCount: isPoints ? 0 : nullCount,
      };
    }),
  );
}

/** Of the models that are taught the heart, at every hospital: the mean Dice of its structures in each case. */
function heartRowsOf(scored: readonly Scored[]): EvaluationRow[] {
  return scored.flatMap(({ stage, hospital, scores }): EvaluationRow[] => {
    const values = scores.filter(({ task }) => task === heartHead).map(valueOf);
    if (values.length === 0) return [];
    const row = {
      model: stage.kind,
      task: heartHead,
      hospital,
      group: 'training',
      unit: 'dice',
    } as const;
    const { nullCount } = summarise(values);
    return [{ ...row, value: distributionOf(values), missRate: null, undefinedCount: nullCount }];
  });
}

function groupsOf(settings: RunSettings, scored: readonly Scored[]): EvaluationGroup[] {
  const groups = new Map<string, EvaluationGroup & { readonly all: (number | null)[] }>();
  for (const { stage, hospital, scores } of scored) {
    for (const task of specAndTasks(stage).tasks) {
      const group = groupOf(settings, task, hospital);
      const key = [stage.kind, task, group].join();
      const unit = tasks[task].kind === 'points' ? 'mm' : 'dice';
      const known = groups.get(key) ?? {
        model: stage.kind,
        task,
        group,
        unit,
        values: [],
        missRate: null,
        all: [],
      };
      known.all.push(...scores.filter((score) => score.task === task).map(valueOf));
      groups.set(key, known);
    }
  }
  return [...groups.values()].map(({ all, ...group }) => ({
    ...group,
    values: all.filter((value) => value !== null),
    missRate: group.unit === 'mm' ? summarise(all).nullRate : null,
  }));
}

function checksOf(stage: PlanStage, scores: readonly Score[]): RoundCheck[] {
  return specAndTasks(stage).tasks.flatMap((task) => {
    const { median } = summarise(scores.filter((score) => score.task === task).map(valueOf));
    const unit = tasks[task].kind === 'points' ? 'mm' : 'dice';
    return median === null ? [] : [{ task, unit, value: median }];
  });
}

function valueOf(score: Score): number | null {
  return score.kind === 'point' ? score.errorMm : score.dice;
}

function groupOf(settings: RunSettings, task: TaskId, hospital: NodeId): 'training' | 'other' {
  return holdersOf(settings, task).includes(hospital) ? 'training' : 'other';
}

function distributionOf(values: readonly (number | null)[]): Distribution {
  const { n, nullCount, median, lowerQuartile, upperQuartile } = summarise(values);
  return { n: n - nullCount, median, lowerQuartile, upperQuartile };
}

/** At most `count` items, evenly spread, the last among them. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  const stride = items.length / count;
  return Array.from({ length: count }, (_, i) => items[Math.round((i + 1) * stride) - 1] as T);
}
