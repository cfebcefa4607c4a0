/** Flags that say how a site's files are read, for every command that reads them. */
import type { Command } from 'commander';
import type { SiteReading } from '../../hospital/index.ts';
import { usageError } from '../errors.ts';
import { collect } from '../given-flags.ts';
import { parseCount } from '../numbers.ts';
import { addReadingFlags, readingOf, type ReadingFlags } from '../reading-flags.ts';

/** As typed. */
export interface SiteFlags extends ReadingFlags {
  readonly name?: readonly string[];
  readonly series?: readonly string[];
  readonly keepImplausible?: boolean;
}

/** As typed. */
export interface WorkersFlags {
  readonly workers: string;
}

/** What a home says where no flag does. */
export type SiteSettings = Pick<SiteReading, 'names' | 'reading'>;

/** Declares them; gives the command back. */
export function addSiteFlags(command: Command): Command {
  command
    .option(
      '--name <theirs=ours>',
      'what a name of yours means: "Hinge RCC = RCC", "STJ = ignore"; repeatable',
      collect,
    ) // prettier-ignore
    .option(
      '--series <which>',
      'of several CT series in a case: ask (default), largest, or a key such as ct-1a2b3c4d; keys repeatable',
      collect,
    )
    .option('--keep-implausible', 'believe labels that no heart usually has');
  return addReadingFlags(command);
}

/** Declares how many threads read; gives the command back. */
export function addWorkers(command: Command): Command {
  return command.option(
    '--workers <n>',
    'threads that read; 0: as many as processors and memory allow',
    '0',
  );
}

/** @param settings of the home; null where there is none. @throws {CliError} 'usage' naming the flag */
export async function siteReadingOf(
  flags: SiteFlags,
  settings: SiteSettings | null,
): Promise<SiteReading> {
  const { DataError, labelNames } = await import('../../data/index.ts');
  const names = [...(settings?.names ?? []), ...(flags.name ?? [])];
  try {
    labelNames(names);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw usageError(error.message.replace(/^names:/, '--name:'), error);
  }
  const { keepImplausible = false } = flags;
  const series = seriesOf(flags.series ?? ['ask']);
  const typed = await readingOf(flags);
  const reading = settings === null ? typed : withHome(typed, settings.reading, flags);
  return { reading, names, series, keepImplausible };
}

/** @throws {CliError} 'usage' */
function seriesOf(typed: readonly string[]): SiteReading['series'] {
  const [first] = typed;
  if (typed.length === 1 && (first === 'ask' || first === 'largest')) return first;
  const wrong = typed.find((one) => !/^ct-[0-9a-f]{8}$/.test(one));
  if (wrong === undefined) return [...typed].sort();
  throw usageError(`--series: expected ask, largest, or keys such as ct-1a2b3c4d, got "${wrong.slice(0, 40)}"`); // prettier-ignore
}

/** @throws {CliError} 'usage' */
export function workersOf({ workers }: WorkersFlags): number {
  return parseCount('--workers', workers);
}

function withHome(
  typed: SiteReading['reading'],
  home: SiteReading['reading'],
  flags: ReadingFlags,
): SiteReading['reading'] {
  return {
    frame: flags.frame === undefined ? home.frame : typed.frame,
    axes: flags.axes === undefined ? home.axes : typed.axes,
    units: flags.units === undefined ? home.units : typed.units,
    voxelsMax: flags.voxelsMax === undefined ? home.voxelsMax : typed.voxelsMax,
  };
}
