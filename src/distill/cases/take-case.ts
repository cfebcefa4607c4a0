/** A hospital's own case, put into its store as the models see it. */
import {
  checkOwnCase,
  DataError,
  readOwnCase,
  type CaseFiles,
  type ReadingSettings,
  type Vector3,
} from '../../data/index.ts';
import type { CaseSplit, CaseStore } from './case-store.ts';
import type { HeartUse } from '../heart-map.ts';

/** A case as its files, and how models want it. */
export interface CaseToTake {
  /** A pseudonym. */
  readonly id: string;
  readonly split: CaseSplit;
  readonly files: CaseFiles;
  /** Of the models' grid, along [depth, height, width]. */
  readonly spacingMm: Vector3;
  readonly pointRadiusMm: number;
  readonly heart: HeartUse;
  readonly reading: ReadingSettings;
}

/** What came of it. Problems are given back and not thrown: an owner wants to hear of all cases at once. */
export interface TakenCase {
  /** Why the case is not in the store; null when it is. */
  readonly problem: string | null;
  /** Worth a look, a line each. */
  readonly notes: readonly string[];
}

/** Reads the files, resamples them onto the models' grid and writes the case. A problem of the files is told, not thrown. */
export async function takeCase(
  caseStore: CaseStore,
  { id, split, files, spacingMm, pointRadiusMm, heart, reading }: CaseToTake,
): Promise<TakenCase> {
  try {
    const used = filesUsed(files, heart);
    const { case: own, notes } = readOwnCase(id, used, { spacingMm, pointRadiusMm, reading });
    const { points, ...trained } = own;
    // Where exactly an expert put a point is asked of held-out cases only.
    await caseStore.write(
      split,
      split === 'test' && points !== undefined ? { ...trained, points } : trained,
    );
    return { problem: null, notes };
  } catch (error) {
    if (error instanceof DataError) return { problem: error.message, notes: [] };
    throw error;
  }
}

/**
 * Whether `takeCase` takes the files, found out without the work of resampling.
 *
 * @throws {DataError} naming the file, what was expected and what came
 */
export function checkCase(files: CaseFiles, heart: HeartUse, reading: ReadingSettings): void {
  checkOwnCase(filesUsed(files, heart), reading);
}

/** @throws {DataError} 'bad_field' where models see the heart and nobody segmented it */
function filesUsed(files: CaseFiles, heart: HeartUse): CaseFiles {
  if (heart === 'condition' && files.heart === undefined) {
    throw new DataError(
      { code: 'bad_field', field: 'heart' },
      'heart: expected a segmentation, which the models see beside the CT, got none',
    );
  }
  const { heart: heartFile, ...others } = files;
  return heart === 'none' || heartFile === undefined ? others : files;
}
