/**
 * The heavy work of one hospital, as methods that a worker thread runs: making or taking cases, training, pseudo-labels,
 * checks, evaluation. One engine per thread; cases stay in the thread's memory between jobs.
 */
import { seededRandom, type Store } from '../base/index.ts';
import { openEngine, type Engine, type EngineOptions } from '../compute/index.ts';
import type { TaskId, Volume } from '../data/index.ts';
import { CaseStore } from './cases/case-store.ts';
import { makeCase } from './cases/phantom-hospital.ts';
import { takeCase, type TakenCase } from './cases/take-case.ts';
import { heartUseOf } from './heart-map.ts';
import type {
  AtHospital,
  CheckArgs,
  EvaluateArgs,
  JobProgress,
  LabelArgs,
  LabelledArgs,
  MakeCasesArgs,
  PictureArgs,
  PicturedCase,
  TakeCaseArgs,
  TrainArgs,
  TransferArgs,
} from './job-args.ts';
import { labelCases } from './label/pseudo-labels.ts';
import { LoadedModel } from './loaded-model.ts';
import { evaluateCase, referenceOf, type EvaluatedCase } from './predict/evaluation.ts';
import { predictLabelMaps, predictLogits } from './predict/inference.ts';
import { predictWith, type CtPrediction } from './predict/prediction.ts';
import type { StudentPackage } from './predict/student-package.ts';
import { transferLandmark, type LandmarkFound } from './probe/landmark-transfer.ts';
import { drawPatch, drawSource, type TrainingCase } from './train/patch-sampler.ts';
import { sizeFor } from './train/patch-size.ts';
import { trainRound, type RoundTrained } from './train/round-training.ts';

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

  /** Position of the first held-out case that has a label of these tasks; null when none has. */
  async labelled({ tasks, ...at }: LabelledArgs): Promise<number | null> {
    const caseStore = this.#caseStoreOf(at);
    for (const [index, id] of (await caseStore.ids('test')).entries()) {
      const { labels } = await caseStore.read('test', id);
      if (tasks.some((task) => task in labels)) return index;
    }
    return null;
  }

  /** Scores of all held-out cases. */
  async evaluate(
    args: EvaluateArgs,
    report: (progress: JobProgress) => void,
  ): Promise<EvaluatedCase[]> {
    const caseStore = this.#caseStoreOf(args);
    const { from = 0, casesMax = Infinity } = args;
    const ids = (await caseStore.ids('test')).slice(from, from + casesMax);
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
