/** How far a reproduction has come, in work and not in units: a round of eight hospitals counts for eight. */
import type { JobProgress } from '../../distill/index.ts';

/** How far a reproduction has come. */
export interface ReproduceProgress {
  /** Work of the whole, in rough milliseconds of one processor. */
  readonly total: number;
  /** Work done, in this run or found on the disk. */
  readonly done: number;
  /** Of `done`, what was found on the disk: it took no time now. */
  readonly found: number;
  /** Something that ended, for a line of its own; null when only the share moved. */
  readonly line: string | null;
}

/** Hears of progress; called often, and from wherever work ended. */
export type OnReproduceProgress = (progress: ReproduceProgress) => void;

/** Milliseconds that each kind of work takes on one slow core at the default sizes; only their ratios matter. */
export const workMs: Readonly<Record<'phantom' | 'step' | 'volume' | 'probeStep', number>> =
  Object.freeze({ phantom: 400, step: 110, volume: 340, probeStep: 105 });

/** Adds up the work of all seeds and tells it with each change. */
export class WorkMeter {
  readonly #onProgress: OnReproduceProgress;
  readonly #total: number;
  #done = 0;
  #found = 0;

  constructor(total: number, onProgress: OnReproduceProgress) {
    this.#total = total;
    this.#onProgress = onProgress;
  }

  /** So much was done just now. */
  did(work: number): void {
    this.#done += work;
    this.#tell(null);
  }

  /** So much was done in an earlier run. */
  found(work: number): void {
    this.#done += work;
    this.#found += work;
    this.#tell(null);
  }

  say(line: string): void {
    this.#tell(line);
  }

  #tell(line: string | null): void {
    this.#onProgress({ total: this.#total, done: this.#done, found: this.#found, line });
  }
}

/** Shares `work` out over a job's progress. */
export function sharing(work: number, meter: WorkMeter): (value: unknown) => void {
  let told = 0;
  return (value) => {
    const { done, total } = value as JobProgress;
    const share = total > 0 ? (work * done) / total : work;
    meter.did(share - told);
    told = share;
  };
}
