/** `annulus predict`: points and calcium of one CT, in the CT's own space, and whether a heart can be so. */
import { join } from 'node:path';
import { exitCodes, type ExitCode } from './errors.ts';
import { openOutputFolder, readInput, readModelFolder, writeOutput } from './files.ts';
import type { World } from './world.ts';

export interface PredictFlags {
  readonly model: string;
  readonly input: string;
  readonly heart?: string;
  readonly output: string;
  readonly backend: string;
  readonly precision: string;
  readonly format: string;
  readonly strict?: boolean;
}

export async function predictCommand(flags: PredictFlags, world: World): Promise<ExitCode> {
  const model = await readModelFolder(flags.model);
  const image = await readInput(flags.input);
  const heart =
    flags.heart === undefined ? null : { bytes: await readInput(flags.heart), name: flags.heart };
  const output = await openOutputFolder(flags.output);
  const predict = await world.predict();
  const { files, lines, document, warning } = await predict({
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
  const written = [...files.keys()].map((name) => join(output, name));
  const text = `${[...lines, ...written].join('\n')}\n`;
  world.out(
    flags.format === 'json'
      ? `${JSON.stringify({ ...document, files: written }, null, 2)}\n`
      : text,
  );
  // Last, so that nothing that is written afterwards scrolls it away.
  if (warning.length > 0) world.err(banner(warning));
  return warning.length > 0 && flags.strict === true ? exitCodes.failed : exitCodes.done;
}

/** A warning between two rules of its own. */
function banner(lines: readonly string[]): string {
  const rule = '!'.repeat(72);
  const advice =
    'Do not use this answer. It was written all the same; --strict makes this exit code 1.';
  return `${[rule, 'WARNING', ...lines, advice, rule].join('\n')}\n`;
}
