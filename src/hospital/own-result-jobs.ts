/**
 * What a hospital gets out of a sealed model on its own machine, asked of its training workers in their spare time: a round
 * never waits for it, and nothing of it leaves the machine.
 */
import type { Digest } from '../base/index.ts';
import { tasks as taskTable } from '../data/index.ts';
import type { InferenceSettings } from '../distill/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import type { HospitalTrainer } from './hospital-trainer.ts';
import { imagesOf } from './plan-images.ts';
import type {
  EvaluateModelArgs,
  HeldOutErrors,
  HeldOutPicture,
  PackageModelArgs,
  PictureModelArgs,
} from './result-jobs.ts';
import { specAndTasks, type CasesAt } from './round-jobs.ts';
import { samplingOf } from './stage-training.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Where cases and models are, and who computes. */
export interface ResultPorts {
  readonly trainer: Pick<HospitalTrainer, 'readCases'>;
  readonly pool: Pick<WorkerPool, 'run'>;
  readonly plan: Plan;
  readonly inference: Omit<InferenceSettings, 'window'>;
  /** Folder of the node: of the store that its peer has. */
  readonly nodeFolder: string;
}

/** A sealed model. */
export interface SealedModel {
  readonly stage: PlanStage;
  readonly digest: Digest;
  /** Its file in the node's store. */
  readonly name: string;
}

/** See the file's header. @throws {HospitalError} 'pool_busy' or 'job_cancelled' by all: other work came first, ask again later */
export class OwnResultJobs {
  readonly #ports: ResultPorts;
  readonly #closed = new AbortController();

  constructor(ports: ResultPorts) {
    this.#ports = ports;
  }

  /** Cancels what is under way; nothing is done any more. */
  close(): void {
    this.#closed.abort();
  }

  /** The model on one held-out case with a label of its stage; null when there is none. */
  async evaluate(model: SealedModel): Promise<HeldOutErrors | null> {
    const { stage } = model;
    const { patch } = stage.training;
    return this.#run('evaluateModel', (at): EvaluateModelArgs => {
      const sampling = samplingOf(stage.training);
      return { ...this.#at(model), ...at, tasks: specAndTasks(stage).tasks, patch, sampling };
    });
  }

  /** What the model finds in one held-out case; null when none is held out. */
  async picture(model: SealedModel): Promise<HeldOutPicture | null> {
    const points = specAndTasks(model.stage).tasks.filter((id) => taskTable[id].kind === 'points');
    return this.#run('pictureModel', (at): PictureModelArgs => {
      return { ...this.#at(model), ...at, tasks: points };
    });
  }

  /** Leaves the model in a folder of its own, as `annulus predict` takes it. */
  async package(model: SealedModel, into: string): Promise<void> {
    const { stage, digest } = model;
    const { spacingMm } = imagesOf(this.#ports.plan);
    await this.#run('packageModel', (cases): PackageModelArgs => {
      const { spec, model: file } = this.#at(model);
      return { spec, model: file, digest, spacingMm, cases, patch: stage.training.patch, into };
    });
  }

  #at({ stage, name }: SealedModel): Pick<PictureModelArgs, 'spec' | 'model' | 'inference'> {
    const { inference, nodeFolder } = this.#ports;
    return {
      spec: specAndTasks(stage).spec,
      model: { node: nodeFolder, name },
      inference: { ...inference, window: stage.training.patch },
    };
  }

  #run<Result>(method: string, argsOf: (at: CasesAt) => unknown): Promise<Result> {
    const { trainer, pool } = this.#ports;
    const options = { isSpare: true, signal: this.#closed.signal };
    return trainer.readCases((at) => pool.run(method, argsOf(at), options)) as Promise<Result>;
  }
}
