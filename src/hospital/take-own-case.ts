/** One case of a hospital's own folder, read and put into its store as the models of the plan see it. */
import { niftiBytesMax, type ReadingSettings } from '../data/index.ts';
import type { TakeCaseArgs, TakenCase } from '../distill/index.ts';
import { readCaseFiles, trying, type OwnCaseFolder } from './own-cases.ts';
import type { ImageFacts } from './plan-images.ts';
import type { CasesAt } from './round-jobs.ts';
import type { WorkerPool } from './worker-pool.ts';

/** How a hospital's own files become cases. */
export interface OwnTaking {
  /** The store that they are put into. */
  readonly at: CasesAt;
  readonly images: Omit<ImageFacts, 'intensity'>;
  readonly reading: ReadingSettings;
}

/**
 * Takes the case under the pseudonym `id`. A problem of the case is told, not thrown.
 *
 * @throws whatever is no fault of the case
 */
export async function takeOwnCase(
  pool: Pick<WorkerPool, 'run'>,
  own: OwnCaseFolder,
  id: string,
  { at, images, reading }: OwnTaking,
): Promise<TakenCase> {
  const read = await trying(() => readCaseFiles(own, niftiBytesMax(reading)));
  if ('problem' in read) return { problem: read.problem, notes: [] };
  const { spacingMm, pointRadiusMm, heart } = images;
  const args: TakeCaseArgs = {
    ...{ ...at, id, split: own.split, files: read.made, spacingMm, pointRadiusMm, heart, reading },
  };
  return (await pool.run('takeCase', args)) as TakenCase;
}
