/** `annulus import`: another program's weights as a model to begin from. */
import { basename, join } from 'node:path';
import { printableLine } from '../base/index.ts';
import type { TaskId } from '../data/index.ts';
import type { HeartUse } from '../distill/index.ts';
import type { ModelSpec } from '../models/index.ts';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import { intoFolder, readInput, readNetwork, writeOutput } from './files.ts';
import { readNumbers } from './numbers.ts';
import type { World } from './world.ts';

/** As `training.heart`; named here so that `--help` loads no room. */
export const heartChoices: readonly HeartUse[] = ['none', 'condition', 'head'];

/** Flags of `import`, as typed. */
export interface ImportFlags {
  readonly model: string;
  readonly output: string;
  readonly tasks: string;
  readonly heart: HeartUse;
  readonly window?: string;
  readonly spacing: string;
  readonly freshHeads?: boolean;
  readonly seed: string;
  readonly format: string;
}

/**
 * Makes a model's folder of a weights file, and tells what was taken, left out and drawn anew.
 *
 * @param weights path of the safetensors file
 * @throws {CliError} 'usage'; {InteropError} when the file is not of this network; {ConfigError} for the network's own file
 */
export async function importCommand(
  weights: string,
  flags: ImportFlags,
  world: World,
): Promise<ExitCode> {
  const { loadArchitecture, modelSpecFor } = await import('../config/index.ts');
  const { importLines, importStudent } = await import('../interop/index.ts');
  const { safetensorsLimits } = await import('../weights/index.ts');
  const network = await readNetwork(flags.model);
  const tasks = await readTasks(flags.tasks);
  const spec = modelSpecFor(loadArchitecture(network.text, network.file), tasks, flags.heart);
  const bytes = await readInput(weights, safetensorsLimits.maxBytes);
  const [seed] = readNumbers('--seed', flags.seed, 1) as [number];
  const { files, digest, report } = importStudent(bytes, basename(weights), spec, {
    ...{ seed, freshHeads: flags.freshHeads === true },
    spacingMm: readNumbers('--spacing', flags.spacing, 3) as [number, number, number],
    window: flags.window === undefined ? null : await readWindow(flags.window, spec),
  });
  const output = await intoFolder(flags.output, async (folder) => {
    for (const [name, file] of files) await writeOutput(join(folder, name), file);
    return folder;
  });
  world.out(
    flags.format === 'json'
      ? `${JSON.stringify({ weights, folder: output, digest, spec, ...report })}\n`
      : `${[...importLines(report), `model     ${output}, digest ${digest}`].map(printableLine).join('\n')}\n`,
  );
  return exitCodes.done;
}

/** A size that the network takes. @throws {CliError} 'usage' */
async function readWindow(text: string, spec: ModelSpec): Promise<[number, number, number]> {
  const { checkInput, ModelsError } = await import('../models/index.ts');
  const window = readNumbers('--window', text, 3) as [number, number, number];
  try {
    checkInput(spec, [1, ...window, spec.inChannels]);
  } catch (error) {
    if (!(error instanceof ModelsError)) throw error;
    throw usageError(`--window: ${error.message}`, error);
  }
  return window;
}

async function readTasks(text: string): Promise<TaskId[]> {
  const { parseTaskId, taskIds } = await import('../data/index.ts');
  const tasks = text.split(',').flatMap((word) => parseTaskId(word) ?? []);
  if (tasks.length !== text.split(',').length || new Set(tasks).size !== tasks.length) {
    throw usageError(`--tasks: expected some of ${taskIds.join(',')}, got "${text}"`);
  }
  return tasks;
}
