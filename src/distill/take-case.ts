/** A hospital's own case, put on its shelf as the models see it. */
import { DataError, readOwnCase, type CaseFiles, type Vector3 } from '../data/index.ts';
import type { CaseShelf, Shelf } from './case-shelf.ts';
import type { HeartUse } from './heart-map.ts';

export interface CaseToTake {
  /** A pseudonym. */
  readonly id: string;
  readonly shelf: Shelf;
  readonly files: CaseFiles;
  /** Of the models' grid, along [depth, height, width]. */
  readonly spacingMm: Vector3;
  readonly pointRadiusMm: number;
  readonly heart: HeartUse;
}

/** What came of it. Problems are given back and not thrown: an owner wants to hear of all cases at once. */
export interface TakenCase {
  /** Why the case is not on the shelf; null when it is. */
  readonly problem: string | null;
  /** Worth a look, a line each. */
  readonly notes: readonly string[];
}

export async function takeCase(
  shelf: CaseShelf,
  { id, shelf: name, files, spacingMm, pointRadiusMm, heart }: CaseToTake,
): Promise<TakenCase> {
  if (heart === 'condition' && files.heart === undefined) {
    return refused('heart: expected a segmentation, which the models see beside the CT, got none');
  }
  const { heart: heartFile, ...others } = files;
  const used = heart === 'none' || heartFile === undefined ? others : files;
  try {
    const { case: own, notes } = readOwnCase(id, used, { spacingMm, pointRadiusMm });
    const { points, ...trained } = own;
    // Where exactly an expert put a point is asked of held-out cases only.
    await shelf.write(
      name,
      name === 'test' && points !== undefined ? { ...trained, points } : trained,
    );
    return { problem: null, notes };
  } catch (error) {
    if (error instanceof DataError) return refused(error.message);
    throw error;
  }
}

function refused(problem: string): TakenCase {
  return { problem, notes: [] };
}
