/** Local training in several threads. Loaded only where there are any: the pool's room brings much along. */
import { WorkerPool } from '../../hospital/index.ts';
import type { LabSettings } from './settings.ts';
import type { Trainer } from './trainers.ts';
import type { LabWorld } from './world.ts';

/** What the threads of a run see: the same memory. */
export interface TrainingThreadData {
  readonly settings: LabSettings;
  readonly models: ArrayBufferLike;
  readonly kept: ArrayBufferLike;
  readonly present: ArrayBufferLike;
}

/** A stretch of nodes for one thread. */
export interface TrainJob {
  readonly round: number;
  readonly from: number;
  readonly to: number;
}

/** In `workers` threads over a world whose arena is shared. */
export function threadedTrainer(world: LabWorld, workers: number): Trainer {
  const { settings, models, kept, present } = world;
  const data: TrainingThreadData = {
    ...{ settings, models: models.all.buffer },
    ...{ kept: kept.all.buffer, present: present.buffer },
  };
  // The entry stands beside this file, as source or compiled.
  const name = import.meta.url.endsWith('.ts') ? './train-entry.ts' : './train-entry.js';
  const pool = new WorkerPool({ entry: new URL(name, import.meta.url), size: workers, data });
  return {
    train: async (round) => {
      const cut = (worker: number): number => Math.floor((worker * settings.nodes) / workers);
      await Promise.all(
        Array.from({ length: workers }, (_, worker) => {
          const job: TrainJob = { round, from: cut(worker), to: cut(worker + 1) };
          return pool.run('train', job);
        }),
      );
    },
    close: () => pool.close(),
  };
}
