/** The cases of a run, phantoms and hospitals' own, as work for the workers. */
import type { NodeId } from '../../base/index.ts';
import { imagesFor, type HospitalSettings, type RunSettings } from '../../config/index.ts';
import { caseCount, CaseStore, type MakeCasesArgs } from '../../distill/index.ts';
import {
  countOwnCases,
  expertGeneration,
  imagesOf,
  listOwnCases,
  takeOwnCase,
  type CasesAt,
  type OwnCaseFolder,
  type WorkerPool,
} from '../../hospital/index.ts';
import { diskStore } from '../../host/index.ts';
import { SimulateError } from './errors.ts';

/** A few cases of one hospital. */
export interface CaseJob {
  /** Unique among the jobs of a run. */
  readonly id: string;
  readonly count: number;
  /** Writes the cases into the hospitals' stores, but for those that are there: teachers may have labelled them since. */
  readonly run: (pool: Pick<WorkerPool, 'run'>, onCase: () => void) => Promise<void>;
}

/** A job for a few phantoms at a time, so that all workers stay busy to the end. */
const casesPerJob = 4;

/**
 * The jobs of all hospitals, in any order.
 *
 * @param folderOf folder for a hospital's cases
 * @throws {SimulateError} 'cases_changed'; {HostError} 'bad_cases' when a hospital's own folder is not as it must be
 */
export async function caseJobs(
  settings: RunSettings,
  folderOf: (id: NodeId) => string,
): Promise<CaseJob[]> {
  const jobs: CaseJob[] = [];
  for (const hospital of settings.consortium.hospitals) {
    const at = casesAt(settings, folderOf(hospital.id as NodeId));
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

function casesAt(settings: RunSettings, folder: string): CasesAt {
  const { intensity } = imagesOf({ images: imagesFor(settings) });
  return { folder, intensity, generation: expertGeneration };
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

/**
 * A hospital's own cases. What cannot be used was set aside when the cases were counted, and is again; only when others are left
 * than were planned with has somebody changed the folder.
 */
async function ownJobs(
  settings: RunSettings,
  { id: hospital, folder, cases: planned, reading }: HospitalSettings,
  at: CasesAt,
): Promise<CaseJob[]> {
  const { cases } = await listOwnCases(folder);
  const images = imagesOf({ images: imagesFor(settings) });
  const caseStore = new CaseStore(diskStore(at.folder), at.intensity);
  const taken: OwnCaseFolder[] = [];
  let left = cases.length;
  const take = async (
    pool: Pick<WorkerPool, 'run'>,
    own: OwnCaseFolder,
    id: string,
  ): Promise<boolean> => {
    if (await caseStore.has(own.split, id)) return true;
    return (await takeOwnCase(pool, own, id, { at, images, reading })).problem === null;
  };
  if (left === 0) checkCounts(hospital, folder, planned, countOwnCases([]));
  return cases.map((own, index) => {
    // The folder's own names stay in it: they may be a patient's.
    const id = `${hospital}-${String(index).padStart(4, '0')}`;
    const run: CaseJob['run'] = async (pool, onCase) => {
      if (await take(pool, own, id)) {
        taken.push(own);
        onCase();
      }
      left -= 1;
      if (left === 0) checkCounts(hospital, folder, planned, countOwnCases(taken));
    };
    return { id, count: 1, run };
  });
}

/** @throws {SimulateError} 'cases_changed' */
function checkCounts(
  hospital: string,
  folder: string,
  planned: HospitalSettings['cases'],
  found: HospitalSettings['cases'],
): void {
  const keys = Object.keys(planned) as (keyof typeof planned)[];
  if (keys.every((key) => planned[key] === found[key])) return;
  throw new SimulateError(
    { code: 'cases_changed', hospital },
    `${hospital}: other cases are in ${folder} than when the run was begun: put them back, or begin a new run`,
  );
}
