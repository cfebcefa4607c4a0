/** What a run of the laboratory is told: a preset with `lab:` at its top, the record of a run, or a run to go on from. */
import { basename, dirname, join, resolve } from 'node:path';
import { fromUtf8 } from '../../base/index.ts';
import type { Override } from '../../config/index.ts';
import type { LabFiles, LabPlan, LabSettings } from '../../experiment/index.ts';
import { usageError } from '../errors.ts';
import { readInput, requireFolder, type PresetText } from '../files.ts';
import { settingOf } from '../overrides.ts';

/** Flags that change settings. */
export interface LabSettingFlags {
  readonly seed?: string;
  readonly rounds?: string;
  readonly set?: readonly string[];
}

/** A plan, what to call its folder, and the folder that may keep the state it goes on from. */
export interface ReadPlan {
  readonly plan: LabPlan;
  readonly name: string;
  readonly forkFolder: string | null;
}

const fileBytesMax = 64 * 1024 * 1024;
const recordStart = /^\s*\{\s*"format":\s*"annulus-lab\//;

/** Whether it is the laboratory's: a preset or the record of a run. @throws {ConfigError} 'bad_yaml', 'too_large' */
export async function isLabPreset({ text, file }: PresetText): Promise<boolean> {
  if (recordStart.test(text)) return true;
  // Most presets are told by their text: `annulus simulate` need not load more for them.
  if (!/^lab\s*:/m.test(text)) return false;
  const { hasSection } = await import('../../config/index.ts');
  return hasSection(text, file, 'lab');
}

/**
 * The plan of a preset, or of a record with other settings over its own.
 * @throws {ConfigError} naming file, line and key; {LabError} 'no_run'; {CliError} 'usage' when a file is missing
 */
export async function readPlan(
  { text, file }: PresetText,
  overrides: readonly Override[],
): Promise<ReadPlan> {
  const { loadSection } = await import('../../config/index.ts');
  const { labForm, planOfRecord, readRecord } = await import('../../experiment/index.ts');
  if (recordStart.test(text)) {
    if (overrides.length > 0) {
      throw usageError(
        `${file}: a record is run as it is: leave out ${overrides[0]?.source ?? ''}`,
      );
    }
    const plan = planOfRecord(readRecord(text, file), file);
    return { plan, name: `${basename(dirname(resolve(file)))}-again`, forkFolder: null };
  }
  const settings = loadSection(text, file, labForm, overrides);
  const stem = basename(file).replace(/\.ya?ml$/, '');
  const plan = { settings, files: await filesOf(settings, file), fork: null };
  return { plan, name: `${stem}-${settings.seed}`, forkFolder: null };
}

/**
 * `RUN:ROUND`, a run's folder and a round of it: the same run from there on, with other settings over its own.
 * @throws as `readPlan`
 */
export async function readFork(text: string, overrides: readonly Override[]): Promise<ReadPlan> {
  const [, path, digits] = /^(.+):(\d{1,7})$/.exec(text) ?? [];
  if (path === undefined || digits === undefined) {
    throw usageError(`--fork-at: expected RUN:ROUND such as runs/tiny-1:10, got "${text}"`);
  }
  const { loadSection } = await import('../../config/index.ts');
  const { labForm, planOfRecord, readRecord } = await import('../../experiment/index.ts');
  const forkFolder = await requireFolder(path);
  const file = join(forkFolder, 'record.json');
  const from = planOfRecord(readRecord(fromUtf8(await readInput(file)), file), file);
  const own = JSON.stringify({ lab: from.settings });
  const settings = loadSection(own, file, labForm, overrides);
  const isSame = (key: string): boolean => nameOf(settings, key) === nameOf(from.settings, key);
  const kept = Object.entries(from.files).filter(([key]) => isSame(key));
  const files = {
    ...(await filesOf(
      settings,
      'here',
      kept.map(([key]) => key),
    )),
    ...Object.fromEntries(kept),
  };
  const round = Number(digits);
  const name = `${basename(forkFolder)}-fork-${round}`;
  return { plan: { settings, files, fork: { from, round } }, name, forkFolder };
}

/** Settings that were typed: `topology.kind` stands for `lab.topology.kind`. @throws {CliError} 'usage' */
export function labOverrides({ seed, rounds, set }: LabSettingFlags): Override[] {
  const typed = (set ?? []).map(settingOf).map((one) => ({ ...one, key: labKey(one.key) }));
  return [
    ...(seed === undefined ? [] : [{ key: 'lab.seed', text: seed, source: '--seed' }]),
    ...(rounds === undefined ? [] : [{ key: 'lab.rounds', text: rounds, source: '--rounds' }]),
    ...typed,
  ];
}

/** The whole path of a setting. */
export function labKey(key: string): string {
  return key.startsWith('lab.') ? key : `lab.${key}`;
}

/** Files that settings name, read, without those of `but`; paths are beside `file` unless absolute. @throws {CliError} 'usage' */
async function filesOf(
  settings: LabSettings,
  file: string,
  but: readonly string[] = [],
): Promise<LabFiles> {
  const files: Record<string, string> = {};
  for (const key of ['links.trace', 'topology.file']) {
    const name = nameOf(settings, key);
    if (name === '' || but.includes(key)) continue;
    const path = resolve(dirname(file), name);
    const bytes = await readInput(path, fileBytesMax);
    try {
      files[key] = fromUtf8(bytes);
    } catch (error) {
      throw usageError(`${path}: expected UTF-8 text`, error);
    }
  }
  return files;
}

function nameOf({ links, topology }: LabSettings, key: string): string {
  return key === 'links.trace' ? links.trace : topology.file;
}
