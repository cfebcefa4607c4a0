/** What a thread of `threadedTrainer` runs. */
import { workerData } from 'node:worker_threads';
import type { CreateHandlers } from '../../hospital/index.ts';
import { rowsOver } from './arena.ts';
import { makeTask } from './make-task.ts';
import type { TrainingThreadData, TrainJob } from './threaded-trainer.ts';

/** Trains stretches of nodes in the memory of the run. */
const createHandlers: CreateHandlers = async () => {
  const { data } = workerData as { readonly data: TrainingThreadData };
  const { settings } = data;
  // Ends with the thread.
  const task = await makeTask(settings);
  const models = rowsOver(data.models, settings.nodes, task.dimension).of;
  const kept = rowsOver(data.kept, settings.nodes, task.keptLength).of;
  const present = new Float64Array(data.present);
  return {
    train: async ({ round, from, to }: TrainJob) => {
      for (let node = from; node < to; node++) {
        const [model, own] = [models[node], kept[node]];
        if (present[node] !== 1 || model === undefined || own === undefined) continue;
        await task.train(round, node, { model, kept: own });
      }
      return null;
    },
  };
};

export default createHandlers;
