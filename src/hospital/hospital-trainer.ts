/** The peer's `Trainer` on this machine: it turns a round's OPEN into jobs of the training workers. */
import { messageOf, type Digest } from '../base/index.ts';
import type { InferenceSettings, JobProgress } from '../distill/index.ts';
import type {
  InitialModel,
  ReportWork,
  Trainer,
  TrainingJob,
  TrainingResult,
} from '../peer/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import { CaseGate } from './case-gate.ts';
import { commitmentFor } from './data-commitment.ts';
import { HospitalError } from './errors.ts';
import type {
  CheckModelArgs,
  InitialModelArgs,
  LabelByArgs,
  ModelAt,
  RecordsArgs,
  TrainedModel,
  TrainModelArgs,
} from './model-jobs.ts';
import { imagesOf } from './plan-images.ts';
import {
  checkStages,
  expertGeneration,
  pseudoGeneration,
  roundTraining,
  specAndTasks,
  teachersOf,
  type CasesAt,
} from './round-jobs.ts';
import { distillationOf, samplingOf } from './stage-training.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Which hospital it is, where its files are, and who computes. */
export interface HospitalTrainerOptions {
  readonly hospital: string;
  /** Folder of the hospital's cases. */
  readonly folder: string;
  /** Folder for what the optimiser remembers from round to round. */
  readonly stateFolder: string;
  /** That of the genesis; its peer tells of later ones. */
  readonly plan: Plan;
  readonly inference: Omit<InferenceSettings, 'window'>;
  readonly pool: Pick<WorkerPool, 'run'>;
  /** 32 secret bytes of this hospital, under which its records are hashed. */
  readonly siteKey: Uint8Array;
  /** Folder of the node: of the store that its peer has, where models are, also those that stages begin from. */
  readonly nodeFolder: string;
}

/** See the file's header. */
export class HospitalTrainer implements Trainer {
  readonly #options: HospitalTrainerOptions;
  readonly #gate = new CaseGate();
  #plan: Plan;
  #generation = expertGeneration;
  /** How often the cases were changed since the start: threads forget what they read of another edition. */
  #edition = 0;
  #records: { readonly generation: string; readonly root: Uint8Array } | null = null;

  /** @throws {HospitalError} as `checkStages` */
  constructor(options: HospitalTrainerOptions) {
    checkStages(options.plan);
    this.#options = options;
    this.#plan = options.plan;
  }

  adopt(plan: Plan): void {
    checkStages(plan);
    this.#plan = plan;
  }

  refusalOf(plan: Plan): string | null {
    try {
      checkStages(plan);
      return null;
    } catch (error) {
      if (error instanceof HospitalError) return messageOf(error);
      throw error;
    }
  }

  async initialModel(stage: PlanStage, into: string): Promise<InitialModel> {
    const { seed } = this.#plan;
    const args: InitialModelArgs = { seed, stage, into: this.#model(into) };
    return (await this.#run('initialModel', args, () => undefined)) as InitialModel;
  }

  /**
   * Runs `work`, which may change the hospital's cases, while no job reads them. Afterwards they are read anew, and
   * teachers label what is new among them.
   */
  changeCases<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.change(async () => {
      try {
        return await work();
      } finally {
        this.#edition += 1;
        this.#generation = expertGeneration;
      }
    });
  }

  /** Runs `work`, which reads the hospital's cases, while they do not change. */
  readCases<T>(work: (at: CasesAt) => Promise<T>): Promise<T> {
    return this.#gate.read(() => work(this.#at()));
  }

  async prepare(
    stage: PlanStage,
    sealed: ReadonlyMap<string, string>,
    report: ReportWork,
  ): Promise<void> {
    if (stage.kind !== 'student' || this.#generation !== expertGeneration) return;
    const { inference } = this.#options;
    const distillation = distillationOf(stage.training);
    const teachers = teachersOf(this.#plan, sealed).map(({ model, ...teacher }) => {
      return { ...teacher, model: this.#model(model) };
    });
    await this.#gate.read(async () => {
      const args: LabelByArgs = { ...this.#at(), teachers, inference, distillation };
      await this.#run('labelBy', args, report);
      this.#generation = pseudoGeneration(stage);
    });
  }

  async train(job: TrainingJob, report: ReportWork): Promise<TrainingResult> {
    const { hospital, stateFolder } = this.#options;
    const { stage, round, start, into } = job;
    return this.#gate.read(async () => {
      const args: TrainModelArgs = {
        ...roundTraining(job, hospital, this.#at()),
        ...{ start: this.#model(start), into: this.#model(into) },
        states: { folder: stateFolder, stage: stage.id, round, isReset: job.hp.resetOptimiser },
      };
      const trained = (await this.#run('trainModel', args, report)) as TrainedModel;
      return {
        samples: trained.samples,
        heads: trained.heads,
        metricsMilli: { loss: thousandths(trained.loss) },
        dataset: await this.#commitment(round),
      };
    });
  }

  async check(stage: PlanStage, model: string): Promise<number | null> {
    const { patch } = stage.training;
    const sampling = samplingOf(stage.training);
    return this.#gate.read(async () => {
      const at = { ...this.#at(), ...specAndTasks(stage) };
      const args: CheckModelArgs = { ...at, model: this.#model(model), patch, sampling };
      return (await this.#run('checkModel', args, () => undefined)) as number | null;
    });
  }

  #model(name: string): ModelAt {
    return { node: this.#options.nodeFolder, name };
  }

  async #commitment(round: number): Promise<Digest> {
    const { folder, siteKey } = this.#options;
    const { generation } = this.#at();
    if (this.#records?.generation !== generation) {
      const args: RecordsArgs = { folder, siteKey };
      const root = (await this.#run('recordsRoot', args, () => undefined)) as Uint8Array;
      this.#records = { generation, root };
    }
    return commitmentFor(this.#records.root, siteKey, round);
  }

  #at(): CasesAt {
    const { folder } = this.#options;
    const { intensity } = imagesOf(this.#plan);
    const generation =
      this.#edition === 0 ? this.#generation : `${this.#generation}/${this.#edition}`;
    return { folder, intensity, generation };
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
