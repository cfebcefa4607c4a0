/** The peer's `Trainer` on this machine: it turns a round's OPEN into jobs of the training workers. */
import { seededRandom, type Digest } from '../base/index.ts';
import { parseTaskId, taskIds, type IntensityScale, type TaskId } from '../data/index.ts';
import {
  optimiserOf,
  readStageOptions,
  type CheckArgs,
  type InferenceSettings,
  type JobProgress,
  type LabelArgs,
  type OptimiserState,
  type RoundTrained,
  type Teacher,
  type TrainArgs,
} from '../distill/index.ts';
import { initialWeights, readModelSpec, type ModelSpec } from '../models/index.ts';
import type { ReportWork, Trainer, TrainingJob, TrainingResult } from '../peer/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import { diskStore } from './disk-store.ts';
import { commitmentFor, recordsRoot } from './data-commitment.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface HospitalTrainerOptions {
  readonly hospital: string;
  /** Folder of the hospital's cases. */
  readonly folder: string;
  readonly plan: Plan;
  readonly intensity: IntensityScale;
  readonly inference: Omit<InferenceSettings, 'window'>;
  readonly pool: Pick<WorkerPool, 'run'>;
  /** 32 secret bytes of this hospital, under which its records are hashed. */
  readonly siteKey: Uint8Array;
}

/** Generation of the cases before the teachers labelled them. */
const expertGeneration = 'expert';

export class HospitalTrainer implements Trainer {
  readonly #options: HospitalTrainerOptions;
  /** What the optimiser remembers stays at the hospital from round to round of a stage; a restart begins it anew. */
  readonly #states = new Map<string, OptimiserState>();
  #generation = expertGeneration;
  #records: { readonly generation: string; readonly root: Uint8Array } | null = null;

  constructor(options: HospitalTrainerOptions) {
    this.#options = options;
  }

  initialWeights(stage: PlanStage): Promise<ModelWeights> {
    const random = seededRandom(this.#options.plan.seed).fork(`stage/${stage.id}`);
    return Promise.resolve(initialWeights(readModelSpec(stage.model), random));
  }

  async prepare(
    stage: PlanStage,
    sealed: ReadonlyMap<string, ModelWeights>,
    report: ReportWork,
  ): Promise<void> {
    if (stage.kind !== 'student' || this.#generation !== expertGeneration) return;
    const teachers = this.#options.plan.stages.flatMap((earlier): Teacher[] => {
      const task = parseTaskId(earlier.task);
      const weights = sealed.get(earlier.id);
      if (earlier.kind !== 'teacher' || task === null || weights === undefined) return [];
      const window = readStageOptions(earlier.options).patch;
      return [{ task, spec: readModelSpec(earlier.model), weights, window }];
    });
    const args: LabelArgs = { ...this.#at(), teachers, inference: this.#options.inference };
    await this.#run('label', args, report);
    this.#generation = `pseudo-${stage.id}`;
  }

  async train(
    { stage, round, base, hp }: TrainingJob,
    report: ReportWork,
  ): Promise<TrainingResult> {
    const { plan, hospital } = this.#options;
    const { patch, batch, sampling, resetOptimiser } = readStageOptions(hp);
    const args: TrainArgs = {
      ...this.#at(),
      ...specAndTasks(stage),
      origins: stage.kind === 'teacher' ? ['expert'] : ['expert', 'pseudo'],
      weights: base,
      state: resetOptimiser ? null : (this.#states.get(stage.id) ?? null),
      steps: Number(hp.steps),
      batch,
      patch,
      sampling,
      optimiser: optimiserOf(hp),
      seed: `${plan.seed}/${hospital}/${round}`,
    };
    const trained = (await this.#run('train', args, report)) as RoundTrained;
    this.#states.set(stage.id, trained.state);
    return {
      weights: trained.weights,
      samples: trained.samples,
      heads: trained.heads,
      metricsMilli: { loss: thousandths(trained.loss) },
      dataset: await this.#commitment(round),
    };
  }

  async check(stage: PlanStage, weights: ModelWeights): Promise<number | null> {
    const { patch, sampling } = readStageOptions(stage.options);
    const args: CheckArgs = { ...this.#at(), ...specAndTasks(stage), weights, patch, sampling };
    return (await this.#run('check', args, () => undefined)) as number | null;
  }

  async #commitment(round: number): Promise<Digest> {
    const { folder, siteKey } = this.#options;
    if (this.#records?.generation !== this.#generation) {
      const root = await recordsRoot(diskStore(folder), 'train/', siteKey);
      this.#records = { generation: this.#generation, root };
    }
    return commitmentFor(this.#records.root, siteKey, round);
  }

  #at(): { folder: string; intensity: IntensityScale; generation: string } {
    const { folder, intensity } = this.#options;
    return { folder, intensity, generation: this.#generation };
  }

  #run(method: string, args: unknown, report: ReportWork): Promise<unknown> {
    return this.#options.pool.run(method, args, {
      onProgress: (value) => {
        report(value as JobProgress);
      },
    });
  }
}

/** What a stage's model is and which tasks it learns. */
export function specAndTasks(stage: PlanStage): { spec: ModelSpec; tasks: TaskId[] } {
  const spec = readModelSpec(stage.model);
  return { spec, tasks: taskIds.filter((task) => task in spec.heads) };
}

/** Whole thousandths that fit 32 bits. Adding 0 turns -0, which canonical JSON does not know, into 0. */
function thousandths(value: number): number {
  return Math.round(Math.min(Math.max(value, -1e6), 1e6) * 1000) + 0;
}
