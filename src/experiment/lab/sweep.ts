/**
 * Many runs over values of settings, in one folder. A run is there as a whole or not at all: whatever stops the program, the
 * same command goes on with those that lack, and ends with the same bytes.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromUtf8 } from '../../base/index.ts';
import { WorkerPool } from '../../hospital/index.ts';
import { lockFolder } from '../../host/index.ts';
import {
  compareRuns,
  csvOf,
  renderComparison,
  roundColumns,
  type ComparedRun,
  type LabRound,
} from '../../report/index.ts';
import { failureFile, unfinished, type CellJob } from './cell-entry.ts';
import { LabError } from './errors.ts';
import { readLab } from './run-files.ts';
import { keysOf, plainTree, type SweepAxis, type SweepCell } from './sweep-plan.ts';
import type { LabFiles } from './world.ts';

/** What is run. */
export interface Sweep {
  readonly axes: readonly SweepAxis[];
  readonly cells: readonly SweepCell[];
  readonly files: LabFiles;
}

/** How. */
export interface SweepPorts {
  readonly folder: string;
  /** Runs at the same time. */
  readonly workers: number;
  readonly signal: AbortSignal;
  /** Hears of each run that ended, and of those that were there. */
  readonly onCell: (done: number, found: number, name: string | null) => void;
}

/** What a sweep's folder has beside its runs. */
export const sweepMark = 'sweep.json';
const partSuffix = '.part';
const sweepFormat = 'annulus-sweep/1';

/**
 * Runs what lacks of a sweep, and writes its tables and its page.
 * @throws {LabError} 'other_sweep' in a folder of another, 'cancelled'; {HostError} 'folder_locked'; as the runs
 */
export async function runSweep(sweep: Sweep, ports: SweepPorts): Promise<ComparedRun[]> {
  const { folder, workers, signal, onCell } = ports;
  const cells = join(folder, 'cells');
  // Before the lock: a kill in between would leave a folder that nobody can tell to be a sweep's.
  await begin(sweep, folder);
  const lock = await lockFolder(folder);
  try {
    await mkdir(cells, { recursive: true });
    for (const name of await readdir(cells)) {
      if (name.startsWith(unfinished)) await rm(join(cells, name), { recursive: true });
    }
    const lacking = sweep.cells.filter(({ name }) => !existsSync(join(cells, name)));
    const found = sweep.cells.length - lacking.length;
    let done = found;
    onCell(done, found, null);
    // The entry stands beside this file, as source or compiled.
    const name = import.meta.url.endsWith('.ts') ? './cell-entry.ts' : './cell-entry.js';
    const entry = new URL(name, import.meta.url);
    const pool = new WorkerPool({ entry, size: workers, jobsMax: sweep.cells.length + 1 });
    try {
      await Promise.all(
        lacking.map(async (cell) => {
          const plan = { settings: cell.settings, files: sweep.files, fork: null };
          const job: CellJob = { plan, cells, name: cell.name };
          await pool.run('cell', job, { signal });
          onCell(++done, found, cell.name);
        }),
      );
    } finally {
      await pool.close();
    }
    return await summarise(sweep, folder);
  } catch (error) {
    if (signal.aborted) throw new LabError({ code: 'cancelled' }, 'stopped', { cause: error });
    throw error;
  } finally {
    await lock.release();
  }
}

/** Runs of a sweep's folder that came to their end, in its order. @throws {LabError} 'no_run' */
export async function readSweep(folder: string): Promise<ComparedRun[]> {
  const text = await readFile(join(folder, sweepMark)).catch(() => null);
  const { format, cells } = (text === null ? {} : Object(JSON.parse(fromUtf8(text)))) as {
    readonly format?: unknown;
    readonly cells?: readonly { readonly name: string }[];
  };
  if (format !== sweepFormat || !Array.isArray(cells)) {
    throw new LabError(
      { code: 'no_run', folder },
      `${folder}: expected the folder of a sweep, with ${sweepMark}`,
    );
  }
  const runs: ComparedRun[] = [];
  for (const { name } of cells as readonly { readonly name: string }[]) {
    const own = join(folder, 'cells', name);
    if (existsSync(join(own, 'record.json'))) runs.push({ name, ...(await readLab(own)) });
  }
  return runs;
}

async function begin({ axes, cells, files }: Sweep, folder: string): Promise<void> {
  const path = join(folder, sweepMark);
  const list = cells.map(({ name, values, settings }) => ({
    name,
    values,
    settings: plainTree(settings),
  }));
  const text = `${JSON.stringify({ format: sweepFormat, axes, cells: list, files }, null, 1)}\n`;
  const begun = await readFile(path).catch(() => null);
  if (begun === null) {
    // Whole or not at all: what begins a sweep says what may go on in its folder.
    await writeFile(`${path}${partSuffix}`, text);
    await rename(`${path}${partSuffix}`, path);
  } else if (fromUtf8(begun) !== text) {
    throw new LabError(
      { code: 'other_sweep', folder },
      `${folder} was begun with other settings or values; give the same, or another --out`,
    );
  }
}

/** Tables over all runs and the page that compares them. */
async function summarise({ axes, cells }: Sweep, folder: string): Promise<ComparedRun[]> {
  const runs = await readSweep(folder);
  const byName = new Map(runs.map((run) => [run.name, run]));
  const keys = keysOf(axes);
  const columns = ['run', ...keys, ...roundColumns];
  const rowsOf = (choose: (run: ComparedRun) => readonly LabRound[]): Record<string, unknown>[] =>
    cells.flatMap(({ name, values }) => {
      const run = byName.get(name);
      const own = { run: name, ...Object.fromEntries(keys.map((key, at) => [key, values[at]])) };
      return run === undefined ? [{ ...own }] : choose(run).map((round) => ({ ...own, ...round }));
    });
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  await write(
    'runs.csv',
    csvOf(
      columns,
      rowsOf(({ record }) => [record.final]),
    ),
  );
  await write(
    'rounds.csv',
    csvOf(
      columns,
      rowsOf(({ rounds }) => rounds),
    ),
  );
  const failed = cells.filter(({ name }) => existsSync(join(folder, 'cells', name, failureFile)));
  await write(
    'report.html',
    renderComparison(
      compareRuns(runs),
      failed.map(({ name }) => name),
    ),
  );
  return runs;
}
