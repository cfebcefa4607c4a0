/** Workers that read a site's own files: as many as the memory holds volumes. */
import { availableParallelism, totalmem } from 'node:os';
import { WorkerPool } from '../worker-pool.ts';

/** A CT of 512 x 512 x 300, its copy in other axes and its file. */
const bytesPerWorker = 2 * 2 ** 30;

/** A pool for the jobs of `site-entry.ts`; `workers` 0 is one per processor, if the memory is enough. */
export function openSitePool(workers: number): WorkerPool {
  const size = Math.max(
    1,
    Math.min(availableParallelism(), Math.floor(totalmem() / bytesPerWorker)),
  );
  // The entry stands beside this file, as source or compiled.
  const name = import.meta.url.endsWith('.ts') ? './site-entry.ts' : './site-entry.js';
  const entry = new URL(name, import.meta.url);
  return new WorkerPool({ entry, size: workers > 0 ? workers : size, jobsMax: 4096 });
}
