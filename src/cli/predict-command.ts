/** `annulus predict`: points and calcium of one CT, in the CT's own space, and whether a heart can be so. */
import { join } from 'node:path';
import { printableLine } from '../base/index.ts';
import { exitCodes, type ExitCode } from './errors.ts';
import { intoFolder, readInput, readModelFolder, writeOutput } from './files.ts';
import { readingOf, type ReadingFlags } from './reading-flags.ts';
import type { World } from './world.ts';

export interface PredictFlags extends ReadingFlags {
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
  const { niftiBytesMax } = await import('../data/index.ts');
  const reading = await readingOf(flags);
  const bytesMax = niftiBytesMax(reading);
  const image = await readInput(flags.input, bytesMax);
  const heart =
    flags.heart === undefined
      ? null
      : { bytes: await readInput(flags.heart, bytesMax), name: flags.heart };
  return intoFolder(flags.output, async (output) => {
    const predict = await world.predict();
    const { files, lines, document, warning } = await predict({
      model,
      image,
      imageName: flags.input,
      heart,
      reading,
      backend: flags.backend,
      precision: flags.precision,
      onNote: (text) => {
        world.err(`${printableLine(text)}\n`);
      },
      onProgress: (done, total) => {
        if (!world.isLive) return;
        world.erase(0);
        if (done < total) world.out(`window ${done} of ${total}`);
      },
    });
    for (const [name, bytes] of files) await writeOutput(join(output, name), bytes);
    const written = [...files.keys()].map((name) => join(output, name));
    world.out(
      flags.format === 'json'
        ? `${JSON.stringify({ ...document, files: written }, null, 2)}\n`
        : `${[...lines, ...written].map(printableLine).join('\n')}\n`,
    );
    // Last, so that nothing that is written afterwards scrolls it away.
    if (warning.length > 0) world.err(banner(warning));
    return warning.length > 0 && flags.strict === true ? exitCodes.failed : exitCodes.done;
  });
}

/** A warning between two rules of its own. */
function banner(lines: readonly string[]): string {
  const rule = '!'.repeat(72);
  const advice =
    'Do not use this answer. It was written all the same; --strict makes this exit code 1.';
  return `${[rule, 'WARNING', ...lines, advice, rule].join('\n')}\n`;
}
