/**
 * The heavy work of one hospital, as methods that a worker thread runs: making or taking cases, training, pseudo-labels,
 * checks, evaluation. One engine per thread; cases stay in the thread's memory between jobs.
 */
import { seededRandom, type Store } from '../base/index.ts';
import { openEngine, type Engine, type EngineOptions } from '../compute/index.ts';
import type {
  IntensityScale,
  LabelOrigin,
  PhantomSettings,
  TaskId,
  Volume,
} from '../data/index.ts';
import type { ModelSpec } from '../models/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import { CaseStore } from './cases/case-store.ts';
import {
  evaluateCase,
  referenceOf,
  type EvaluatedCase,
  type Reference,
} from './predict/evaluation.ts';
import { heartUseOf } from './heart-map.ts';
import { predictLabelMaps, predictLogits, type InferenceSettings } from './predict/inference.ts';
import {
  transferLandmark,
  type LandmarkFound,
  type LandmarkTransfer,
} from './probe/landmark-transfer.ts';
import { LoadedModel } from './loaded-model.ts';
import type { OptimiserState } from './train/optimiser.ts';
import { drawPatch, drawSource, type TrainingCase } from './train/patch-sampler.ts';
import { sizeFor, type PatchSize } from './train/patch-size.ts';
import { makeCase, type PhantomHospital } from './cases/phantom-hospital.ts';
import { labelCases, type Teacher } from './label/pseudo-labels.ts';
import { predictWith, type CtPrediction } from './predict/prediction.ts';
import { trainRound, type RoundTrained } from './train/round-training.ts';
import type { StudentPackage } from './predict/student-package.ts';
import type { OptimiserSettings, SamplingSettings } from './settings.ts';
import { takeCase, type CaseToTake, type TakenCase } from './cases/take-case.ts';
import type { DistillationSettings } from './label/soft-labels.ts';

/** Which hospital a job is for. */
export interface AtHospital {
  /** Folder of the hospital's cases. */
  readonly folder: string;
  readonly intensity: IntensityScale;
  /** Changes when label maps were added: what a thread holds in memory of another generation is read again. */
  readonly generation: string;
}

/** Phantoms to make. */
export interface MakeCasesArgs extends AtHospital {
  readonly hospital: PhantomHospital;
  /** Indices to make, [from, to). */
  readonly from: number;
  readonly to: number;
  readonly seed: number;
  readonly phantom: PhantomSettings;
  readonly pointRadiusMm: number;
  /** Whether cases carry the heart's segmentation. */
  readonly heart: boolean;
}

/** A case of the hospital's own to take. */
export type TakeCaseArgs = AtHospital & CaseToTake;

/** A hospital's share of a round. */
export interface TrainArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly tasks: readonly TaskId[];
  /** A teacher learns from experts alone, the student from its teachers too. */
  readonly origins: readonly LabelOrigin[];
  readonly weights: ModelWeights;
  readonly state: OptimiserState | null;
  readonly steps: number;
  readonly batch: number;
  readonly patch: PatchSize;
  readonly optimiser: OptimiserSettings;
  readonly sampling: SamplingSettings;
  readonly distillation: DistillationSettings;
  readonly seed: string;
}

/** Teachers to label the training cases with. */
export interface LabelArgs extends AtHospital {
  readonly teachers: readonly Teacher[];
  readonly distillation: DistillationSettings;
  readonly inference: Omit<InferenceSettings, 'window'>;
}

/** A proposed model to try on a held-out case. */
export interface CheckArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly tasks: readonly TaskId[];
  readonly weights: ModelWeights;
  readonly patch: PatchSize;
  readonly sampling: SamplingSettings;
}

/** A model to score on held-out cases. */
export interface EvaluateArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly tasks: readonly TaskId[];
  readonly weights: ModelWeights;
  readonly inference: InferenceSettings;
  /** Most cases to look at; all when absent. */
  readonly casesMax?: number;
  /** Radius of a true point's sphere, mm: with it the model's calibration is taken too. */
  readonly calibrationRadiusMm?: number;
}

/** A landmark to learn by a probe, from held-out phantoms. */
export type TransferArgs = AtHospital & LandmarkTransfer;

/** What a job tells while it runs. */
export interface JobProgress {
  readonly done: number;
  readonly total: number;
  readonly loss?: number;
}

/** A held-out case to show with the prediction of a model. */
export interface PictureArgs extends AtHospital {
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
  readonly inference: InferenceSettings;
  /** Position among the held-out cases. */
  readonly caseIndex: number;
}

/** A held-out case with what the model says of it; for pictures on the hospital's own screen. */
export interface PicturedCase {
  readonly id: string;
  readonly image: Volume;
  readonly reference: Reference;
  /** Predicted label maps by task. */
  readonly maps: ReadonlyMap<string, Uint8Array>;
}

/** Patches of a held-out case that a proposed model is checked on: enough to see that it fell apart. */
const checkPatches = 1;

/**
 * One worker's jobs, run one at a time. The engine is opened by the first job that computes.
 *
 * @throws {ComputeError} by jobs that compute; {DistillError} as the functions behind each job say
 */
export class HospitalJobs {
  readonly #openStore: (folder: string) => Store;
  readonly #engineOptions: EngineOptions;
  readonly #caseStores = new Map<
    string,
    { readonly generation: string; readonly caseStore: CaseStore }
  >();
  #engine: Promise<Engine> | null = null;

  constructor(openStore: (folder: string) => Store, engineOptions: EngineOptions) {
    this.#openStore = openStore;
    this.#engineOptions = engineOptions;
  }

  async makeCases(args: MakeCasesArgs, report: (progress: JobProgress) => void): Promise<void> {
    const total = args.to - args.from;
    for (let index = args.from; index < args.to; index++) {
      await makeCase(this.#caseStoreOf(args), args.hospital, index, args);
      report({ done: index - args.from + 1, total });
    }
  }

  /** Puts a hospital's own case into its store. */
  takeCase(args: TakeCaseArgs): Promise<TakenCase> {
    return takeCase(this.#caseStoreOf(args), args);
  }

  async train(args: TrainArgs, report: (progress: JobProgress) => void): Promise<RoundTrained> {
    const { tasks, origins, distillation } = args;
    const cases = await this.#caseStoreOf(args).trainingCases(tasks, origins, distillation);
    return trainRound(await this.#open(), cases, args, (done, loss) => {
      report({ done, total: args.steps, loss });
    });
  }

  /** Adds the teachers' labels to the training cases; cases that have them are passed over. */
  async label(args: LabelArgs, report: (progress: JobProgress) => void): Promise<number> {
    const { teachers, inference, distillation } = args;
    const engine = await this.#open();
    return labelCases(engine, this.#caseStoreOf(args), teachers, inference, distillation, report);
  }

  /** Mean loss on patches of a held-out case that has a label of these tasks, or null when there is none. */
  async check(args: CheckArgs): Promise<number | null> {
    const caseStore = this.#caseStoreOf(args);
    const held = await firstWithLabel(caseStore, args.tasks);
    if (held === null) return null;
    const random = seededRandom(`check/${held.id}`);
    const loaded = new LoadedModel(await this.#open(), args.spec, args.weights);
    try {
      let sum = 0;
      for (let n = 0; n < checkPatches; n++) {
        const size = sizeFor(args.patch, held.shape, args.spec);
        const { tasks, sampling } = args;
        const from = drawSource([held], tasks, random, sampling.foregroundShare);
        const patch = drawPatch(from, tasks, size, random, sampling, heartUseOf(args.spec));
        sum += await loaded.loss(patch);
      }
      return sum / checkPatches;
    } finally {
      loaded.dispose();
    }
  }

  /** Scores of all held-out cases. */
  async evaluate(
    args: EvaluateArgs,
    report: (progress: JobProgress) => void,
  ): Promise<EvaluatedCase[]> {
    const caseStore = this.#caseStoreOf(args);
    const ids = (await caseStore.ids('test')).slice(0, args.casesMax);
    const engine = await this.#open();
    const loaded = new LoadedModel(engine, args.spec, args.weights);
    try {
      const evaluated: EvaluatedCase[] = [];
      for (const id of ids) {
        const held = await caseStore.read('test', id);
        const reference = referenceOf(held, await caseStore.readTruth(id));
        const input = caseStore.input(held, args.spec);
        const logits = await predictLogits(engine, loaded, input, args.inference);
        evaluated.push(evaluateCase(logits, held, reference, args));
        report({ done: evaluated.length, total: ids.length });
      }
      return evaluated;
    } finally {
      loaded.dispose();
    }
  }

  /** Errors of a landmark that a probe on a frozen backbone learnt from the first held-out cases, in the others. */
  async transfer(
    args: TransferArgs,
    report: (progress: JobProgress) => void,
  ): Promise<LandmarkFound[]> {
    return transferLandmark(await this.#open(), this.#caseStoreOf(args), args, (done, total) => {
      report({ done, total });
    });
  }

  /** A held-out case and its predicted label maps; null when there is no such case. */
  async picture(args: PictureArgs): Promise<PicturedCase | null> {
    const caseStore = this.#caseStoreOf(args);
    const id = (await caseStore.ids('test'))[args.caseIndex];
    if (id === undefined) return null;
    const held = await caseStore.read('test', id);
    const engine = await this.#open();
    const loaded = new LoadedModel(engine, args.spec, args.weights);
    try {
      const input = caseStore.input(held, args.spec);
      const maps = await predictLabelMaps(engine, loaded, input, args.inference);
      const reference = referenceOf(held, await caseStore.readTruth(id));
      return { id, image: held.image, reference, maps };
    } finally {
      loaded.dispose();
    }
  }

  /** The student on a CT that is no case of a hospital. @throws {DistillError} 'no_heart' if it needs a segmentation */
  async predict(
    args: { readonly student: StudentPackage; readonly ct: Volume },
    report: (progress: JobProgress) => void,
  ): Promise<CtPrediction> {
    return predictWith(await this.#open(), args.student, args.ct, null, (done, total) => {
      report({ done, total });
    });
  }

  /** Frees the thread's engine; the next job opens another. */
  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    (await engine)?.close();
  }

  #caseStoreOf({ folder, intensity, generation }: AtHospital): CaseStore {
    const known = this.#caseStores.get(folder);
    if (known?.generation === generation) return known.caseStore;
    const caseStore = new CaseStore(this.#openStore(folder), intensity);
    this.#caseStores.set(folder, { generation, caseStore });
    return caseStore;
  }

  #open(): Promise<Engine> {
    this.#engine ??= openEngine(this.#engineOptions);
    return this.#engine;
  }
}

async function firstWithLabel(
  caseStore: CaseStore,
  wanted: readonly TaskId[],
): Promise<TrainingCase | null> {
  for (const id of await caseStore.ids('test')) {
    const held = await caseStore.readTrainingCase('test', id);
    if (wanted.some((task) => held.labels.has(task))) return held;
  }
  return null;
}
