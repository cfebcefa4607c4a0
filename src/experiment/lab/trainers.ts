/** Who carries local training out: here this thread; `threaded-trainer.ts` has several, with the same numbers. */
import type { LabWorld } from './world.ts';

/** Trains the present nodes of a round, in the world's arena. */
export interface Trainer {
  train(round: number): Promise<void>;
  close(): Promise<void>;
}

/** In this thread. */
export function inlineTrainer({ settings, task, models, kept, present }: LabWorld): Trainer {
  return {
    train: async (round) => {
      for (let node = 0; node < settings.nodes; node++) {
        if (present[node] !== 1) continue;
        const [model, own] = [models.of[node], kept.of[node]];
        if (model !== undefined && own !== undefined) {
          await task.train(round, node, { model, kept: own });
        }
      }
    },
    close: () => Promise.resolve(),
  };
}
