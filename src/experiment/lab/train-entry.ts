/** What a thread of `threadedTrainer` runs. */
import { workerData } from 'node:worker_threads';
import type { CreateHandlers } from '../../hospital/index.ts';
import { rowsOver } from './arena.ts';
import { LocalTraining } from './local-training.ts';
import { makeTask } from './make-task.ts';
import type { TrainingThreadData, TrainJob } from './threaded-trainer.ts';

/** Trains stretches of nodes in the memory of the run. */
const createHandlers: CreateHandlers = () => {
  const { data } = workerData as { readonly data: TrainingThreadData };
  const { settings, dimension } = data;
  const training = new LocalTraining(settings, makeTask(settings));
  const models = rowsOver(data.models, settings.nodes, dimension).of;
  const gradients = rowsOver(data.gradients, settings.nodes, dimension).of;
  const present = new Float64Array(data.present);
  return {
    train: ({ round, from, to }: TrainJob) => {
      for (let node = from; node < to; node++) {
        const [model, gradient] = [models[node], gradients[node]];
        if (present[node] !== 1 || model === undefined || gradient === undefined) continue;
        training.descend(round, node, { model, gradient });
      }
      return Promise.resolve(null);
    },
  };
};

export default createHandlers;
