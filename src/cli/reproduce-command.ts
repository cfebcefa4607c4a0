/** `annulus reproduce`: the paper's six arms, their table and figure, its claims put to the test. */
import { basename, join } from 'node:path';
import { printableLine } from '../base/index.ts';
import type { Override, RunSettings } from '../config/index.ts';
import { renderReproduction, reproductionText, type ReproductionRecord } from '../report/index.ts';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import { intoFolder, readNetworks, readPreset, writeOutput } from './files.ts';
import { settingOf } from './overrides.ts';
import { countOwnCasesOf } from './own-cases.ts';
import { unlessStopped } from './stop-signals.ts';
import { WorkView } from './work-view.ts';
import type { World } from './world.ts';

/** Flags of `reproduce`, as typed. */
export interface ReproduceFlags {
  readonly out?: string;
  readonly seeds: string;
  readonly set?: readonly string[];
  readonly backend?: string;
  readonly workers?: string;
  readonly format: string;
}

/** Of `--seeds`: three, as the table in docs/reproduction.md. */
export const defaultSeeds = '1,2,3';

/** What says that a folder was begun by this command. */
const mark = 'reproduction.json';
const seedMax = 2 ** 32 - 1;

/**
 * Trains and compares the six arms, or goes on where the folder ends, and writes table, figures and record.
 *
 * @throws {CliError} 'usage', 'stopped'; {ConfigError}; as `reproduce`
 */
export async function reproduceCommand(
  presetName: string,
  flags: ReproduceFlags,
  world: World,
): Promise<ExitCode> {
  const { loadPreset } = await import('../config/index.ts');
  const seeds = parseSeeds(flags.seeds);
  const preset = await readPreset(presetName);
  const networks = await readNetworks();
  const written = loadPreset(preset.text, preset.file, overridesOf(flags), networks);
  const settings = await countOwnCasesOf(written, preset.file, world);
  const path = flags.out ?? defaultFolder(presetName);
  return intoFolder(path, (folder) => carryOut(settings, seeds, folder, flags, world), mark);
}

async function carryOut(
  settings: RunSettings,
  seeds: readonly number[],
  folder: string,
  flags: ReproduceFlags,
  world: World,
): Promise<ExitCode> {
  const asJson = flags.format === 'json';
  // With --format json, standard output carries the one document and nothing else.
  const view = new WorkView({
    write: asJson ? world.err : world.out,
    erase: world.erase,
    isLive: world.isLive && !asJson,
    columns: world.columns,
    nowMs: world.nowMs,
  });
  const { signal } = world;
  const ports = { outputFolder: folder, seeds, signal };
  let record: ReproductionRecord;
  try {
    record = await unlessStopped(
      signal,
      () => 'stopped; the same command continues where it stopped',
      async () => (await world.reproduce())(settings, ports, view.onProgress),
    );
  } finally {
    view.stop();
  }
  const table = reproductionText(record);
  const json = JSON.stringify(record);
  await writeOutput(join(folder, 'results.json'), `${json}\n`);
  await writeOutput(join(folder, 'table.txt'), table);
  await writeOutput(join(folder, 'report.html'), renderReproduction(record));
  const report = printableLine(join(folder, 'report.html'));
  world.out(asJson ? `${json}\n` : `\n${table}\nreport    ${report}\n`);
  return exitCodes.done;
}

/** A stable name, so that the same command goes on where it was. */
function defaultFolder(presetName: string): string {
  const stem = basename(presetName).replace(/\.ya?ml$/, '');
  return join('runs', stem === 'reproduce' ? stem : `reproduce-${stem}`);
}

/** `1,2,3`. @throws {CliError} 'usage' */
function parseSeeds(text: string): number[] {
  const seeds = text.split(',').map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : NaN));
  const isGood = seeds.every((seed) => seed <= seedMax) && new Set(seeds).size === seeds.length;
  if (!isGood) {
    throw usageError(
      `--seeds: expected different whole numbers from 0 to ${seedMax} such as ${defaultSeeds}, got "${text}"`,
    );
  }
  return seeds;
}

function overridesOf({ backend, workers, set }: ReproduceFlags): Override[] {
  const named = [
    { key: 'compute.backend', text: backend, source: '--backend' },
    { key: 'compute.workers', text: workers, source: '--workers' },
  ];
  return [
    ...named.flatMap(({ text, ...one }) => (text === undefined ? [] : [{ ...one, text }])),
    ...(set ?? []).map(settingOf),
  ];
}
