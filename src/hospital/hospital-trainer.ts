/** The peer's `Trainer` on this machine: it turns a round's OPEN into jobs of the training workers. */
import type { Digest, Store } from '../base/index.ts';
import type { IntensityScale } from '../data/index.ts';
import type {
  CheckArgs,
  InferenceSettings,
  JobProgress,
  LabelArgs,
  RoundTrained,
} from '../distill/index.ts';
import { readModelSpec, startingWeights } from '../models/index.ts';
import type { ReportWork, Trainer, TrainingJob, TrainingResult } from '../peer/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import { diskStore } from '../host/index.ts';
import { commitmentFor, recordsRoot } from './data-commitment.ts';
import {
  checkStages,
  expertGeneration,
  pseudoGeneration,
  roundTraining,
  specAndTasks,
  stageWeights,
  teachersOf,
  type CasesAt,
} from './round-jobs.ts';
import { readStartModel } from './start-models.ts';
import { distillationOf, samplingOf } from './stage-training.ts';
import { StateStore } from './state-store.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface HospitalTrainerOptions {
  readonly hospital: string;
  /** Folder of the hospital's cases. */
  readonly folder: string;
  /** Folder for what the optimiser remembers from round to round. */
  readonly stateFolder: string;
  readonly plan: Plan;
  readonly intensity: IntensityScale;
  readonly inference: Omit<InferenceSettings, 'window'>;
  readonly pool: Pick<WorkerPool, 'run'>;
  /** 32 secret bytes of this hospital, under which its records are hashed. */
  readonly siteKey: Uint8Array;
  /** Where the models are that stages begin from (`keepStartModel`). Default: there are none. */
  readonly starts?: Pick<Store, 'read'>;
}

export class HospitalTrainer implements Trainer {
  readonly #options: HospitalTrainerOptions;
  readonly #states: StateStore;
  #generation = expertGeneration;
  #records: { readonly generation: string; readonly root: Uint8Array } | null = null;

  /** @throws {HospitalError} as `checkStages` */
  constructor(options: HospitalTrainerOptions) {
    checkStages(options.plan);
    this.#options = options;
    this.#states = new StateStore(diskStore(options.stateFolder));
  }

  async initialWeights(stage: PlanStage): Promise<ModelWeights> {
    const { plan, starts = { read: () => Promise.resolve(null) } } = this.#options;
    const fresh = stageWeights(plan, stage);
    if (stage.start === undefined) return fresh;
    const start = await readStartModel(starts, stage.start);
    return startingWeights(readModelSpec(stage.model), fresh, start);
  }

  async prepare(
    stage: PlanStage,
    sealed: ReadonlyMap<string, ModelWeights>,
    report: ReportWork,
  ): Promise<void> {
    if (stage.kind !== 'student' || this.#generation !== expertGeneration) return;
    const { plan, inference } = this.#options;
    const distillation = distillationOf(stage.training);
    const teachers = teachersOf(plan, sealed);
    const args: LabelArgs = { ...this.#at(), teachers, inference, distillation };
    await this.#run('label', args, report);
    this.#generation = pseudoGeneration(stage);
  }

  async train(job: TrainingJob, report: ReportWork): Promise<TrainingResult> {
    const { hospital } = this.#options;
    const { stage, round } = job;
    const state = await this.#states.before(stage.id, round);
    const args = roundTraining(job, hospital, this.#at(), state);
    const trained = (await this.#run('train', args, report)) as RoundTrained;
    await this.#states.write(stage.id, round, trained.state);
    return {
      weights: trained.weights,
      samples: trained.samples,
      heads: trained.heads,
      metricsMilli: { loss: thousandths(trained.loss) },
      dataset: await this.#commitment(round),
    };
  }

  async check(stage: PlanStage, weights: ModelWeights): Promise<number | null> {
    const { patch } = stage.training;
    const sampling = samplingOf(stage.training);
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

  #at(): CasesAt {
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

/** Whole thousandths that fit 32 bits. Adding 0 turns -0, which canonical JSON does not know, into 0. */
function thousandths(value: number): number {
  return Math.round(Math.min(Math.max(value, -1e6), 1e6) * 1000) + 0;
}
