/** Hospitals' own folders of cases, as a preset names them. */
import { dirname, resolve } from 'node:path';
import { printableLine } from '../base/index.ts';
import type { HospitalSettings, RunSettings } from '../config/index.ts';
import type { OwnCaseFolder, SetAside } from '../hospital/index.ts';
import { usageError } from './errors.ts';
import type { World } from './world.ts';

/**
 * The settings with what the folders hold, whose paths become absolute; a relative one stands beside the preset. Every case is
 * read: what cannot be used is named on standard error, set aside and not counted.
 *
 * @throws {CliError} 'usage' where cases are counted beside a folder, or none to train on are left; {HostError} 'bad_cases';
 * {ConfigError} when nobody labelled a task
 */
export async function countOwnCasesOf(
  settings: RunSettings,
  file: string,
  world: World,
): Promise<RunSettings> {
  const { isUncounted, withOwnCases } = await import('../config/index.ts');
  const own = settings.consortium.hospitals.filter(({ folder }) => folder !== '');
  if (own.length === 0) return settings;
  const counted = own.find((hospital) => !isUncounted(hospital));
  if (counted !== undefined) {
    throw usageError(
      `${file}: ${counted.id} has both cases and a folder, which says itself how many there are: leave out one`,
    );
  }
  const { countOwnCases } = await import('../hospital/index.ts');
  const found = new Map<string, Pick<HospitalSettings, 'folder' | 'cases'>>();
  for (const hospital of own) {
    const folder = resolve(dirname(file), hospital.folder);
    const { good, setAside } = await usableCases({ ...hospital, folder }, settings, world);
    for (const { name, problem } of setAside) {
      world.err(`${hospital.id}: SET ASIDE ${printableLine(`${name}: ${problem}`)}\n`);
    }
    if (setAside.length > 0) {
      const total = good.length + setAside.length;
      world.err(
        `${hospital.id}: ${setAside.length} of ${total} are set aside, and the run goes without them; ` +
          `annulus cases ${printableLine(folder)} looks at all\n`,
      );
    }
    if (!good.some(({ split }) => split === 'train')) {
      throw usageError(`${hospital.id}: ${folder}: expected cases to train on in train, got none`);
    }
    found.set(hospital.id, { folder, cases: countOwnCases(good) });
  }
  return withOwnCases(settings, found, file);
}

async function usableCases(
  { id, folder, reading }: HospitalSettings,
  { training: { heart } }: RunSettings,
  world: World,
): Promise<{ readonly good: readonly OwnCaseFolder[]; readonly setAside: readonly SetAside[] }> {
  const { listOwnCases, readCaseFiles, trying } = await import('../hospital/index.ts');
  const { checkCase } = await import('../distill/index.ts');
  const { niftiBytesMax } = await import('../data/index.ts');
  const listed = await listOwnCases(folder);
  const setAside = [...listed.setAside];
  const good: OwnCaseFolder[] = [];
  for (const [index, own] of listed.cases.entries()) {
    if (world.isLive) world.out(`${id}: looking at case ${index + 1} of ${listed.cases.length}`);
    const checked = await trying(async () => {
      checkCase(await readCaseFiles(own, niftiBytesMax(reading)), heart, reading);
    });
    if (world.isLive) world.erase(0);
    if ('problem' in checked) setAside.push({ name: own.name, ...checked });
    else good.push(own);
  }
  return { good, setAside };
}
