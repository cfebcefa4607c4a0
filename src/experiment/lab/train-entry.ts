/** What a thread of `threadedTrainer` runs. */
import { workerData } from 'node:worker_threads';
import type { CreateHandlers } from '../../hospital/index.ts';
import { rowsOver } from './arena.ts';
import { makeTask } from './make-task.ts';
import type { TrainingThreadData, TrainJob } from './threaded-trainer.ts';
import { trainPresent, type TrainedWorld } from './trainers.ts';

/** Trains stretches of nodes in the memory of the run. */
const createHandlers: CreateHandlers = async () => {
  const { data } = workerData as { readonly data: TrainingThreadData };
  const { settings } = data;
  // Ends with the thread.
  const task = await makeTask(settings);
  const world: TrainedWorld = {
    task,
    models: rowsOver(data.models, settings.nodes, task.dimension),
    kept: rowsOver(data.kept, settings.nodes, task.keptLength),
    present: new Float64Array(data.present),
  };
  return {
    train: async ({ round, from, to }: TrainJob) => {
      await trainPresent(world, round, { from, to });
      return null;
    },
  };
};

export default createHandlers;
