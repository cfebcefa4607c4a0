/** A model under training: its parameters, its optimiser's state, and one step on a batch of patches. */
import { invariant } from '../../base/index.ts';
import {
  ComputeError,
  type Engine,
  type Tensor,
  type Tensor5D,
  type Variable,
} from '../../compute/index.ts';
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
} from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import { patchTensor } from '../model-input.ts';
import { Optimiser, type OptimiserState } from './optimiser.ts';
import type { Patch } from './patch-sampler.ts';
import type { OptimiserSettings } from '../settings.ts';

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
  /** Whether blocks run twice to hold less; so from the first patch on that does not fit otherwise. */
  checkpointing = false;

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
   * One step on the mean loss of `patches`; heads that no patch has a label for stay as they are. A patch that
   * does not fit the heap is tried once more with blocks run twice, and so are those after it: the same bytes.
   * @returns the mean loss before the step.
   */
  async step(
    patches: readonly Patch[],
    settings: OptimiserSettings,
    seed: number,
  ): Promise<number> {
    const { tf, ops } = this.#engine;
    const sums = new Map<string, Tensor>();
    const passes: Promise<number>[] = [];
    try {
      patches.forEach((patch, index) => {
        const { loss, gradients } = this.#gradients(patch, seed + index);
        passes.push(loss);
        for (const [name, gradient] of gradients) {
          if (patches.length === 1) {
            sums.set(name, gradient);
            continue;
          }
          // The next pass may take the gradient's memory.
          const share = tf.tidy(() => tf.mul(gradient, 1 / patches.length));
          gradient.dispose();
          const sum = sums.get(name);
          sums.set(name, sum === undefined ? share : ops.accumulate(sum, share));
          if (sum !== undefined) share.dispose();
        }
      });
      this.#apply(sums, settings);
    } finally {
      tf.dispose([...sums.values()]);
    }
    const losses = await Promise.all(passes);
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  }

  /** The optimiser's step with gradients by parameter. */
  #apply(gradients: ReadonlyMap<string, Tensor>, settings: OptimiserSettings): void {
    const moved = this.#parameters.flatMap(({ name, variable }) => {
      const gradient = gradients.get(name);
      return gradient === undefined ? [] : [{ name, variable, gradient }];
    });
    this.#optimiser.step(moved, settings);
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
    const pass = (): LossAndGradients => {
      const options = { training: true, seed, checkpointing: this.checkpointing };
      return lossAndGradients(this.#engine, this.model, this.tensors, x, labels, options);
    };
    try {
      return pass();
    } catch (error) {
      if (this.checkpointing || !isExhausted(error)) throw error;
      this.checkpointing = true;
      return pass();
    } finally {
      x.dispose();
    }
  }

  #input(patch: Patch): Tensor5D {
    return patchTensor(this.#engine, this.model.spec, patch);
  }

  #labels({ labels, size, soft }: Patch): HeadLabels {
    const entries = [...labels].map(([task, map]) => [
      task,
      headLabel(map, [1, ...size], soft?.get(task)),
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
    this.#engine.forget();
    for (const { variable } of this.#parameters) variable.dispose();
    this.#optimiser.dispose();
  }
}

function isExhausted(error: unknown): boolean {
  return error instanceof ComputeError && error.code === 'heap_exhausted';
}
