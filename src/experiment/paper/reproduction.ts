/** The whole reproduction: one seed after the other, resumable at any moment, then figures and verdicts. */
import { join } from 'node:path';
import { backendVariant } from '../../compute/index.ts';
import { engineOptionsOf, type RunSettings } from '../../config/index.ts';
import type { ReproductionRecord } from '../../report/index.ts';
import {
  diskStore,
  lockFolder,
  HostError,
  programDigest,
  type FolderLock,
} from '../../host/index.ts';
import { openTrainingPool, type WorkerPool } from '../../hospital/index.ts';
import { ReproduceError } from './errors.ts';
import { begin, Journal, type Beginning } from './journal.ts';
import { WorkMeter, type OnReproduceProgress } from './progress.ts';
import { recordOf } from './record.ts';
import { runSeed, type SeedResult } from './seed-run.ts';
import { workOf } from './seed-work.ts';

/** Where a reproduction goes, what it covers and who may end it. */
export interface ReproducePorts {
  /** Absolute; empty, or begun before. */
  readonly outputFolder: string;
  /** Each with its own patients, first weights and patches. */
  readonly seeds: readonly number[];
  /** Fires when the person at the terminal wants to stop. */
  readonly signal: AbortSignal;
}

/**
 * Trains and scores the six arms for every seed; what the folder holds already is not done again.
 * @throws {ReproduceError} 'other_settings', 'folder_locked', 'wrong_networks', 'cancelled'
 */
export async function reproduce(
  settings: RunSettings,
  { outputFolder, seeds, signal }: ReproducePorts,
  onProgress: OnReproduceProgress,
): Promise<ReproductionRecord> {
  const variant = await backendVariant(engineOptionsOf(settings.compute));
  const bySeed = seeds.map((seed): RunSettings => ({ ...settings, seed }));
  const total = bySeed.reduce((sum, one) => sum + workOf(one), 0);
  const lock = await lockOf(outputFolder);
  try {
    const { consortium, phantom, models, training, sampling } = settings;
    const { distillation, inference } = settings;
    const asked: Beginning = {
      settings: { consortium, phantom, models, training, sampling, distillation, inference },
      backend: variant,
    };
    const store = diskStore(outputFolder);
    const isSame = await begin(store, outputFolder, asked, await programDigest());
    const meter = new WorkMeter(total, onProgress);
    if (!isSame) meter.say('begun by another version of the program: what it finished is kept');
    const results: SeedResult[] = [];
    for (const one of bySeed) results.push(await runInPool(one, outputFolder, meter, signal));
    return recordOf(settings, variant, results);
  } finally {
    await lock.release();
  }
}

/** Workers of its own for each seed: they keep a hospital's cases in memory, and each seed has others. */
async function runInPool(
  settings: RunSettings,
  outputFolder: string,
  meter: WorkMeter,
  signal: AbortSignal,
): Promise<SeedResult> {
  const folder = join(outputFolder, `seed-${settings.seed}`);
  const store = diskStore(folder);
  const { workers, niceness } = settings.compute;
  const pool = openTrainingPool(engineOptionsOf(settings.compute), workers, niceness);
  const stop = (): void => {
    void pool.close();
  };
  signal.addEventListener('abort', stop);
  let reason: unknown = null;
  // The first job that fails ends the others: nothing they do would be used.
  const run: WorkerPool['run'] = async (...job) => {
    try {
      return await pool.run(...job);
    } catch (error) {
      reason ??= error;
      stop();
      throw error;
    }
  };
  try {
    if (signal.aborted) throw cancelled();
    const shared = { run, size: pool.size };
    return await runSeed({
      settings,
      folder,
      store,
      journal: new Journal(store),
      pool: shared,
      meter,
    });
  } catch (error) {
    throw signal.aborted ? cancelled(error) : (reason ?? error);
  } finally {
    signal.removeEventListener('abort', stop);
    await pool.close();
  }
}

async function lockOf(folder: string): Promise<FolderLock> {
  try {
    return await lockFolder(folder);
  } catch (error) {
    if (!(error instanceof HostError) || error.facts.code !== 'folder_locked') throw error;
    const { pid } = error.facts;
    throw new ReproduceError(
      { code: 'folder_locked', folder, pid },
      `${folder} is in use by process ${pid}`,
    );
  }
}

function cancelled(cause?: unknown): ReproduceError {
  const message = 'stopped; the same command continues where it stopped';
  return new ReproduceError({ code: 'cancelled' }, message, { cause });
}
