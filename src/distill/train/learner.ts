/** A model under training: a loaded model, its optimiser's state, and one step on a batch of patches. */
import { ComputeError, type Engine, type Tensor } from '../../compute/index.ts';
import { lossAndGradients, type LossAndGradients, type ModelSpec } from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import { labelsOf, LoadedModel } from '../loaded-model.ts';
import type { OptimiserSettings } from '../settings.ts';
import { Optimiser, type OptimiserState } from './optimiser.ts';
import type { Patch } from './patch-sampler.ts';

/** Holds tensors: call `dispose`. */
export class Learner {
  /** As it is after the last step. */
  readonly loaded: LoadedModel;
  readonly #engine: Engine;
  readonly #optimiser: Optimiser;
  /** Whether blocks run twice to hold less; so from the first patch on that does not fit otherwise. */
  recompute = false;

  /** @param state what the optimiser remembers of an earlier round, or null to begin with zeros. */
  constructor(
    engine: Engine,
    spec: ModelSpec,
    weights: ModelWeights,
    state: OptimiserState | null,
  ) {
    this.#engine = engine;
    this.loaded = new LoadedModel(engine, spec, weights);
    this.#optimiser = new Optimiser(engine, state);
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

  /** A copy of what the optimiser remembers, for the next round. */
  async optimiserState(): Promise<OptimiserState> {
    return this.#optimiser.state();
  }

  dispose(): void {
    this.loaded.dispose();
    this.#optimiser.dispose();
  }

  /** The optimiser's step with gradients by parameter. */
  #apply(gradients: ReadonlyMap<string, Tensor>, settings: OptimiserSettings): void {
    const moved = this.loaded.parameters.flatMap(({ name, variable }) => {
      const gradient = gradients.get(name);
      return gradient === undefined ? [] : [{ name, variable, gradient }];
    });
    this.#optimiser.step(moved, settings);
  }

  #gradients(patch: Patch, seed: number): LossAndGradients {
    const { model, tensors } = this.loaded;
    const x = this.loaded.input(patch);
    const labels = labelsOf(patch);
    const pass = (): LossAndGradients => {
      const options = { training: true, seed, recompute: this.recompute };
      return lossAndGradients(this.#engine, model, tensors, x, labels, options);
    };
    try {
      return pass();
    } catch (error) {
      if (this.recompute || !isExhausted(error)) throw error;
      this.recompute = true;
      return pass();
    } finally {
      x.dispose();
    }
  }
}

function isExhausted(error: unknown): boolean {
  return error instanceof ComputeError && error.code === 'heap_exhausted';
}
