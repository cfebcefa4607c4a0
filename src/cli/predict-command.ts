/** `annulus predict`: points and calcium of one CT, in the CT's own space, and whether a heart can be so. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { AnnulusError, printableLine } from '../base/index.ts';
import { exitCodes, usageError, type ExitCode } from './errors.ts';
import { intoFolder, readInput, readModelFolder, writeOutput } from './files.ts';
import { readingOf, type ReadingFlags } from './reading-flags.ts';
import type { World } from './world.ts';

/** Flags of `predict`, as typed. */
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

/**
 * Predicts one CT and writes its files. Exit 0, with `--strict` 1 when the answer is implausible.
 *
 * @throws {CliError} 'usage', among others when a segmentation of the heart is missing or of no use; as `predictFile`
 */
export async function predictCommand(flags: PredictFlags, world: World): Promise<ExitCode> {
  const model = await readModelFolder(flags.model);
  const { niftiBytesMax } = await import('../data/index.ts');
  const reading = await readingOf(flags);
  const bytesMax = niftiBytesMax(reading);
  const image = { bytes: await readInput(flags.input, bytesMax), name: flags.input };
  const heart =
    flags.heart === undefined
      ? null
      : { bytes: await readInput(flags.heart, bytesMax), name: flags.heart };
  return intoFolder(flags.output, async (output) => {
    const predict = await world.predict();
    const { files, lines, document, warning } = await namingFlags(() =>
      predict({
        model,
        image,
        heart,
        reading,
        engine: {
          ...{ backend: flags.backend as 'auto', precision: flags.precision as 'f32' },
          threads: availableParallelism(),
        },
        onNote: (text) => {
          world.err(`${printableLine(text)}\n`);
        },
        onProgress: (done, total) => {
          if (!world.isLive) return;
          world.erase(0);
          if (done < total) world.out(`window ${done} of ${total}`);
        },
      }),
    );
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

/** What the rooms below say of a segmentation, with the flag that puts it right. @throws {CliError} 'usage' */
async function namingFlags<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AnnulusError)) throw error;
    if (error.code === 'heart_missing') {
      throw usageError(`${error.message}: give it as --heart FILE`, error);
    }
    if (error.code === 'heart_unused') throw usageError(`--heart: ${error.message}`, error);
    throw error;
  }
}

/** A warning between two rules of its own. */
function banner(lines: readonly string[]): string {
  const rule = '!'.repeat(72);
  const advice =
    'Do not use this answer. It was written all the same; --strict makes this exit code 1.';
  return `${[rule, 'WARNING', ...lines, advice, rule].join('\n')}\n`;
}
