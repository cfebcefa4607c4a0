/**
 * Jobs of the training workers on models that lie in a node's folder: what is as large as a model is read and written in
 * the worker and never passes the thread of the network.
 */
import type { Store } from '../base/index.ts';
import type {
  CheckArgs,
  HospitalJobs,
  JobProgress,
  LabelArgs,
  RoundTrained,
  TrainArgs,
} from '../distill/index.ts';
import { parameterList, type ModelSpec } from '../models/index.ts';
import type { InitialModel } from '../peer/index.ts';
import {
  layoutOf,
  readModel,
  writeModel,
  type ModelLayout,
  type ModelWeights,
} from '../weights/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import { recordsRoot } from './data-commitment.ts';
import { stageStart } from './stage-start.ts';
import { StateStore } from './state-store.ts';

/** A canonical file in the folder of a node. */
export interface ModelAt {
  readonly node: string;
  readonly name: string;
}

/** The model that a stage of a plan starts from, and where it is left. */
export interface InitialModelArgs {
  readonly seed: Plan['seed'];
  readonly stage: PlanStage;
  readonly into: ModelAt;
}

/** A round's training from one file into another. */
export interface TrainModelArgs extends Omit<TrainArgs, 'weights' | 'state'> {
  readonly start: ModelAt;
  readonly into: ModelAt;
  /** Where the optimiser's moments are from round to round; `isReset` when this round does without those before it. */
  readonly states: {
    readonly folder: string;
    readonly stage: string;
    readonly round: number;
    readonly isReset: boolean;
  };
}

/** What is told of it. */
export type TrainedModel = Omit<RoundTrained, 'weights' | 'state'>;

/** A teacher whose weights are in a file. */
export type TeacherAt = Omit<LabelArgs['teachers'][0], 'weights'> & { readonly model: ModelAt };

/** Labels by teachers that are in files. */
export interface LabelByArgs extends Omit<LabelArgs, 'teachers'> {
  readonly teachers: readonly TeacherAt[];
}

/** A proposed model that is in a file. */
export interface CheckModelArgs extends Omit<CheckArgs, 'weights'> {
  readonly model: ModelAt;
}

/** A hospital's cases, and the secret under which they are hashed. */
export interface RecordsArgs {
  readonly folder: string;
  readonly siteKey: Uint8Array;
}

/** Hears how far a job has come. */
type Report = (progress: JobProgress) => void;

/** See the file's header. */
export class ModelJobs {
  readonly #jobs: Pick<HospitalJobs, 'train' | 'label' | 'check'>;
  readonly #openStore: (folder: string) => Store;

  constructor(
    jobs: Pick<HospitalJobs, 'train' | 'label' | 'check'>,
    openStore: (folder: string) => Store,
  ) {
    this.#jobs = jobs;
    this.#openStore = openStore;
  }

  /** Fresh, or from the model that the stage names (`keepStartModel`). @throws {HospitalError} as `readStartModel` */
  async initialModel({ seed, stage, into }: InitialModelArgs): Promise<InitialModel> {
    const store = this.#openStore(into.node);
    const weights = await stageStart({ seed }, stage, store);
    const written = await writeModel(store, into.name, weights);
    return { ...written, layout: layoutOf(weights) };
  }

  /** Trains and leaves the model and the moments. @throws as `HospitalJobs.train` */
  async trainModel(args: TrainModelArgs, report: Report): Promise<TrainedModel> {
    const { start, into, states: at, ...round } = args;
    const states = new StateStore(this.#openStore(at.folder));
    const state = at.isReset ? null : await states.before(at.stage, at.round);
    const given = { ...round, weights: await this.#read(start, args.spec), state };
    const trained = await this.#jobs.train(given, report);
    await states.write(at.stage, at.round, trained.state);
    await writeModel(this.#openStore(into.node), into.name, trained.weights);
    const { samples, heads, loss } = trained;
    return { samples, heads, loss };
  }

  /** As `HospitalJobs.label`. */
  async labelBy(args: LabelByArgs, report: Report): Promise<number> {
    const teachers = [];
    for (const { model, ...teacher } of args.teachers) {
      teachers.push({ ...teacher, weights: await this.#read(model, teacher.spec) });
    }
    return this.#jobs.label({ ...args, teachers }, report);
  }

  /** As `recordsRoot`, of the cases that are trained on: reading and hashing all of them. */
  async recordsRoot({ folder, siteKey }: RecordsArgs): Promise<Uint8Array> {
    return recordsRoot(this.#openStore(folder), 'train/', siteKey);
  }

  /** As `HospitalJobs.check`. */
  async checkModel({ model, ...args }: CheckModelArgs): Promise<number | null> {
    return this.#jobs.check({ ...args, weights: await this.#read(model, args.spec) });
  }

  #read(at: ModelAt, spec: ModelSpec): Promise<ModelWeights> {
    return readModelAt(this.#openStore, at, spec);
  }
}

/** The whole model in a file. @throws {WeightsError} when it is not there, or not one of `spec` */
export function readModelAt(
  openStore: (folder: string) => Store,
  { node, name }: ModelAt,
  spec: ModelSpec,
): Promise<ModelWeights> {
  return readModel(openStore(node), name, layoutFor(spec));
}

/** Names and shapes of the model that a specification describes. */
function layoutFor(spec: ModelSpec): ModelLayout {
  return parameterList(spec).map(({ name, shape }) => ({ name, shape }));
}
