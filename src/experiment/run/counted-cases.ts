/** Hospitals' own folders of cases, as a preset names them: counted before a run begins, so that its plan fits them. */
import { dirname, resolve } from 'node:path';
import {
  isUncounted,
  withOwnCases,
  type HospitalSettings,
  type RunSettings,
} from '../../config/index.ts';
import { niftiBytesMax } from '../../data/index.ts';
import { checkCase } from '../../distill/index.ts';
import {
  countOwnCases,
  listOwnCases,
  readCaseFiles,
  trying,
  type OwnCaseFolder,
  type SetAside,
} from '../../hospital/index.ts';
import { SimulateError } from './errors.ts';

/** A hospital's folder after every case in it was looked at. */
export interface LookedThrough {
  readonly hospital: string;
  /** Absolute. */
  readonly folder: string;
  readonly good: readonly OwnCaseFolder[];
  /** What cannot be used, and why. */
  readonly setAside: readonly SetAside[];
}

/** Who wants to know while cases are counted. */
export interface CountingWatch {
  /** A case is looked at: the `index`-th of `total`, from 1. */
  readonly onCase: (hospital: string, index: number, total: number) => void;
  /** A hospital's cases are through. */
  readonly onHospital: (looked: LookedThrough) => void;
}

/**
 * The settings with the cases that hospitals' own folders hold, whose paths become absolute. Every case is read; what cannot be
 * used is not counted.
 *
 * @param file the preset: a relative folder stands beside it
 * @throws {SimulateError} 'counted_twice' where cases are counted beside a folder, 'no_training_cases' where none to train on
 * are left; {HostError} 'bad_cases' for a folder that is none; {ConfigError} when nobody labelled a task
 */
export async function withCountedCases(
  settings: RunSettings,
  file: string,
  watch: CountingWatch,
): Promise<RunSettings> {
  const own = settings.consortium.hospitals.filter(({ folder }) => folder !== '');
  if (own.length === 0) return settings;
  const counted = own.find((hospital) => !isUncounted(hospital));
  if (counted !== undefined) {
    throw new SimulateError(
      { code: 'counted_twice', hospital: counted.id },
      `${file}: ${counted.id} has both cases and a folder, which says itself how many there are: leave out one`,
    );
  }
  const found = new Map<string, Pick<HospitalSettings, 'folder' | 'cases'>>();
  for (const hospital of own) {
    const folder = resolve(dirname(file), hospital.folder);
    const looked = await lookThrough({ ...hospital, folder }, settings, watch);
    watch.onHospital(looked);
    if (!looked.good.some(({ split }) => split === 'train')) {
      throw new SimulateError(
        { code: 'no_training_cases', hospital: hospital.id },
        `${hospital.id}: ${folder}: expected cases to train on in train, got none`,
      );
    }
    found.set(hospital.id, { folder, cases: countOwnCases(looked.good) });
  }
  return withOwnCases(settings, found, file);
}

async function lookThrough(
  { id, folder, reading }: HospitalSettings,
  { training: { heart } }: RunSettings,
  { onCase }: CountingWatch,
): Promise<LookedThrough> {
  const listed = await listOwnCases(folder);
  const setAside = [...listed.setAside];
  const good: OwnCaseFolder[] = [];
  for (const [index, own] of listed.cases.entries()) {
    onCase(id, index + 1, listed.cases.length);
    const checked = await trying(async () => {
      checkCase(await readCaseFiles(own, niftiBytesMax(reading)), heart, reading);
    });
    if ('problem' in checked) setAside.push({ name: own.name, ...checked });
    else good.push(own);
  }
  return { hospital: id, folder, good, setAside };
}
