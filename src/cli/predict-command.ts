/** `annulus predict`: points and calcium of one CT, in the CT's own space. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import { openOutputFolder, readInput, requireFolder, writeOutput } from './files.ts';
import type { World } from './world.ts';

export interface PredictFlags {
  readonly model: string;
  readonly input: string;
  readonly heart?: string;
  readonly output: string;
  readonly backend: string;
  readonly precision: string;
}

/** A model's folder is a handful of files; a home directory given by mistake is not. */
const modelFilesMax = 32;

export async function predictCommand(flags: PredictFlags, world: World): Promise<ExitCode> {
  const modelFolder = await requireFolder(flags.model);
  const entries = await readdir(modelFolder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  if (names.length === 0 || names.length > modelFilesMax) {
    throw usageError(`${flags.model}: expected the folder of a model, found ${names.length} files`);
  }
  const model = new Map<string, Uint8Array>();
  for (const name of names) model.set(name, await readInput(join(modelFolder, name)));
  const image = await readInput(flags.input);
  const heart =
    flags.heart === undefined ? null : { bytes: await readInput(flags.heart), name: flags.heart };
  const output = await openOutputFolder(flags.output);
  const predict = await world.predict();
  const { files, lines } = await predict({
    model,
    image,
    imageName: flags.input,
    heart,
    backend: flags.backend,
    precision: flags.precision,
    onNote: (text) => {
      world.err(`${text}\n`);
    },
    onProgress: (done, total) => {
      if (world.isLive) world.err(`\rwindow ${done} of ${total}${done === total ? '\n' : ''}`);
    },
  });
  for (const [name, bytes] of files) await writeOutput(join(output, name), bytes);
  world.out([...lines, ...[...files.keys()].map((name) => join(output, name)), ''].join('\n'));
  return exitCodes.done;
}
