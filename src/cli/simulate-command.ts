/** `annulus simulate`: a whole consortium in this process, its report and its logs in one folder. */
import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { printableLine } from '../base/index.ts';
import type { Override, RunSettings } from '../config/index.ts';
import {
  durationText,
  renderReport,
  shortDigest,
  summaryOf,
  type RunRecord,
  type RunSummary,
} from '../report/index.ts';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import {
  defaultPreset,
  freeFolder,
  intoFolder,
  readInput,
  readNetworks,
  readPreset,
  requireFolder,
  writeOutput,
} from './files.ts';
import type { KillRequest } from '../experiment/index.ts';
import { settingOf } from './overrides.ts';
import { countOwnCasesOf } from './own-cases.ts';
import { ProgressView } from './progress-view.ts';
import { unlessStopped } from './stop-signals.ts';
import type { World } from './world.ts';

/** Flags of `simulate`, as typed. */
export interface SimulateFlags {
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
  const run = await (flags.resume === undefined
    ? newRun(presetName ?? defaultPreset, flags, world)
    : begunRun(flags.resume, presetName, given));
  const begun = flags.resume === undefined ? undefined : mark;
  return intoFolder(run.folder, (folder) => carryOut({ ...run, folder }, flags, world), begun);
}

async function carryOut(
  { settings, kills, folder }: Run,
  flags: SimulateFlags,
  world: World,
): Promise<ExitCode> {
  const { signal } = world;

  const asJson = flags.format === 'json';
  // With --format json, standard output carries the one document and nothing else.
  const view = new ProgressView({
    write: asJson ? world.err : world.out,
    erase: world.erase,
    isLive: world.isLive && !asJson,
    columns: world.columns,
    nowMs: world.nowMs,
  });
  let record: RunRecord;
  try {
    const ports = { id: basename(folder), outputFolder: folder, kills, signal };
    record = await unlessStopped(
      signal,
      () => stoppedWords(folder),
      async () => (await world.mainJob())(settings, ports, view.onProgress),
    );
  } finally {
    view.stop();
  }
  await writeOutput(join(folder, 'record.json'), `${JSON.stringify(record, null, 1)}\n`);
  await writeOutput(join(folder, 'report.html'), renderReport(record));
  const summary = summaryOf(record, folder);
  world.out(asJson ? `${JSON.stringify(summary)}\n` : textOf(summary));
  if (!summary.ok) return exitCodes.failed;
  return summary.missed.some(({ isAsked }) => !isAsked) ? exitCodes.incomplete : exitCodes.done;
}

async function newRun(presetName: string, flags: SimulateFlags, world: World): Promise<Run> {
  const { loadPreset } = await import('../config/index.ts');
  const preset = await readPreset(presetName);
  const networks = await readNetworks();
  const written = loadPreset(preset.text, preset.file, overridesOf(flags), networks);
  const settings = await countOwnCasesOf(written, preset.file, world);
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
    throw usageError(`--resume continues a run with its own settings: leave out ${others.join(', ')}`);
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

function textOf({ folder, ms, missed, sealedDigest, models, log }: RunSummary): string {
  const rounds = missed.map(
    ({ node, round, isAsked }) => `${node} in ${round}${isAsked ? ' (--kill)' : ''}`,
  );
  const same = models.filter(({ digest }) => digest === sealedDigest).length;
  return [
    '',
    `student   ${sealedDigest ?? 'not sealed'} on ${same} of ${models.length} nodes`,
    `log       ${log.entries} entries, root ${shortDigest(log.root)}, ${log.ok ? 'verified' : 'NOT verified'}`,
    ...(rounds.length > 0
      ? [
          `missed    ${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'} closed without a member: ${rounds.join(', ')}`,
        ]
      : []),
    `time      ${durationText(ms)}`,
    `report    ${join(folder, 'report.html')}`,
    '',
  ]
    .map(printableLine)
    .join('\n');
}
