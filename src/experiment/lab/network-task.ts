/**
 * The networks that hospitals train, by the very steps that they make in a round (`trainRound`), on phantoms of which every
 * node has its own. Small by default: what is asked here is how models move, not how well they end.
 */
import { openEngine, type BackendName, type Engine } from '../../compute/index.ts';
import { sha256 } from '../../crypto/index.ts';
import {
  adamWDefaults,
  DistillError,
  evaluateCase,
  inferenceDefaults,
  LoadedModel,
  modelInput,
  predictLogits,
  samplingDefaults,
  trainRound,
  type RoundTraining,
  type SamplingSettings,
} from '../../distill/index.ts';
import {
  initialWeights,
  medianWithMissed,
  parameterList,
  type ModelSpec,
} from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import { momentLength, readMoments, writeMoments } from './moments.ts';
import { NetworkCases, pointHeads, wholeOf } from './network-cases.ts';
import type { LabSettings } from './settings.ts';
import { chanceOf, type LabTask, type TrainedRows, type Vector } from './task.ts';

const weightDecay = 0.01;
/** As the main job has them (config/eight-hospitals.yaml): few steps, hardly one of them on a patch without a label. */
export const networkSampling: SamplingSettings = {
  ...samplingDefaults,
  ...{ foregroundShare: 0.85, rotationProbability: 1, rotationDegMax: 12 },
  ...{ scaleProbability: 1, scaleDownShareMax: 0.1, scaleUpShareMax: 0.1 },
  ...{ noiseProbability: 0, blurProbability: 0, brightnessProbability: 0, contrastProbability: 0 },
  ...{ lowResolutionProbability: 0, invertedGammaProbability: 0, gammaProbability: 0 },
  ...{ scannerGainShareMax: 0.15, scannerOffsetMax: 0.1, scannerNoiseStdDevMax: 0.05 },
};
/** The least that the loss of a head can be: cross-entropy 0 and a soft Dice of -1. */
const leastOfHead = -1;
/** Measurements that are remembered: those of a round are asked for again by its picture of the graph. */
const rememberedMax = 4096;

/** The main job's teacher or student, with as many channels as the settings say, and heads for points. */
export function networkSpec({ kind, channels }: LabSettings['task']): ModelSpec {
  const heads = { hps: 6, ms: 3 };
  if (kind === 'student') {
    const stages = { depths: [2, 2], numHeads: [2, 4], window: 4 };
    return { kind: 'swin-unetr', inChannels: 1, featureSize: channels, ...stages, heads };
  }
  return {
    kind: 'unet',
    inChannels: 1,
    features: [channels, 2 * channels, 4 * channels, 4 * channels],
    strides: [1, 2, 2, 2],
    convsPerStage: 2,
    heads,
    deepSupervision: false,
    dropoutMilli: 0,
  };
}

/**
 * On an engine of its own.
 * @throws {ComputeError} 'backend_missing'
 */
export async function networkTask(settings: LabSettings): Promise<NetworkTask> {
  const backend = settings.task.backend as BackendName;
  return new NetworkTask(settings, await openEngine({ backend }));
}

/** See the file header. */
export class NetworkTask implements LabTask {
  readonly dimension: number;
  readonly samples: Int32Array;
  readonly keptLength: number;
  readonly #settings: LabSettings;
  readonly #engine: Engine;
  readonly #spec: ModelSpec;
  readonly #parameters: ReturnType<typeof parameterList>;
  readonly #cases: NetworkCases;
  readonly #start: Vector;
  readonly #remembered = new Map<string, number | null>();

  constructor(settings: LabSettings, engine: Engine) {
    this.#settings = settings;
    this.#engine = engine;
    this.#spec = networkSpec(settings.task);
    this.#parameters = parameterList(this.#spec);
    this.#cases = new NetworkCases(settings);
    const fresh = initialWeights(this.#spec, chanceOf(settings.seed, 'network'));
    this.#start = Float64Array.from(fresh.flatMap(({ data }) => [...data]));
    this.dimension = this.#start.length;
    this.samples = Int32Array.from(this.#cases.own, ({ length }) => length);
    this.keptLength = momentLength(this.#parameters);
  }

  start(_node: number, model: Vector): void {
    model.set(this.#start);
  }

  async train(round: number, node: number, { model, kept }: TrainedRows): Promise<void> {
    const { seed, task, training } = this.#settings;
    const { learningRate: lr, proximal: proxMu } = training;
    const job: RoundTraining = {
      spec: this.#spec,
      tasks: pointHeads,
      weights: this.#weights(model),
      state: readMoments(kept, this.#parameters),
      steps: training.localSteps,
      batch: training.batch,
      patch: [task.patch, task.patch, task.patch],
      optimiser: { ...adamWDefaults, lr, weightDecay, proxMu },
      sampling: networkSampling,
      seed: `lab/${seed}/train/${round}/${node}`,
    };
    try {
      const trained = await trainRound(this.#engine, this.#cases.of(node), job, () => undefined);
      let at = 0;
      for (const { data } of trained.weights) {
        model.set(data, at);
        at += data.length;
      }
      writeMoments(trained.state, this.#parameters, kept);
    } catch (error) {
      if (!(error instanceof DistillError) || error.facts.code !== 'diverged') throw error;
      model.fill(NaN);
    }
  }

  /** Mean loss on the node's own cases as a whole, with the labels that they have. */
  async localLoss(node: number, model: Vector): Promise<number> {
    const own = (): Promise<number> => this.#meanLoss(model, this.#cases.of(node).map(wholeOf));
    return (await this.#remember(`loss of node ${node}`, model, own)) ?? NaN;
  }

  /** Mean loss on held-out phantoms above the least that a loss can be. */
  async error(model: Vector): Promise<number> {
    const whole = async (): Promise<number> => {
      const patches = this.#cases.heldOut().map(({ whole: patch }) => patch);
      return (await this.#meanLoss(model, patches)) - leastOfHead * pointHeads.length;
    };
    return (await this.#remember('error', model, whole)) ?? NaN;
  }

  /** Median distance in mm of the points that are found in held-out phantoms from where they truly are; null when half are missed. */
  testError(model: Vector): Promise<number | null> {
    return this.#remember('distance', model, async () => {
      const scored = await this.#withModel(model, async (loaded) => {
        const errors: (number | null)[] = [];
        for (const { held, truth, whole } of this.#cases.heldOut()) {
          const input = modelInput(this.#spec, whole.image, whole.size, null);
          const settings = { ...inferenceDefaults, window: whole.size };
          const logits = await predictLogits(this.#engine, loaded, input, settings);
          const { scores } = evaluateCase(logits, held, truth, { tasks: pointHeads });
          errors.push(...scores.map(({ errorMm }) => errorMm));
        }
        return errors;
      });
      return medianWithMissed(scored);
    });
  }

  close(): void {
    this.#engine.close();
  }

  #meanLoss(
    model: Vector,
    patches: readonly Parameters<LoadedModel['loss']>[0][],
  ): Promise<number> {
    return this.#withModel(model, async (loaded) => {
      let sum = 0;
      for (const patch of patches) sum += await loaded.loss(patch);
      return sum / patches.length;
    });
  }

  async #withModel<T>(model: Vector, use: (loaded: LoadedModel) => Promise<T>): Promise<T> {
    const loaded = new LoadedModel(this.#engine, this.#spec, this.#weights(model));
    try {
      return await use(loaded);
    } finally {
      loaded.dispose();
    }
  }

  /** A measure of a model, computed once: the same numbers are asked for by a round, its picture and the end. */
  async #remember(
    what: string,
    model: Vector,
    compute: () => Promise<number | null>,
  ): Promise<number | null> {
    const bytes = new Uint8Array(Float64Array.from(model).buffer);
    const key = `${what} ${Buffer.from(sha256(bytes)).toString('hex')}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const value = await compute();
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
    this.#remembered.set(key, value);
    return value;
  }

  #weights(model: Vector): ModelWeights {
    let at = 0;
    return this.#parameters.map(({ name, shape }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const data = Float32Array.from(model.subarray(at, at + size));
      at += size;
      return { name, shape, data };
    });
  }
}
