/** The cases of a run, phantoms and hospitals' own, as work for the workers. */
import type { NodeId } from '../base/index.ts';
import type { HospitalSettings, RunSettings } from '../config/index.ts';
import {
  caseCount,
  CaseShelf,
  intensityDefaults,
  type MakeCasesArgs,
  type TakeCaseArgs,
  type TakenCase,
} from '../distill/index.ts';
import {
  countOwnCases,
  diskStore,
  expertGeneration,
  listOwnCases,
  readCaseFiles,
  type CasesAt,
  type OwnCaseFolder,
  type WorkerPool,
} from '../node/index.ts';
import { SimulateError } from './errors.ts';

/** A few cases of one hospital. */
export interface CaseJob {
  /** Unique among the jobs of a run. */
  readonly id: string;
  readonly count: number;
  /** Puts the cases on their shelves, but for those that are there: teachers may have labelled them since. */
  readonly run: (pool: Pick<WorkerPool, 'run'>, onCase: () => void) => Promise<void>;
}

/** A job for a few phantoms at a time, so that all workers stay busy to the end. */
const casesPerJob = 4;

/**
 * The jobs of all hospitals, in any order.
 *
 * @param folderOf folder for a hospital's cases
 * @throws {SimulateError} 'cases_changed'; {NodeError} 'bad_cases' when a hospital's own folder is not as it must be
 */
export async function caseJobs(
  settings: RunSettings,
  folderOf: (id: NodeId) => string,
): Promise<CaseJob[]> {
  const jobs: CaseJob[] = [];
  for (const hospital of settings.consortium.hospitals) {
    const at = casesAt(folderOf(hospital.id as NodeId));
    const own = hospital.folder !== '';
    jobs.push(
      ...(own ? await ownJobs(settings, hospital, at) : phantomJobs(settings, hospital, at)),
    );
  }
  return jobs;
}

/** Cases that a run is made of. */
export function caseTotal({ consortium }: RunSettings): number {
  return consortium.hospitals.reduce((sum, hospital) => sum + caseCount(hospital), 0);
}

function casesAt(folder: string): CasesAt {
  return { folder, intensity: intensityDefaults, generation: expertGeneration };
}

function phantomJobs(
  { seed, phantom, training }: RunSettings,
  hospital: HospitalSettings,
  at: CasesAt,
): CaseJob[] {
  const total = caseCount(hospital);
  return Array.from({ length: Math.ceil(total / casesPerJob) }, (_, part) => {
    const from = part * casesPerJob;
    const to = Math.min(total, from + casesPerJob);
    const args: MakeCasesArgs = {
      ...at,
      ...{ hospital, from, to, seed, phantom, pointRadiusMm: training.pointRadiusMm },
      heart: training.heart !== 'none',
    };
    return {
      id: `${hospital.id}-${from}`,
      count: to - from,
      run: async (pool, onCase) => {
        await pool.run('makeCases', args, { onProgress: onCase });
      },
    };
  });
}

async function ownJobs(
  { phantom, training }: RunSettings,
  { id: hospital, folder, cases: planned }: HospitalSettings,
  at: CasesAt,
): Promise<CaseJob[]> {
  const cases = await listOwnCases(folder);
  const found = Object.entries(countOwnCases(cases));
  if (found.some(([key, count]) => planned[key as keyof typeof planned] !== count)) {
    throw new SimulateError(
      { code: 'cases_changed', hospital },
      `${hospital}: other cases are in ${folder} than when the run was begun: put them back, or begin a new run`,
    );
  }
  const { pointRadiusMm, heart } = training;
  const take = async (
    pool: Pick<WorkerPool, 'run'>,
    own: OwnCaseFolder,
    id: string,
  ): Promise<void> => {
    const { shelf } = own;
    if (await new CaseShelf(diskStore(at.folder), at.intensity).has(shelf, id)) return;
    const files = await readCaseFiles(own);
    const { spacingMm } = phantom;
    const args: TakeCaseArgs = { ...at, id, shelf, files, spacingMm, pointRadiusMm, heart };
    const { problem } = (await pool.run('takeCase', args)) as TakenCase;
    if (problem === null) return;
    throw new SimulateError(
      { code: 'bad_case', hospital },
      `${hospital}: ${own.name}: ${problem} (annulus cases ${folder} looks at all of them)`,
    );
  };
  return cases.map((own, index) => {
    // The folder's own names stay in it: they may be a patient's.
    const id = `${hospital}-${String(index).padStart(4, '0')}`;
    const run: CaseJob['run'] = async (pool, onCase) => {
      await take(pool, own, id);
      onCase();
    };
    return { id, count: 1, run };
  });
}
