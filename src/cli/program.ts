/** The commands, their flags and their help. Everything they do is in their own files. */
import { Argument, Command, Option } from 'commander';
import { printableLine } from '../base/index.ts';
import { backendNames, precisions } from '../compute/index.ts';
import { addAudit } from './audit/declare.ts';
import { addData } from './data/declare.ts';
import { doctorCommand, type DoctorFlags } from './doctor-command.ts';
import { exportCommand, exportFormats, type ExportFlags } from './export-command.ts';
import { exitCodeOf, exitCodes, lineOf, type ExitCode } from './errors.ts';
import { defaultPreset, labPresetNames, networkNames, presetNames } from './files.ts';
import { collect, givenFlags, refuseTwice } from './given-flags.ts';
import {
  doctorExamples,
  exportExamples,
  importExamples,
  overview,
  reproduceExamples,
  simulateExamples,
} from './help-texts.ts';
import { heartChoices, importCommand, type ImportFlags } from './import-command.ts';
import { addLab } from './lab/declare.ts';
import { addMembership } from './membership/declare.ts';
import { packageVersion } from './package-version.ts';
import { addPredict } from './predict/declare.ts';
import { defaultSeeds, reproduceCommand, type ReproduceFlags } from './reproduce-command.ts';
import { addBundle, addNodeCommands } from './node/declare.ts';
import { formatOption } from './result.ts';
import { simulateCommand, type SimulateFlags } from './simulate-command.ts';
import { topologyExamples } from './topology-help.ts';
import {
  topologyChoices,
  topologyCommand,
  type TopologyChoice,
  type TopologyFlags,
} from './topology-command.ts';
import type { World } from './world.ts';

const reproducePreset = 'reproduce';

/** Runs one command line. Whatever happens becomes one line on standard error and an exit code. */
export async function runCommandLine(args: readonly string[], world: World): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  const finish = (code: ExitCode): void => {
    exitCode = code;
  };
  try {
    const program = await buildProgram(world, finish);
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    exitCode = exitCodeOf(error);
    if (world.env.ANNULUS_DEBUG !== undefined && error instanceof Error) {
      world.err(`${error.stack ?? ''}\n`);
    }
    if (!isToldAlready(error)) world.err(`annulus: ${printableLine(lineOf(error))}\n`);
  }
  return exitCode;
}

/** The commands as they are declared. @param finish hears the exit code of the one that ran */
export async function buildProgram(
  world: World,
  finish: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command('annulus')
    .description('Hospitals train one cardiac CT model together with nobody in the middle.')
    .version(await packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: world.out,
      writeErr: world.err,
      outputError: (text, write) => {
        write(`annulus: ${printableLine(oneLine(text))}\n`);
      },
    })
    .showSuggestionAfterError(true)
    .helpCommand(false)
    .addHelpText('after', overview);
  addSimulate(program, await presetNames(), world, finish);
  addReproduce(program, await presetNames(), world, finish);
  addLab(program, await labPresetNames(), world, finish);
  addTopology(program, world, finish);
  addData(program, world, finish);
  addPredict(program, world, finish);
  addExport(program, world, finish);
  addImport(program, await networkNames(), world, finish);
  addAudit(program, world, finish);
  addMembership(program, world, finish);
  const version = await packageVersion();
  addNodeCommands({ program, world, version, presets: await presetNames(), finish });
  addDoctor(program, world, finish);
  refuseTwice(program);
  return program;
}

function addSimulate(
  program: Command,
  presets: readonly string[],
  world: World,
  finish: (code: ExitCode) => void,
): void {
  program
    .command('simulate')
    .description('Run a whole consortium on this machine: peers, network, training, log, report.')
    .argument(
      '[preset]',
      `${presets.join(', ')}, or a path to a .yaml file (default: ${defaultPreset})`,
    )
    .option(
      '--out <folder>',
      'where to write; must be empty (default: runs/PRESET-SEED, or the next free name)',
    )
    .option('--seed <n>', "fixes everything that is random (default: the preset's)")
    .option('--rounds <n>', "rounds of every teacher and of the student (default: the preset's)")
    .option(
      '--kill <who>',
      'stop a peer while it trains: HOSPITAL@STAGE:ROUND; repeatable',
      collect,
    )
    .option('--resume <folder>', 'continue a run that was stopped; it gives the same models')
    .addOption(
      new Option('--world <kind>', 'real network, disks and images, or all of it virtual')
        .choices(['real', 'virtual'])
        .default('real'),
    )
    .option('--members <n>', "virtual: so many hospitals like the preset's, 1 to 256")
    .option('--faults <file>', 'virtual: what goes wrong, a JSON list or the record.json of a run')
    .option('--fault-seed <n>', 'virtual: draw what goes wrong by chance, from this seed')
    .option('--attack <file>', 'virtual: what members do against the others, JSON or a record.json')
    .option(
      '--until <seconds>',
      'virtual: give up after so much virtual time (default: when all rounds were late)',
    )
    .option('--set <key=value>', 'change any setting of config/README.md; repeatable', collect)
    .option(
      '--backend <name>',
      `what computes: ${['auto', ...backendNames].join(', ')}; see doctor`,
    )
    .option('--precision <name>', `${precisions.join(' or ')}; bf16 only with the native backend`)
    .option(
      '--workers <n>',
      'training workers; 0: one per processor. With fewer workers each gets several threads',
    )
    .option('--until-round <n>', 'laboratory: stop after a round, and keep the state there')
    .option('--snapshot <n>', 'laboratory: keep the state after a round; repeatable', collect)
    .option('--fork-at <run:round>', 'laboratory: go on from a round of another run')
    .addOption(formatOption())
    .addHelpText('after', simulateExamples)
    .action(async (preset: string | undefined, flags: SimulateFlags, command: Command) => {
      finish(await simulateCommand(preset, flags, givenFlags(command), world));
    });
}

function addReproduce(
  program: Command,
  presets: readonly string[],
  world: World,
  finish: (code: ExitCode) => void,
): void {
  program
    .command('reproduce')
    .description("Train and compare the paper's six arms on phantoms, and test the paper's claims.")
    .argument('[preset]', `${presets.join(', ')}, or a path to a .yaml file`, reproducePreset)
    .option('--out <folder>', 'where to write, or to continue (default: runs/reproduce)')
    .option(
      '--seeds <list>',
      'list of seeds; each has its own patients and first weights',
      defaultSeeds,
    )
    .option('--set <key=value>', 'change any setting of config/README.md; repeatable', collect)
    .option(
      '--backend <name>',
      `what computes: ${['auto', ...backendNames].join(', ')}; see doctor`,
    )
    .option(
      '--workers <n>',
      'training workers; 0: one per processor. With fewer workers each gets several threads',
    )
    .addOption(formatOption())
    .addHelpText('after', reproduceExamples)
    .action(async (preset: string, flags: ReproduceFlags) => {
      finish(await reproduceCommand(preset, flags, world));
    });
}

function addTopology(program: Command, world: World, finish: (code: ExitCode) => void): void {
  program
    .command('topology')
    .description('Tell how fast a graph of nodes mixes, what it costs, and draw it.')
    .addArgument(new Argument('<kind>', 'which graph').choices(topologyChoices))
    .option('--nodes <n>', 'how many, 2 to 4096 (default: 16)')
    .option('--degree <n>', 'neighbours of a node; k of base (default: 6, of base 1)')
    .option('--edge-rate <p>', 'erdos-renyi: chance of each edge (default: 2 ln(n) / n)')
    .option('--rewire-rate <p>', 'small-world: chance that an edge is moved (default: 0.1)')
    .option(
      '--redrawn',
      'a new graph in every step, where one is drawn; else one for the whole run',
    )
    .option('--groups <n>', 'clusters: regions of equal size (default: 4)')
    .option('--file <file>', 'file: a list of edges or GraphML')
    .option('--directed', 'file: the edges of a list go one way, "from to"')
    .option('--seed <text>', 'what all members agree on; drawn graphs follow from it', '1')
    .option('--parameters <n>', 'numbers of the model that is sent', '62000000')
    .option('--out <file>', 'draw the graph: an .svg file')
    .addOption(formatOption())
    .addHelpText('after', topologyExamples)
    .action(async (kind: TopologyChoice, flags: TopologyFlags) => {
      finish(await topologyCommand(kind, flags, world));
    });
}

function addExport(program: Command, world: World, finish: (code: ExitCode) => void): void {
  program
    .command('export')
    .description('Write a trained student for other programs.')
    .requiredOption('--model <folder>', "a run, a node's home, or its model/ folder")
    .addOption(
      new Option('--format <kind>', 'for which program')
        .choices(exportFormats)
        .makeOptionMandatory(),
    )
    .requiredOption('--output <folder>', 'where to write; must be empty')
    .addHelpText('after', exportExamples)
    .action(async (flags: ExportFlags) => {
      finish(await exportCommand(flags, world));
    });
}

function addImport(
  program: Command,
  networks: readonly string[],
  world: World,
  finish: (code: ExitCode) => void,
): void {
  program
    .command('import')
    .description("Turn another program's weights into a model to begin with.")
    .argument('<weights>', 'a .safetensors file')
    .requiredOption('--model <name>', `${networks.join(', ')}, or a path to a .yaml file`)
    .requiredOption('--output <folder>', 'where to write; must be empty')
    .option('--tasks <ids>', 'tasks that the model gets a head for', 'hps,ms,calc')
    .addOption(
      new Option('--heart <use>', "use of the heart's segmentation; as training.heart of the run")
        .choices(heartChoices)
        .default('none'),
    )
    .option('--fresh-heads', 'give all heads new weights, even if those of the file fit')
    .option('--window <d,h,w>', 'voxels of a patch (default: 96,96,96)')
    .option('--spacing <d,h,w>', 'mm of a voxel', '1,1,1')
    .option('--seed <n>', 'fixes the weights that the file does not have', '1')
    .addOption(formatOption())
    .addHelpText('after', importExamples)
    .action(async (weights: string, flags: ImportFlags) => {
      finish(await importCommand(weights, flags, world));
    });
}

function addDoctor(program: Command, world: World, finish: (code: ExitCode) => void): void {
  const doctor = program
    .command('doctor')
    .helpCommand(false)
    // Its flags are not those of `doctor bundle`.
    .enablePositionalOptions()
    .description(
      'Show what this machine can train on, how fast, what is missing and how to get it.',
    )
    .option('--quick', 'skip the speed test of ten seconds')
    .addOption(formatOption())
    .addHelpText('after', doctorExamples)
    .action(async (flags: DoctorFlags) => {
      finish(await doctorCommand(flags, world));
    });
  addBundle(doctor, world, finish);
}

/** Commander writes its own complaints before it throws them. */
function isToldAlready(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** `error: unknown option '--x'\n(Did you mean --y?)` in one line. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ');
}
