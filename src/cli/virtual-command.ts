/** `annulus simulate --world virtual`: the peers of a consortium in virtual time, with faults as data. */
import { basename, join } from 'node:path';
import { fromUtf8 } from '../base/index.ts';
import type { RunSettings } from '../config/index.ts';
import type { VirtualPorts } from '../experiment/index.ts';
import { usageError, type ExitCode } from './errors.ts';
import { freeFolder, intoFolder, readInput } from './files.ts';
import { recordedRun } from './recorded-run.ts';
import type { World } from './world.ts';

/** Flags that mean something in virtual time alone. */
export interface VirtualFlags {
  readonly members?: string;
  readonly faults?: string;
  readonly faultSeed?: string;
  readonly attack?: string;
  readonly until?: string;
}

/** By their long names. */
export const virtualOnly: readonly string[] = [
  '--members',
  '--faults',
  '--fault-seed',
  '--attack',
  '--until',
];
/** What a virtual world has nothing of. */
const realOnly: readonly string[] = [
  ...['--kill', '--resume', '--backend', '--precision', '--workers'],
];
const faultBytesMax = 64 * 1024 * 1024;
const untilMaxS = 366 * 86_400;

/**
 * @param preset settings as the preset and `--set` give them
 * @param given the flags that were typed, by their long names
 */
export async function virtualCommand(
  presetName: string,
  preset: RunSettings,
  flags: VirtualFlags & { readonly out?: string; readonly format: string },
  given: readonly string[],
  world: World,
): Promise<ExitCode> {
  const foreign = given.filter((flag) => realOnly.includes(flag));
  if (foreign.length > 0) throw usageError(`${foreign.join(', ')}: not with --world virtual`);
  const { runVirtual, withMembers } = await import('../experiment/index.ts');
  const { members } = flags;
  const settings = members === undefined ? preset : withMembers(preset, wholeOf(members));
  const id = `${basename(presetName).replace(/\.ya?ml$/, '')}-virtual-${settings.seed}`;
  const ports: VirtualPorts = {
    id,
    faults: await faultsOf(flags, settings),
    attack: await attackOf(flags.attack, settings),
    untilMs: untilMsOf(flags.until),
    signal: world.signal,
  };
  const out = flags.out ?? (await freeFolder(join('runs', id)));
  return intoFolder(out, (folder) =>
    recordedRun(
      {
        ...{ folder, format: flags.format },
        stoppedWords: () => 'stopped; nothing was written: the same command begins anew',
        work: (onProgress) => runVirtual(settings, ports, onProgress),
      },
      world,
    ),
  );
}

async function faultsOf(
  { faults: file, faultSeed }: VirtualFlags,
  settings: RunSettings,
): Promise<VirtualPorts['faults']> {
  if (file !== undefined && faultSeed !== undefined) {
    throw usageError('--faults, --fault-seed: one of the two');
  }
  const { drawnFaults, faultsFrom } = await import('../experiment/index.ts');
  if (file !== undefined) {
    return faultsFrom(fromUtf8(await readInput(file, faultBytesMax)), file, settings);
  }
  if (faultSeed === undefined) return [];
  const seed = wholeOf(faultSeed);
  if (!(seed >= 0 && seed <= 2 ** 32 - 1)) {
    throw usageError(
      `--fault-seed: expected a whole number from 0 to 4294967295, got ${faultSeed}`,
    );
  }
  return drawnFaults(seed, settings);
}

async function attackOf(
  file: string | undefined,
  settings: RunSettings,
): Promise<VirtualPorts['attack']> {
  if (file === undefined) return null;
  const { attackFrom } = await import('../experiment/index.ts');
  return attackFrom(fromUtf8(await readInput(file, faultBytesMax)), file, settings);
}

function untilMsOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = wholeOf(text);
  if (seconds >= 1 && seconds <= untilMaxS) return 1000 * seconds;
  throw usageError(`--until: expected whole seconds from 1 to ${untilMaxS}, got ${text}`);
}

/** NaN for what is no whole number in plain digits. */
function wholeOf(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : NaN;
}
