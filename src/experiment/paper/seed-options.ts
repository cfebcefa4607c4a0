/** What all work of one seed needs. */
import type { Store } from '../../base/index.ts';
import type { RunSettings } from '../../config/index.ts';
import type { WorkerPool } from '../../hospital/index.ts';
import type { Journal } from './journal.ts';
import type { WorkMeter } from './progress.ts';

/** What the work of one seed shares. */
export interface SeedOptions {
  /** With the seed in its place. */
  readonly settings: RunSettings;
  /** Absolute; for everything of this seed. */
  readonly folder: string;
  /** Of `folder`. */
  readonly store: Store;
  readonly journal: Journal;
  readonly pool: Pick<WorkerPool, 'run' | 'size'>;
  readonly meter: WorkMeter;
}
