/** The laboratory's own commands as they are declared. */
import { Option, type Command } from 'commander';
import type { ExitCode } from '../errors.ts';
import { collect } from '../given-flags.ts';
import type { World } from '../world.ts';
import { compareCommand, type CompareFlags } from './compare-command.ts';
import { compareExamples, sweepExamples } from './help-texts.ts';
import { sweepCommand, type SweepFlags } from './sweep-command.ts';

/** Adds `sweep` and `compare`. @param presets of the laboratory, by name */
export function addLab(
  program: Command,
  presets: readonly string[],
  world: World,
  finish: (code: ExitCode) => void,
): void {
  program
    .command('sweep')
    .description('Run a preset of the laboratory over values of its settings.')
    .argument('<preset>', `${presets.join(', ')}, or a path to a .yaml file`)
    .requiredOption('--over <key=values>', 'KEY=a,b,c or KEY=1..3; repeatable: a grid', collect)
    .option('--out <folder>', 'where to write, or to go on (default: runs/sweep-PRESET)')
    .option('--seed <n>', "fixes everything that is random (default: the preset's)")
    .option('--rounds <n>', "rounds of every run (default: the preset's)")
    .option('--set <key=value>', 'change any setting of config/README.md; repeatable', collect)
    .option('--workers <n>', 'runs at the same time (default: 1)')
    .addOption(formatOption())
    .addHelpText('after', sweepExamples)
    .action(async (preset: string, flags: SweepFlags) => {
      finish(await sweepCommand(preset, flags, world));
    });
  program
    .command('compare')
    .description('Put runs and sweeps of the laboratory side by side.')
    .argument('<folder...>', 'of runs and sweeps')
    .option('--out <folder>', 'write a page, the figures as .svg, and the data')
    .addOption(formatOption())
    .addHelpText('after', compareExamples)
    .action(async (folders: string[], flags: CompareFlags) => {
      finish(await compareCommand(folders, flags, world));
    });
}

function formatOption(): Option {
  return new Option('--format <kind>', 'how to write the result')
    .choices(['text', 'json'])
    .default('text');
}
