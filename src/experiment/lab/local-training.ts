/** What a node does between two exchanges. Nodes do not know of each other here, so that any thread may train any of them. */
import type { LabSettings } from './settings.ts';
import { chanceOf, type LabTask, type Vector } from './task.ts';

/** A node's numbers that training reads and writes. */
export interface TrainedRows {
  readonly model: Vector;
  /** The gradient at the model: of the last step, when there are several. */
  readonly gradient: Vector;
}

/** Trains one node in one round. */
export class LocalTraining {
  readonly #settings: LabSettings;
  readonly #task: LabTask;
  readonly #anchor: Vector;

  constructor(settings: LabSettings, task: LabTask) {
    this.#settings = settings;
    this.#task = task;
    this.#anchor = new Float64Array(task.dimension);
  }

  /** Local steps x ← x - η (∇f(x) + μ (x - x₀)), with x₀ the model at the beginning (Li et al. 2020, FedProx, for μ > 0). */
  descend(round: number, node: number, { model, gradient }: TrainedRows): void {
    const { seed, training } = this.#settings;
    const { learningRate, localSteps, proximal } = training;
    const chance = chanceOf(seed, 'train', round, node);
    if (proximal > 0) this.#anchor.set(model);
    for (let step = 0; step < localSteps; step++) {
      gradient.fill(0);
      this.#task.gradient(node, model, chance, gradient);
      for (let k = 0; k < model.length; k++) {
        const pull =
          proximal > 0 ? proximal * ((model[k] as number) - (this.#anchor[k] as number)) : 0;
        model[k] = (model[k] as number) - learningRate * ((gradient[k] as number) + pull);
      }
    }
  }
}
