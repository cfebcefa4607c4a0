/** `annulus predict`: points, calcium and measures of one CT or of many, and whether a heart can be so. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { AnnulusError, printableLine } from '../../base/index.ts';
import { packageFile } from '../../host/index.ts';
import type { PredictRequest } from '../../prediction/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { intoFolder, readInput, readModelFolder, writeOutput } from '../files.ts';
import { packageVersion } from '../package-version.ts';
import { readingOf } from '../reading-flags.ts';
import type { World } from '../world.ts';
import type { CtPaths, PredictFlags, PreparePrediction } from './flags.ts';
import { openImage } from './image-input.ts';
import { predictWorklist } from './worklist-command.ts';

/** A student for those who have not trained one; docs/sample-student.md says what it is worth. */
const sampleStudent = 'config/sample/student';

/**
 * Predicts and writes files. Exit 0; with `--strict` 1 when an answer is implausible; of a worklist 1 when a CT failed.
 *
 * @throws {CliError} 'usage', among others when a segmentation of the heart is missing or of no use; as `predictFile`
 */
export async function predictCommand(flags: PredictFlags, world: World): Promise<ExitCode> {
  const { input, worklist } = flags;
  if ((input === undefined) === (worklist === undefined)) {
    throw usageError('expected one of --input (a CT) and --worklist (many), got both or neither');
  }
  if (flags.model === undefined && flags.format === 'text') {
    world.out(
      'no --model: taking the student that comes along, which was trained on phantoms alone\n',
    );
  }
  const model = await readModelFolder(flags.model ?? packageFile(sampleStudent));
  const prepare = await predictorOf(flags, model, world);
  if (worklist === undefined) {
    const paths = { input: input ?? '', heart: flags.heart ?? null, series: flags.series ?? null };
    return predictOne(paths, prepare, flags, world);
  }
  for (const flag of ['heart', 'series'] as const) {
    if (flags[flag] === undefined) continue;
    throw usageError(`--${flag} is of one CT: in a worklist it is the column ${flag}`);
  }
  return predictWorklist(worklist, { prepare, model, flags, world });
}

async function predictOne(
  paths: CtPaths,
  prepare: PreparePrediction,
  flags: PredictFlags,
  world: World,
): Promise<ExitCode> {
  const tell = (text: string): void => {
    world.err(`${printableLine(text)}\n`);
  };
  const predict = await prepare(paths, tell);
  return intoFolder(flags.output, async (output) => {
    const { files, lines, document, warning } = await namingFlags(predict);
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

/** Reads what the paths name, and predicts it. The flags are looked at now and not with the first CT. */
async function predictorOf(
  flags: PredictFlags,
  model: PredictRequest['model'],
  world: World,
): Promise<PreparePrediction> {
  const { niftiBytesMax } = await import('../../data/index.ts');
  const reading = await readingOf(flags);
  const bytesMax = niftiBytesMax(reading);
  const version = await packageVersion();
  const engine = {
    ...{ backend: flags.backend as 'auto', precision: flags.precision as 'f32' },
    threads: availableParallelism(),
  };
  return async ({ input, heart, series }, onNote) => {
    const { image, close } = await openImage(input, { series, reading, bytesMax });
    const segmented =
      heart === null ? null : { bytes: await readInput(heart, bytesMax), name: heart };
    return async () => {
      try {
        const predict = await world.predict();
        return await predict({
          ...{ model, image, heart: segmented, reading, engine, onNote },
          made: { ...wallClock(world.dateMs()), version },
          onProgress: (done, total) => {
            if (!world.isLive) return;
            world.erase(0);
            if (done < total) world.out(`window ${done} of ${total}`);
          },
        });
      } finally {
        await close();
      }
    };
  };
}

/** Date and time of day as DICOM writes them, where this machine stands. */
function wallClock(ms: number): { readonly date: string; readonly time: string } {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return {
    date: `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`,
    time: `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`,
  };
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
