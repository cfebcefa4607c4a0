/** A hospital's own case looked at before a run: read as a run would read it, with what is wrong and what is odd. */
import {
  caseFiles,
  niftiBytesMax,
  readOwnCase,
  spacingOf,
  type Case,
  type ReadingSettings,
  type Vector3,
} from '../data/index.ts';
import { readCaseFiles, trying, type OwnCaseFolder } from './own-cases.ts';

/** What there is to say of a case. */
export interface LookedAtCase {
  /** `train/<case>` */
  readonly name: string;
  /** Files beside the CT that are there: tasks, and `heart`. */
  readonly labels: readonly string[];
  /** Voxels of the CT along [depth, height, width]; null where it could not be read. */
  readonly shape: readonly number[] | null;
  /** mm of a voxel along [depth, height, width], to three decimals; null as `shape`. */
  readonly spacingMm: readonly number[] | null;
  /** Why it is set aside; null where it can be used. */
  readonly problem: string | null;
  /** Worth a look, a line each. */
  readonly notes: readonly string[];
}

/** How cases are read. */
export interface Looking {
  /** Of the models' grid, along [depth, height, width]. */
  readonly spacingMm: Vector3;
  /** Of the sphere that stands for a point in a label map. */
  readonly pointRadiusMm: number;
  readonly reading: ReadingSettings;
}

/**
 * Reads the case, and gives it as models would see it where it can be used.
 *
 * @throws {HostError} what is no fault of the case, such as a disk that fails
 */
export async function lookAtCase(
  folder: OwnCaseFolder,
  { spacingMm, pointRadiusMm, reading }: Looking,
): Promise<{ readonly looked: LookedAtCase; readonly own: Case | null }> {
  const { name } = folder;
  const labels = caseFiles.filter((file) => file !== 'ct' && folder.files[file] !== undefined);
  const read = await trying(async () => {
    const files = await readCaseFiles(folder, niftiBytesMax(reading));
    return readOwnCase('case', files, { spacingMm, pointRadiusMm, reading });
  });
  if ('problem' in read) {
    const grid = { shape: null, spacingMm: null };
    return { looked: { name, labels, ...grid, ...read, notes: [] }, own: null };
  }
  const { ct, notes, case: own } = read.made;
  const spacing = spacingOf(ct.affine).map((mm) => Math.round(mm * 1000) / 1000);
  const grid = { shape: ct.shape, spacingMm: spacing };
  return { looked: { name, labels, ...grid, problem: null, notes }, own };
}
