/** Flags that answer what a file leaves open, for every command that reads CTs. The same words stand in a preset. */
import { Option, type Command } from 'commander';
import type { ReadingSettings } from '../data/index.ts';
import { usageError } from './errors.ts';
import { readNumbers } from './numbers.ts';

/** How files are read where they can be read in more than one way, as typed. */
export interface ReadingFlags {
  readonly frame?: string;
  readonly axes?: string;
  readonly units?: 'header' | 'mm';
  readonly voxelsMax?: string;
}

/** Declares them on a command that reads CTs; gives the command back. */
export function addReadingFlags(command: Command): Command {
  return command
    .option('--frame <n>', 'which volume, from 0, of a file with several in time')
    .option('--axes <letters>', 'where the axes point in files without orientation, such as LAS')
    .addOption(
      new Option('--units <which>', 'for files in metres or microns: believe the header, or read the numbers as mm').choices(['header', 'mm']), // prettier-ignore
    )
    .option('--voxels-max <n>', 'largest volume that is read (default: 134217728, 512 cubed)');
}

/** @throws {CliError} 'usage' naming the flag */
export async function readingOf(flags: ReadingFlags): Promise<ReadingSettings> {
  const { DataError, readingDefaults, validateReadingSettings } = await import('../data/index.ts');
  const count = (flag: string, text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : (readNumbers(flag, text, 1)[0] ?? otherwise);
  const { frame, voxelsMax } = readingDefaults;
  const reading: ReadingSettings = {
    frame: count('--frame', flags.frame, frame),
    axes: flags.axes ?? readingDefaults.axes,
    units: flags.units ?? readingDefaults.units,
    voxelsMax: count('--voxels-max', flags.voxelsMax, voxelsMax),
  };
  try {
    return validateReadingSettings(reading);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const said = error.message
      .replace('reading.voxelsMax', '--voxels-max')
      .replace('reading.', '--');
    throw usageError(said, error);
  }
}
