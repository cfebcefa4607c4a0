/**
 * A probe of a finished model: the backbone stays frozen, and a small head learns from a few cases to read a further
 * structure off its features. How well that goes says how much of the heart the backbone has learnt. The head is two
 * convolutions and a linear layer; a linear probe would have that layer alone.
 */
import { invariant, seededRandom } from '../../base/index.ts';
import type { Engine, Tensor, Tensor1D, Tensor5D, Variable } from '../../compute/index.ts';
import {
  freshParameters,
  headLabel,
  headsLoss,
  parameterList,
  valueAndGradients,
  type Model,
  type ModelSpec,
  type ParameterInfo,
  type ParameterMap,
  type Triple,
} from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import { DistillError } from '../errors.ts';
import { heartUseOf } from '../heart-map.ts';
import { LoadedModel } from '../loaded-model.ts';
import { patchTensor } from '../model-input.ts';
import { drawPatch, drawSource, type Patch, type TrainingCase } from '../train/patch-sampler.ts';
import type { AdamWOptimiser, SamplingSettings } from '../settings.ts';

/** A finished model and the structure that its probe shall find. */
export interface ProbeSettings {
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
  /** Name of the structure; cases carry their label map under it. */
  readonly head: string;
  /** Output channels of the probe, background included. */
  readonly classes: number;
}

/** How long and on which patches a probe is trained: one patch a step. */
export interface ProbeTraining {
  readonly steps: number;
  readonly patch: Triple;
  readonly optimiser: AdamWOptimiser;
  readonly sampling: SamplingSettings;
  /** Fixes all that is drawn. */
  readonly seed: string;
}

/** Channels between the backbone's features and the probe's outputs. */
const hidden = 16;
const slope = 0.01;
/** Weight and bias of a 1×1×1 convolution end the list of a model with one head. */
const readingTensors = 2;

interface ProbeParameter {
  readonly name: string;
  readonly variable: Variable;
  readonly m: Variable;
  readonly v: Variable;
}

/** A frozen backbone with a probe under training. Holds tensors: call `dispose`. */
export class Probe {
  /** The probe's logits from an image, for the search in a volume. */
  readonly model: Model;
  readonly #engine: Engine;
  readonly #settings: ProbeSettings;
  readonly #backbone: LoadedModel;
  readonly #parameters: readonly ProbeParameter[];
  #step = 0;

  /** @param seed fixes the probe's first weights */
  constructor(engine: Engine, settings: ProbeSettings, seed: string) {
    this.#engine = engine;
    this.#settings = settings;
    const { spec, weights } = featureModel(settings);
    this.#backbone = new LoadedModel(engine, spec, weights);
    const width = featureCount(spec);
    const fresh = freshParameters(probeParameters(width, settings.classes), seededRandom(seed));
    const { tf } = engine;
    this.#parameters = fresh.map(({ name, shape, data }) => {
      const make = (values: Float32Array): Variable =>
        tf.tidy(() => tf.variable(tf.tensor(values, [...shape], 'float32')));
      const zeros = new Float32Array(data.length);
      return { name, variable: make(data), m: make(zeros), v: make(zeros) };
    });
    const { divisor } = this.#backbone.model;
    this.model = {
      ...{ spec, divisor },
      forward: (_, x) => tf.tidy(() => ({ [settings.head]: [this.#logits(this.#features(x))] })),
    };
  }

  /** Of the probe; the backbone's are its own. */
  get tensors(): ParameterMap {
    return new Map<string, Tensor>(this.#parameters.map(({ name, variable }) => [name, variable]));
  }

  /** @throws {DistillError} 'no_cases', 'diverged' when a loss is not finite */
  async train(
    cases: readonly TrainingCase[],
    { steps, patch, optimiser, sampling, seed }: ProbeTraining,
    report: (step: number, loss: number) => void,
  ): Promise<void> {
    const { head } = this.#settings;
    if (cases.length === 0) {
      throw new DistillError(
        { code: 'no_cases', tasks: [head] },
        `no case has a label for ${head}`,
      );
    }
    const heartUse = heartUseOf(this.#settings.spec) === 'condition' ? 'condition' : 'none';
    const random = seededRandom(seed);
    for (let step = 0; step < steps; step++) {
      const from = drawSource(cases, [head], random, sampling.foregroundShare);
      const loss = await this.#take(
        drawPatch(from, [head], patch, random, sampling, heartUse),
        patch,
        optimiser,
      );
      this.#engine.check();
      if (!Number.isFinite(loss)) {
        throw new DistillError({ code: 'diverged', step }, `the probe diverged at step ${step}`);
      }
      report(step + 1, loss);
    }
  }

  dispose(): void {
    this.#backbone.dispose();
    for (const { variable, m, v } of this.#parameters) this.#engine.tf.dispose([variable, m, v]);
  }

  /** One AdamW step of the probe; the loss before it. */
  async #take(patch: Patch, size: Triple, optimiser: AdamWOptimiser): Promise<number> {
    const { tf, ops } = this.#engine;
    const { head } = this.#settings;
    const map = patch.labels.get(head);
    invariant(map !== undefined, 'a patch is drawn with the label of the head');
    const x = patchTensor(this.#engine, this.#settings.spec, patch);
    // Outside of what gradients are taken of: the backbone is not trained, so nothing of it is remembered.
    const features = this.#features(x);
    const label = headLabel(map, [1, ...size]);
    try {
      const { value, gradients } = valueAndGradients(this.#engine, this.tensors, () => {
        const outputs = { [head]: [this.#logits(features)] };
        return headsLoss(this.#engine, outputs, { [head]: label }).loss;
      });
      this.#step += 1;
      ops.adamW(
        this.#parameters.map(({ variable }) => variable),
        this.#parameters.map(({ name }) => gradients.get(name) as Tensor),
        this.#parameters.map(({ m }) => m),
        this.#parameters.map(({ v }) => v),
        { ...optimiser, step: this.#step },
      );
      tf.dispose([...gradients.values()]);
      return await value;
    } finally {
      tf.dispose([x, features]);
    }
  }

  /** What the finished model's heads read, [b, d, h, w, features]. */
  #features(x: Tensor5D): Tensor5D {
    const { model, tensors } = this.#backbone;
    const [finest] = model.forward(tensors, x, { training: false }).features ?? [];
    invariant(finest !== undefined, 'a backbone has features');
    return finest;
  }

  /** Two convolutions with norm, then one voxel at a time: [b, d, h, w, features] → [b, d, h, w, classes]. */
  #logits(features: Tensor5D): Tensor5D {
    const { tf, ops } = this.#engine;
    const [first, second, weight, bias] = this.#parameters.map(
      ({ variable }) => variable as Tensor,
    );
    return tf.tidy(() => {
      let y = features;
      for (const filter of [first, second]) {
        const z = ops.conv3d(y, filter as Tensor5D, null, { stride: 1 });
        y = ops.instanceNorm(z, null, null, { slope });
      }
      return ops.conv3d(y, weight as Tensor5D, bias as Tensor1D, { stride: 1 });
    });
  }
}

function probeParameters(width: number, classes: number): ParameterInfo[] {
  return [
    { name: 'conv1.weight', shape: [hidden, width, 3, 3, 3], init: 'he' },
    { name: 'conv2.weight', shape: [hidden, hidden, 3, 3, 3], init: 'he' },
    { name: 'out.weight', shape: [classes, hidden, 1, 1, 1], init: 'he' },
    { name: 'out.bias', shape: [classes], init: 'background' },
  ];
}

/** The finished model with one head whose weights are the identity: what it puts out are the features that heads read. */
export function featureModel({ spec, weights }: Pick<ProbeSettings, 'spec' | 'weights'>): {
  spec: ModelSpec;
  weights: ModelWeights;
} {
  const width = featureCount(spec);
  const heads = { features: width };
  const reading: ModelSpec =
    spec.kind === 'unet' ? { ...spec, heads, deepSupervision: false } : { ...spec, heads };
  const byName = new Map(weights.map((tensor) => [tensor.name, tensor]));
  const list = parameterList(reading);
  const own = list.map(({ name, shape }, place) => {
    if (place < list.length - readingTensors) {
      const tensor = byName.get(name);
      invariant(tensor !== undefined, `a finished model holds its backbone's ${name}`);
      return tensor;
    }
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    // [O, I, 1, 1, 1]: ones on the diagonal; the bias is zero.
    if (shape.length > 1) for (let i = 0; i < width; i++) data[i * (width + 1)] = 1;
    return { name, shape, data };
  });
  return { spec: reading, weights: own };
}

/** Channels of the finest decoder stage. */
function featureCount(spec: ModelSpec): number {
  return spec.kind === 'unet' ? (spec.features[0] ?? 0) : spec.featureSize;
}
