/** `annulus sweep`: a preset of the laboratory over values of its settings. */
import { basename, join } from 'node:path';
import { printableLine } from '../../base/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { intoFolder, readPreset } from '../files.ts';
import { unlessStopped } from '../stop-signals.ts';
import { WorkView } from '../work-view.ts';
import type { World } from '../world.ts';
import { workersOf } from './lab-command.ts';
import { isLabPreset, labOverrides, readPlan, type LabSettingFlags } from './lab-preset.ts';

/** Flags of `sweep`, as typed. */
export interface SweepFlags extends LabSettingFlags {
  readonly over: readonly string[];
  readonly out?: string;
  readonly workers?: string;
  readonly format: string;
}

/**
 * Runs what lacks of a sweep; the same command goes on after a stop or a kill.
 * @throws {CliError} 'usage', 'stopped'; {ConfigError}; {LabError}
 */
export async function sweepCommand(
  presetName: string,
  flags: SweepFlags,
  world: World,
): Promise<ExitCode> {
  const preset = await readPreset(presetName);
  if (!(await isLabPreset(preset))) {
    throw usageError(`${presetName}: expected a preset of the laboratory, with lab: at its top`);
  }
  const { cellsOf, readAxis, runSweep, sweepMark } = await import('../../experiment/index.ts');
  const overrides = labOverrides(flags);
  const { plan } = await readPlan(preset, overrides);
  const axes = flags.over.map(readAxis);
  const cells = cellsOf(preset, overrides, axes);
  const workers = workersOf(flags.workers);
  const stem = basename(presetName).replace(/\.ya?ml$/, '');
  const path = flags.out ?? join('runs', `sweep-${stem}`);
  const asJson = flags.format === 'json';
  const view = new WorkView({
    write: asJson ? world.err : world.out,
    erase: world.erase,
    isLive: world.isLive && !asJson,
    columns: world.columns,
    nowMs: world.nowMs,
  });
  const onCell = (done: number, found: number, line: string | null): void => {
    view.onProgress({ total: cells.length, done, found, line });
  };
  const { signal } = world;
  return intoFolder(
    path,
    async (folder) => {
      try {
        const runs = await unlessStopped(
          signal,
          () => 'stopped; the same command goes on where it stopped',
          () => runSweep({ axes, cells, files: plan.files }, { folder, workers, signal, onCell }),
        );
        view.stop();
        const { compareRuns, comparisonText } = await import('../../report/index.ts');
        const comparison = compareRuns(runs);
        const report = printableLine(join(folder, 'report.html'));
        if (asJson) world.out(`${JSON.stringify(comparison)}\n`);
        else world.out(`\n${comparisonText(comparison)}\nreport    ${report}\n`);
      } finally {
        view.stop();
      }
      return exitCodes.done;
    },
    sweepMark,
  );
}
