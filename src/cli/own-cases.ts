/** Hospitals' own folders of cases, as a preset names them. */
import { dirname, resolve } from 'node:path';
import type { HospitalSettings, RunSettings } from '../config/index.ts';

/**
 * The settings with what the folders hold, whose paths become absolute; a relative one stands beside the preset.
 *
 * @throws {NodeError} 'bad_cases'; {ConfigError} when nobody labelled a task
 */
export async function countOwnCasesOf(settings: RunSettings, file: string): Promise<RunSettings> {
  const { isUncounted, withOwnCases } = await import('../config/index.ts');
  const uncounted = settings.consortium.hospitals.filter(isUncounted);
  if (uncounted.length === 0) return settings;
  const { countOwnCases, listOwnCases } = await import('../node/index.ts');
  const found = new Map<string, Pick<HospitalSettings, 'folder' | 'cases'>>();
  for (const hospital of uncounted) {
    const folder = resolve(dirname(file), hospital.folder);
    found.set(hospital.id, { folder, cases: countOwnCases(await listOwnCases(folder)) });
  }
  return withOwnCases(settings, found, file);
}
