/** A model under training: its parameters, its optimiser's state, and one step on a batch of patches. */
import { invariant } from '../base/index.ts';
import type { Engine, Tensor, Tensor5D, Variable } from '../compute/index.ts';
import {
  buildModel,
  headLabel,
  headsLoss,
  lossAndGradients,
  parameterList,
  type HeadLabels,
  type LossAndGradients,
  type Model,
  type ModelSpec,
} from '../models/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import { Optimiser, type OptimiserState } from './optimiser.ts';
import type { Patch } from './patch-sampler.ts';
import type { OptimiserSettings } from './settings.ts';

interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly variable: Variable;
}

/** Holds tensors: call `dispose`. */
export class Learner {
  readonly model: Model;
  readonly #engine: Engine;
  readonly #parameters: readonly Parameter[];
  readonly #optimiser: Optimiser;

  /** @param state what the optimiser remembers of an earlier round, or null to begin with zeros. */
  constructor(
    engine: Engine,
    spec: ModelSpec,
    weights: ModelWeights,
    state: OptimiserState | null,
  ) {
    this.#engine = engine;
    this.model = buildModel(engine, spec);
    const { tf } = engine;
    const byName = new Map(weights.map((tensor) => [tensor.name, tensor]));
    this.#parameters = parameterList(spec).map(({ name, shape }) => {
      const values = byName.get(name);
      invariant(values !== undefined, `weights hold the parameter ${name}`);
      const variable: Variable = tf.tidy(() =>
        tf.variable(tf.tensor(values.data, [...shape], 'float32')),
      );
      return { name, shape, variable };
    });
    this.#optimiser = new Optimiser(engine, state);
  }

  /** Parameters by PyTorch name, for `model.forward`. */
  get tensors(): Map<string, Tensor> {
    return new Map(this.#parameters.map(({ name, variable }) => [name, variable]));
  }

  /**
   * One step on the mean loss of `patches`; heads that no patch has a label for stay as they are.
   * @returns the mean loss before the step.
   */
  async step(
    patches: readonly Patch[],
    settings: OptimiserSettings,
    seed: number,
  ): Promise<number> {
    const { tf } = this.#engine;
    const results: LossAndGradients[] = [];
    try {
      patches.forEach((patch, index) => {
        results.push(this.#gradients(patch, seed + index));
      });
      this.#apply(results, settings);
    } finally {
      for (const { gradients } of results) tf.dispose([...gradients.values()]);
    }
    const losses = await Promise.all(results.map(({ loss }) => loss));
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  }

  /** The optimiser on the mean of the gradients. */
  #apply(results: readonly LossAndGradients[], settings: OptimiserSettings): void {
    const { tf } = this.#engine;
    tf.tidy(() => {
      const means = this.#parameters.flatMap(({ name, variable }) => {
        const terms = results.flatMap(({ gradients }) => gradients.get(name) ?? []);
        if (terms.length === 0) return [];
        const sum = terms.reduce((total, term) => tf.add(total, term));
        const gradient = results.length === 1 ? sum : tf.mul(sum, 1 / results.length);
        return [{ name, variable, gradient }];
      });
      this.#optimiser.step(means, settings);
    });
  }

  /** Loss without training: a hold-out's view of the model. */
  async loss(patch: Patch): Promise<number> {
    const { tf } = this.#engine;
    const loss = tf.tidy(() => {
      const outputs = this.model.forward(this.tensors, this.#input(patch), {
        training: false,
      });
      return headsLoss(this.#engine, outputs, this.#labels(patch)).loss;
    });
    const [value = NaN] = await loss.data();
    loss.dispose();
    return value;
  }

  #gradients(patch: Patch, seed: number): LossAndGradients {
    const x = this.#input(patch);
    const labels = this.#labels(patch);
    const options = { training: true, seed };
    try {
      return lossAndGradients(this.#engine, this.model, this.tensors, x, labels, options);
    } finally {
      this.#engine.tf.dispose([x, ...Object.values(labels).map(({ map }) => map)]);
    }
  }

  #input({ image, size }: Patch): Tensor5D {
    return this.#engine.tf.tensor5d(image, [1, ...size, 1]);
  }

  #labels({ labels, size }: Patch): HeadLabels {
    const entries = [...labels].map(([task, map]) => [
      task,
      headLabel(this.#engine, map, [1, ...size]),
    ]);
    return Object.fromEntries(entries) as HeadLabels;
  }

  /** A copy of the parameters, in the model's documented order. */
  async weights(): Promise<ModelWeights> {
    return Promise.all(
      this.#parameters.map(async ({ name, shape, variable }) => ({
        name,
        shape,
        data: (await variable.data<'float32'>()).slice(),
      })),
    );
  }

  async optimiserState(): Promise<OptimiserState> {
    return this.#optimiser.state();
  }

  dispose(): void {
    for (const { variable } of this.#parameters) variable.dispose();
    this.#optimiser.dispose();
  }
}
