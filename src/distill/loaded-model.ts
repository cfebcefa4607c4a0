/** A model whose parameters are on an engine: ready to predict, or to be trained by a `Learner`. */
import { invariant } from '../base/index.ts';
import type { Engine, Tensor, Tensor5D, Variable } from '../compute/index.ts';
import {
  buildModel,
  headLabel,
  headsLoss,
  parameterList,
  type HeadLabels,
  type Model,
  type ModelSpec,
} from '../models/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import { patchTensor } from './model-input.ts';
import type { Patch } from './train/patch-sampler.ts';

/** A parameter where the engine can change it in place. */
export interface LoadedParameter {
  /** As PyTorch's. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly variable: Variable;
}

/** The network of a specification with `weights` of its own, copied. Holds tensors: call `dispose`. */
export class LoadedModel {
  readonly model: Model;
  /** In the model's documented order. */
  readonly parameters: readonly LoadedParameter[];
  readonly #engine: Engine;

  /** @param weights every parameter of `spec`, in its shape */
  constructor(engine: Engine, spec: ModelSpec, weights: ModelWeights) {
    this.#engine = engine;
    this.model = buildModel(engine, spec);
    const { tf } = engine;
    const byName = new Map(weights.map((tensor) => [tensor.name, tensor]));
    this.parameters = parameterList(spec).map(({ name, shape }) => {
      const values = byName.get(name);
      invariant(values !== undefined, `weights hold the parameter ${name}`);
      const variable: Variable = tf.tidy(() =>
        tf.variable(tf.tensor(values.data, [...shape], 'float32')),
      );
      return { name, shape, variable };
    });
  }

  /** Parameters by name, for `model.forward`. */
  get tensors(): Map<string, Tensor> {
    return new Map(this.parameters.map(({ name, variable }) => [name, variable]));
  }

  /** Mean loss over the heads that the patch has a label for, without dropout: a hold-out's view of the model. */
  async loss(patch: Patch): Promise<number> {
    const { tf } = this.#engine;
    const loss = tf.tidy(() => {
      const outputs = this.model.forward(this.tensors, this.input(patch), { training: false });
      return headsLoss(this.#engine, outputs, labelsOf(patch)).loss;
    });
    const [value = NaN] = await loss.data();
    loss.dispose();
    return value;
  }

  /** The patch as the model sees it, [1, d, h, w, channels]; the caller's to dispose. @throws {DistillError} 'no_heart' */
  input(patch: Patch): Tensor5D {
    return patchTensor(this.#engine, this.model.spec, patch);
  }

  /** A copy of the parameters, in the model's documented order. */
  async weights(): Promise<ModelWeights> {
    return Promise.all(
      this.parameters.map(async ({ name, shape, variable }) => ({
        name,
        shape,
        data: (await variable.data<'float32'>()).slice(),
      })),
    );
  }

  dispose(): void {
    this.#engine.forget();
    for (const { variable } of this.parameters) variable.dispose();
  }
}

/** A patch's labels, by the head that learns them. */
export function labelsOf({ labels, size, soft }: Patch): HeadLabels {
  const entries = [...labels].map(([task, map]) => [
    task,
    headLabel(map, [1, ...size], soft?.get(task)),
  ]);
  return Object.fromEntries(entries) as HeadLabels;
}
