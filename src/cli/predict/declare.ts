/** Flags of `annulus predict`. */
import { Option, type Command } from 'commander';
import { backendNames, precisions } from '../../compute/index.ts';
import type { ExitCode } from '../errors.ts';
import { addReadingFlags } from '../reading-flags.ts';
import { formatOption } from '../result.ts';
import type { World } from '../world.ts';
import type { PredictFlags } from './flags.ts';
import { predictExamples } from './help-text.ts';
import { predictCommand } from './predict-command.ts';

/** Declares `predict`. @param finish hears the exit code */
export function addPredict(program: Command, world: World, finish: (code: ExitCode) => void): void {
  const predict = program
    .command('predict')
    .description('Find points and calcium in CTs with a trained student, and measure the root.')
    .option(
      '--model <folder>',
      "a run, a node's home, or its model/ folder; without it the student that comes along",
    )
    .option('--input <path>', 'a CT: NIfTI (.nii, .nii.gz), or a folder or ZIP of DICOM files')
    .option('--worklist <path>', 'many CTs: a CSV file, or a folder that holds them')
    .option('--heart <file>', 'a segmentation of the heart, if the model needs one')
    .option('--series <key>', 'which DICOM series, where --input holds several')
    .option(
      '--output <folder>',
      'where to write; must be empty, or of the same worklist',
      'prediction',
    )
    .addOption(
      new Option('--backend <name>', 'what computes')
        .choices(['auto', ...backendNames])
        .default('auto'),
    )
    .addOption(
      new Option('--precision <name>', 'of products; bf16 only with the native backend')
        .choices(precisions)
        .default('f32'),
    )
    .option('--strict', 'exit code 1 when a result is implausible')
    .addOption(formatOption());
  addReadingFlags(predict)
    .addHelpText('after', predictExamples)
    .action(async (flags: PredictFlags) => {
      finish(await predictCommand(flags, world));
    });
}
