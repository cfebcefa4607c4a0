/** The peer's `Averager` on this machine: a thread of its own, so that it waits for no training. */
import type { Averager } from '../peer/index.ts';
import type { AveragingArgs } from './averaging-entry.ts';
import { WorkerPool } from './worker-pool.ts';

/** One thread for all nodes of a process: its work is as fast as the disk, and its memory one model. `niceness` as in `openTrainingPool`. */
export function openAveragingPool(niceness = 0): WorkerPool {
  // The entry stands beside this file, as source or compiled.
  const name = import.meta.url.endsWith('.ts') ? './averaging-entry.ts' : './averaging-entry.js';
  return new WorkerPool({
    entry: new URL(name, import.meta.url),
    size: 1,
    jobsMax: 4096,
    niceness,
  });
}

/** The work of one node. @param folder of the node: of the store that its peer has */
export function workerAverager(pool: Pick<WorkerPool, 'run'>, folder: string): Averager {
  const run = async <Method extends keyof Averager>(
    method: Method,
    job: Parameters<Averager[Method]>[0],
  ): Promise<Awaited<ReturnType<Averager[Method]>>> => {
    const args: AveragingArgs<Method> = { folder, job };
    return (await pool.run(method, args)) as Awaited<ReturnType<Averager[Method]>>;
  };
  return {
    start: (job) => run('start', job),
    carry: (job) => run('carry', job),
    encrypt: (job) => run('encrypt', job),
    check: (job) => run('check', job),
    average: (job) => run('average', job),
    encryptShards: (job) => run('encryptShards', job),
    reduce: (job) => run('reduce', job),
    assemble: (job) => run('assemble', job),
    beginMixing: (job) => run('beginMixing', job),
    encryptState: (job) => run('encryptState', job),
    mixStep: (job) => run('mixStep', job),
    checkState: (job) => run('checkState', job),
    endMixing: (job) => run('endMixing', job),
    compare: (job) => run('compare', job),
  };
}
