/** What a node does between two exchanges: steps down a gradient. Nodes do not know of each other here, so that any thread may train any of them. */
import type { LabSettings } from './settings.ts';
import { chanceOf, type GradientTask, type LabTask } from './task.ts';

/** Local steps x ← x - η (∇f(x) + μ (x - x₀)), with x₀ the model at the beginning (Li et al. 2020, FedProx, for μ > 0). */
export function descending({ seed, training }: LabSettings, task: GradientTask): LabTask {
  const { learningRate, localSteps, proximal } = training;
  const anchor = new Float64Array(task.dimension);
  return {
    dimension: task.dimension,
    samples: task.samples,
    keptLength: task.dimension,
    start: (node, model) => {
      task.start(node, model);
    },
    train: (round, node, { model, kept: gradient }) => {
      const chance = chanceOf(seed, 'train', round, node);
      if (proximal > 0) anchor.set(model);
      for (let step = 0; step < localSteps; step++) {
        gradient.fill(0);
        task.gradient(node, model, chance, gradient);
        for (let k = 0; k < model.length; k++) {
          const pull = proximal > 0 ? proximal * ((model[k] as number) - (anchor[k] as number)) : 0;
          model[k] = (model[k] as number) - learningRate * ((gradient[k] as number) + pull);
        }
      }
      return Promise.resolve();
    },
    localLoss: (node, model) => Promise.resolve(task.localLoss(node, model)),
    error: (model) => Promise.resolve(task.error(model)),
    testError: (model) => Promise.resolve(task.testError(model)),
    close: () => undefined,
  };
}
