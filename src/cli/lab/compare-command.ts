/** `annulus compare`: runs and sweeps of the laboratory side by side. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { exitCodes, type ExitCode } from '../errors.ts';
import { intoFolder, requireFolder, writeOutput } from '../files.ts';
import type { World } from '../world.ts';

/** Flags of `compare`, as typed. */
export interface CompareFlags {
  readonly out?: string;
  readonly format: string;
}

/** @throws {CliError} 'usage'; {LabError} 'no_run' */
export async function compareCommand(
  paths: readonly string[],
  { out, format }: CompareFlags,
  world: World,
): Promise<ExitCode> {
  const { readLab, readSweep, sweepMark } = await import('../../experiment/index.ts');
  const { compareRuns, comparisonFigures, comparisonText, renderComparison } =
    await import('../../report/index.ts');
  const runs = [];
  for (const path of paths) {
    const folder = await requireFolder(path);
    if (existsSync(join(folder, sweepMark))) runs.push(...(await readSweep(folder)));
    else runs.push({ name: basename(folder), ...(await readLab(folder)) });
  }
  const comparison = compareRuns(runs);
  if (out !== undefined) {
    await intoFolder(out, async (folder) => {
      await writeOutput(join(folder, 'report.html'), renderComparison(comparison, []));
      await writeOutput(join(folder, 'comparison.json'), `${JSON.stringify(comparison)}\n`);
      for (const [name, text] of comparisonFigures(comparison)) {
        await writeOutput(join(folder, name), text);
      }
    });
  }
  world.out(format === 'json' ? `${JSON.stringify(comparison)}\n` : comparisonText(comparison));
  return exitCodes.done;
}
