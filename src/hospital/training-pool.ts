/** Workers that learn: one engine each, as many as there are cores unless told otherwise. */
import { availableParallelism } from 'node:os';
import type { EngineOptions } from '../compute/index.ts';
import type { TrainingWorkerData } from './training-entry.ts';
import { WorkerPool } from './worker-pool.ts';

/**
 * A pool for the jobs of `HospitalTrainer`; `workers` 0 is one per processor. Fewer share the processors out. `niceness`: how far
 * they give way to the thread with the network.
 */
export function openTrainingPool(engine: EngineOptions, workers: number, niceness = 0): WorkerPool {
  // The entry stands beside this file, as source or compiled.
  const name = import.meta.url.endsWith('.ts') ? './training-entry.ts' : './training-entry.js';
  const threads = workers > 0 ? Math.max(1, Math.floor(availableParallelism() / workers)) : 1;
  const data: TrainingWorkerData = { ...engine, threads };
  return new WorkerPool({
    entry: new URL(name, import.meta.url),
    ...(workers > 0 ? { size: workers } : {}),
    ...{ jobsMax: 4096, niceness, data },
  });
}
