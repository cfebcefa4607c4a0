/** `annulus simulate`: a whole consortium in this process, its report and its logs in one folder. */
import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { Override, RunSettings } from '../config/index.ts';
import { usageError, type ExitCode } from './errors.ts';
import {
  defaultPreset,
  freeFolder,
  intoFolder,
  readInput,
  readNetworks,
  readPreset,
  requireFolder,
} from './files.ts';
import type { KillRequest } from '../experiment/index.ts';
import { settingOf } from './overrides.ts';
import { countOwnCasesOf } from './own-cases.ts';
import { recordedRun } from './recorded-run.ts';
import { labCommand, labOnly, type LabFlags } from './lab/lab-command.ts';
import { isLabPreset } from './lab/lab-preset.ts';
import { virtualCommand, virtualOnly, type VirtualFlags } from './virtual-command.ts';
import type { World } from './world.ts';

/** Flags of `simulate`, as typed. */
export interface SimulateFlags
  extends VirtualFlags, Pick<LabFlags, 'untilRound' | 'snapshot' | 'forkAt'> {
  /** `real` or `virtual`. */
  readonly world: string;
  readonly out?: string;
  readonly seed?: string;
  readonly rounds?: string;
  readonly backend?: string;
  readonly precision?: string;
  readonly workers?: string;
  readonly kill?: readonly string[];
  readonly set?: readonly string[];
  readonly resume?: string;
  readonly format: string;
}

/** What says that a folder was begun by this command. */
const mark = 'run.json';
/** All that can be said of a run that was begun. */
const resumeFlags: readonly string[] = ['--resume', '--format'];

/** What is run, and where. */
interface Run {
  readonly settings: RunSettings;
  readonly kills: readonly KillRequest[];
  readonly folder: string;
}

/**
 * Runs a consortium, new or begun before, and writes its record and report. Exit 0 when one model is everywhere and the log
 * verifies, 1 when not, 4 when rounds lack a member that nobody asked to leave.
 *
 * @param given the flags that were typed, by their long names
 * @throws {CliError} 'usage', 'stopped'; {ConfigError}; as `runMainJob`
 */
export async function simulateCommand(
  presetName: string | undefined,
  flags: SimulateFlags,
  given: readonly string[],
  world: World,
): Promise<ExitCode> {
  if (flags.resume === undefined) {
    const named = presetName === undefined ? null : await readPreset(presetName);
    if (flags.forkAt !== undefined || (named !== null && (await isLabPreset(named)))) {
      return labCommand(named, flags, given, world);
    }
    const lab = given.filter((flag) => labOnly.includes(flag));
    if (lab.length > 0) throw usageError(`${lab.join(', ')}: only with a preset of the laboratory`);
  }
  if (flags.world === 'virtual') {
    const name = presetName ?? defaultPreset;
    const { settings, file } = await readSettings(name, flags);
    const counted = await countOwnCasesOf(settings, file, world);
    return virtualCommand(name, counted, flags, given, world);
  }
  const run = await (flags.resume === undefined
    ? newRun(presetName ?? defaultPreset, flags, given, world)
    : begunRun(flags.resume, presetName, given));
  const begun = flags.resume === undefined ? undefined : mark;
  return intoFolder(run.folder, (folder) => carryOut({ ...run, folder }, flags, world), begun);
}

function carryOut(
  { settings, kills, folder }: Run,
  flags: SimulateFlags,
  world: World,
): Promise<ExitCode> {
  const ports = { id: basename(folder), outputFolder: folder, kills, signal: world.signal };
  return recordedRun(
    {
      ...{ folder, format: flags.format },
      stoppedWords: () => stoppedWords(folder),
      work: async (onProgress) => (await world.mainJob())(settings, ports, onProgress),
    },
    world,
  );
}

async function readSettings(
  presetName: string,
  flags: SimulateFlags,
): Promise<{ readonly settings: RunSettings; readonly file: string }> {
  const { loadPreset } = await import('../config/index.ts');
  const { text, file } = await readPreset(presetName);
  return { settings: loadPreset(text, file, overridesOf(flags), await readNetworks()), file };
}

async function newRun(
  presetName: string,
  flags: SimulateFlags,
  given: readonly string[],
  world: World,
): Promise<Run> {
  const foreign = given.filter((flag) => virtualOnly.includes(flag));
  if (foreign.length > 0) throw usageError(`${foreign.join(', ')}: only with --world virtual`);
  const written = await readSettings(presetName, flags);
  const settings = await countOwnCasesOf(written.settings, written.file, world);
  const kills = (flags.kill ?? []).map(parseKill);
  const { checkKills } = await import('../experiment/index.ts');
  checkKills(kills, settings);
  const stem = basename(presetName).replace(/\.ya?ml$/, '');
  const folder = flags.out ?? (await freeFolder(join('runs', `${stem}-${settings.seed}`)));
  return { settings, kills, folder };
}

/** A run that ended before its time; nothing of it can be asked for anew. */
async function begunRun(
  path: string,
  presetName: string | undefined,
  given: readonly string[],
): Promise<Run> {
  const { loadPreset } = await import('../config/index.ts');
  const { readRunFile } = await import('../experiment/index.ts');
  const folder = await requireFolder(path);
  const file = join(folder, mark);
  const bytes = await readInput(file).catch(() => null);
  const { settings, kills } = readRunFile(bytes, path);
  const others = [presetName ?? [], ...given.filter((flag) => !resumeFlags.includes(flag))].flat();
  if (others.length > 0) {
    throw usageError(
      `--resume continues a run with its own settings: leave out ${others.join(', ')}`,
    );
  }
  // The file may have been edited: its settings are read as strictly as a preset's, which JSON is too.
  return { settings: loadPreset(JSON.stringify(settings), file), kills, folder };
}

/** Before the run was written down there is nothing to go on with. */
function stoppedWords(folder: string): string {
  if (!existsSync(join(folder, mark))) return 'stopped before the run was begun';
  const near = relative('', folder);
  return `stopped; to continue: annulus simulate --resume ${near.startsWith('..') ? folder : near}`;
}

function overridesOf(flags: SimulateFlags): Override[] {
  const overrides: Override[] = [];
  const add = (key: string, text: string | undefined, source: string): void => {
    if (text !== undefined) overrides.push({ key, text, source });
  };
  add('seed', flags.seed, '--seed');
  add('compute.backend', flags.backend, '--backend');
  add('compute.precision', flags.precision, '--precision');
  add('compute.workers', flags.workers, '--workers');
  add('training.teacher.rounds', flags.rounds, '--rounds');
  add('training.student.rounds', flags.rounds, '--rounds');
  return [...overrides, ...(flags.set ?? []).map(settingOf)];
}

/** `L3@student:2`. @throws {CliError} 'usage' */
function parseKill(text: string): KillRequest {
  const [, node, stage, round] = /^([^@]+)@([a-z-]+):(\d{1,6})$/.exec(text) ?? [];
  if (node === undefined || stage === undefined || round === undefined) {
    throw usageError(`--kill: expected HOSPITAL@STAGE:ROUND such as L3@student:2, got "${text}"`);
  }
  return { node, stage, stageRound: Number(round) };
}
