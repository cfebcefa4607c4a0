/** What a thread of a sweep runs: whole runs, one after the other. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CreateHandlers } from '../../hospital/index.ts';
import { LabError } from './errors.ts';
import { writeLab } from './write-lab.ts';
import { runLab, treeOf, type LabPlan } from './run-lab.ts';

/** One run of a sweep. */
export interface CellJob {
  readonly plan: LabPlan;
  /** Folder of the cells. */
  readonly cells: string;
  readonly name: string;
}

/** Beginning of the name of a folder that is under way; what has it after a kill is thrown away. */
export const unfinished = '.unfinished-';

/** Of a run whose models grew beyond all bounds: a result as well. */
export const failureFile = 'failed.json';

/** Runs cells. A cell's folder gets its name when all of it is there. */
const createHandlers: CreateHandlers = () => ({
  cell: async ({ plan, cells, name }: CellJob, { signal }) => {
    const folder = join(cells, `${unfinished}${name}`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const order = { workers: 1, untilRound: null, snapshots: [], state: null, signal };
    try {
      await writeLab(folder, await runLab(plan, { ...order, onRound: () => undefined }));
    } catch (error) {
      if (!(error instanceof LabError) || error.facts.code !== 'diverged') throw error;
      const failure = { ...error.facts, message: error.message, ...treeOf(plan) };
      await writeFile(join(folder, failureFile), `${JSON.stringify(failure, null, 1)}\n`);
    }
    await rename(folder, join(cells, name));
    return null;
  },
});

export default createHandlers;
