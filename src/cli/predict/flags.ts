/** What `annulus predict` is told, and what its two ways have in common. */
import type { PredictResult } from '../../prediction/index.ts';
import type { ReadingFlags } from '../reading-flags.ts';

/** Flags of `predict`, as typed. */
export interface PredictFlags extends ReadingFlags {
  /** The student that comes along where absent. */
  readonly model?: string;
  readonly input?: string;
  readonly worklist?: string;
  readonly heart?: string;
  readonly series?: string;
  readonly output: string;
  readonly backend: string;
  readonly precision: string;
  readonly format: string;
  readonly strict?: boolean;
}

/** Paths of one CT, as typed. */
export interface CtPaths {
  readonly input: string;
  readonly heart: string | null;
  readonly series: string | null;
}

/**
 * Reads the files at some paths, and gives the work on them: what is not there is refused before a folder is made.
 *
 * @param onNote hears what is worth knowing, a sentence at a time
 */
export type PreparePrediction = (
  paths: CtPaths,
  onNote: (text: string) => void,
) => Promise<() => Promise<PredictResult>>;
