/** Who carries local training out: here this thread; `threaded-trainer.ts` has several, with the same numbers. */
import { LocalTraining } from './local-training.ts';
import type { LabWorld } from './world.ts';

/** Trains the present nodes of a round, in the world's arena. */
export interface Trainer {
  train(round: number): Promise<void>;
  close(): Promise<void>;
}

/** In this thread. */
export function inlineTrainer({ settings, task, models, gradients, present }: LabWorld): Trainer {
  const training = new LocalTraining(settings, task);
  return {
    train: (round) => {
      for (let node = 0; node < settings.nodes; node++) {
        if (present[node] !== 1) continue;
        const [model, gradient] = [models.of[node], gradients.of[node]];
        if (model !== undefined && gradient !== undefined) {
          training.descend(round, node, { model, gradient });
        }
      }
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
