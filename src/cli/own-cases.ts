/** Hospitals' own folders of cases, as a preset names them. */
import { dirname, resolve } from 'node:path';
import { usageError } from './errors.ts';
import type { HospitalSettings, RunSettings } from '../config/index.ts';

/**
 * The settings with what the folders hold, whose paths become absolute; a relative one stands beside the preset.
 *
 * @throws {CliError} 'usage' where cases are counted beside a folder; {NodeError} 'bad_cases'; {ConfigError} when nobody labelled a task
 */
export async function countOwnCasesOf(settings: RunSettings, file: string): Promise<RunSettings> {
  const { isUncounted, withOwnCases } = await import('../config/index.ts');
  const own = settings.consortium.hospitals.filter(({ folder }) => folder !== '');
  if (own.length === 0) return settings;
  const counted = own.find((hospital) => !isUncounted(hospital));
  if (counted !== undefined) {
    throw usageError(
      `${file}: ${counted.id} has both cases and a folder, which says itself how many there are: leave out one`,
    );
  }
  const { countOwnCases, listOwnCases } = await import('../node/index.ts');
  const found = new Map<string, Pick<HospitalSettings, 'folder' | 'cases'>>();
  for (const hospital of own) {
    const folder = resolve(dirname(file), hospital.folder);
    found.set(hospital.id, { folder, cases: countOwnCases(await listOwnCases(folder)) });
  }
  return withOwnCases(settings, found, file);
}
