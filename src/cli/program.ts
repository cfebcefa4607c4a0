/** The commands, their flags and their help. Everything they do is in their own files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { backendNames, precisions } from '../compute/index.ts';
import { auditCommand, type AuditFlags } from './audit-command.ts';
import { doctorCommand, type DoctorFlags } from './doctor-command.ts';
import { exportCommand, exportFormats, type ExportFlags } from './export-command.ts';
import { exitCodeOf, exitCodes, lineOf, type ExitCode } from './errors.ts';
import { defaultPreset, networkNames, packageRoot, presetNames } from './files.ts';
import { heartChoices, importCommand, type ImportFlags } from './import-command.ts';
import { predictCommand, type PredictFlags } from './predict-command.ts';
import { defaultSeeds, reproduceCommand, type ReproduceFlags } from './reproduce-command.ts';
import { simulateCommand, stageNames, type SimulateFlags } from './simulate-command.ts';
import type { World } from './world.ts';

const reproducePreset = 'reproduce';

/** Runs one command line. Whatever happens becomes one line on standard error and an exit code. */
export async function runCommandLine(
  args: readonly string[],
  world: World,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ExitCode> {
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
    if (env.ANNULUS_DEBUG !== undefined && error instanceof Error) {
      world.err(`${error.stack ?? ''}\n`);
    }
    if (!isToldAlready(error)) world.err(`annulus: ${lineOf(error)}\n`);
  }
  return exitCode;
}

async function buildProgram(world: World, finish: (code: ExitCode) => void): Promise<Command> {
  const program = new Command('annulus')
    .description('Hospitals train one cardiac CT model together with nobody in the middle.')
    .version(await packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: world.out,
      writeErr: world.err,
      outputError: (text, write) => {
        write(`annulus: ${oneLine(text)}\n`);
      },
    })
    .showSuggestionAfterError(true)
    .helpCommand(false)
    .addHelpText('after', overview);
  addSimulate(program, await presetNames(), world, finish);
  addReproduce(program, await presetNames(), world, finish);
  addPredict(program, world, finish);
  addExport(program, world, finish);
  addImport(program, await networkNames(), world, finish);
  addAudit(program, world, finish);
  addDoctor(program, world, finish);
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
    .option('--seed <n>', "seed of everything drawn by chance (default: the preset's)")
    .option('--rounds <n>', "rounds of every teacher and of the student (default: the preset's)")
    .option(
      '--kill <who>',
      'stop a peer while it trains: HOSPITAL@STAGE:ROUND; repeatable',
      collect,
    )
    .option('--resume <folder>', 'go on with a run that ended before its time, to the same models')
    .option('--set <key=value>', 'any setting of config/README.md; repeatable', collect)
    .option('--backend <name>', `compute on ${['auto', ...backendNames].join(', ')}: see doctor`)
    .option('--precision <name>', `${precisions.join(' or ')}: bf16 on the native backend alone`)
    .option(
      '--workers <n>',
      'training workers; 0 is one per processor, fewer get several threads each',
    )
    .addOption(formatOption())
    .addHelpText('after', simulateExamples)
    .action(async (preset: string | undefined, flags: SimulateFlags) => {
      finish(await simulateCommand(preset, flags, world));
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
    .description(
      "Train and compare the paper's six arms on phantoms: table, figure, its claims put to the test.",
    )
    .argument('[preset]', `${presets.join(', ')}, or a path to a .yaml file`, reproducePreset)
    .option('--out <folder>', 'where to write, or to go on (default: runs/reproduce)')
    .option('--seeds <list>', 'seeds, each with its own patients and first weights', defaultSeeds)
    .option('--set <key=value>', 'any setting of config/README.md; repeatable', collect)
    .option('--backend <name>', `compute on ${['auto', ...backendNames].join(', ')}: see doctor`)
    .option(
      '--workers <n>',
      'training workers; 0 is one per processor, fewer get several threads each',
    )
    .addOption(formatOption())
    .addHelpText('after', reproduceExamples)
    .action(async (preset: string, flags: ReproduceFlags) => {
      finish(await reproduceCommand(preset, flags, world));
    });
}

function addPredict(program: Command, world: World, finish: (code: ExitCode) => void): void {
  program
    .command('predict')
    .description('Find points and calcium in a CT with a trained student.')
    .requiredOption('--model <folder>', 'the model/ folder of a run')
    .requiredOption('--input <file>', 'a CT as NIfTI, .nii or .nii.gz')
    .option('--heart <file>', 'a segmentation of its heart, for a model that needs one')
    .requiredOption('--output <folder>', 'where to write; must be empty')
    .addOption(
      new Option('--backend <name>', 'what computes')
        .choices(['auto', ...backendNames])
        .default('auto'),
    )
    .addOption(
      new Option('--precision <name>', 'of the products; bf16 on the native backend alone')
        .choices(precisions)
        .default('f32'),
    )
    .addHelpText('after', predictExamples)
    .action(async (flags: PredictFlags) => {
      finish(await predictCommand(flags, world));
    });
}

function addExport(program: Command, world: World, finish: (code: ExitCode) => void): void {
  program
    .command('export')
    .description('Write a trained student for other programs.')
    .requiredOption('--model <folder>', 'the model/ folder of a run')
    .addOption(
      new Option('--format <kind>', 'for whom').choices(exportFormats).makeOptionMandatory(),
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
    .description("Make a model to begin from out of another program's checkpoint.")
    .argument('<checkpoint>', 'a .safetensors file')
    .requiredOption('--model <name>', `${networks.join(', ')}, or a path to a .yaml file`)
    .requiredOption('--output <folder>', 'where to write; must be empty')
    .option('--tasks <ids>', 'heads that the model gets', 'hps,ms,calc')
    .addOption(
      new Option('--heart <use>', "the heart's segmentation, as training.heart of the run")
        .choices(heartChoices)
        .default('none'),
    )
    .option('--fresh-heads', 'take no head from the checkpoint, even if it fits')
    .option('--window <d,h,w>', 'voxels of a patch (default: 96,96,96)')
    .option('--spacing <d,h,w>', 'mm of a voxel', '1,1,1')
    .option('--seed <n>', 'fixes what the checkpoint lacks', '1')
    .addOption(formatOption())
    .addHelpText('after', importExamples)
    .action(async (checkpoint: string, flags: ImportFlags) => {
      finish(await importCommand(checkpoint, flags, world));
    });
}

function addAudit(program: Command, world: World, finish: (code: ExitCode) => void): void {
  const audit = program
    .command('audit')
    .description('Check what a consortium wrote down.')
    .helpCommand(false);
  audit
    .command('verify')
    .description('Re-derive everything a log claims, offline: exit 0 if it holds, 1 if not.')
    .argument('<folder>', "a run's folder, a node's folder, or a log")
    .option('--consortium <id>', "its id as you were told it; else the log's own is believed")
    .addOption(formatOption())
    .addHelpText('after', auditExamples)
    .action(async (folder: string, flags: AuditFlags) => {
      finish(await auditCommand(folder, flags, world));
    });
}

function addDoctor(program: Command, world: World, finish: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .description(
      'Show what this machine can train on, how fast, what is missing and how to get it.',
    )
    .option('--quick', 'without the ten-second speed test')
    .addOption(formatOption())
    .addHelpText('after', doctorExamples)
    .action(async (flags: DoctorFlags) => {
      finish(await doctorCommand(flags, world));
    });
}

const overview = `
Begin here:
  $ annulus simulate                        eight hospitals, about ten minutes, a report at the end
  $ annulus doctor                          what this machine can train on, and how fast
  $ annulus reproduce                       the paper's six arms compared, about an hour
  $ annulus audit verify runs/eight-hospitals-1
  $ annulus predict --model runs/eight-hospitals-1/model --input ct.nii.gz --output out

annulus COMMAND --help explains a command, with examples.
Exit codes: 0 done, 1 a check or a run failed, 2 wrong input, 3 disk, port, peer or backend out of reach.
`;

const simulateExamples = `
What happens: phantoms (made images with known points) for every hospital; a teacher for each task among
the hospitals that labelled it; pseudo-labels; one student among all; errors on held-out cases. Every peer
has its own identity, network host, disk folder and log.

What is written: report.html to look at, record.json as data, model/ for predict, nodes/ for audit.

Stages, in order: ${stageNames.join(', ')}.

Examples:
  $ annulus simulate                               the main job, config/eight-hospitals.yaml
  $ annulus simulate smoke --out /tmp/smoke        everything in small, under a minute
  $ annulus simulate --seed 2                      other patients, other models
  $ annulus simulate --kill L3@student:2           one peer dies in round 2 of the student and returns
  $ annulus simulate --resume runs/my-run          go on after Ctrl-C, a crash or a power cut
  $ annulus simulate my.yaml --set training.student.rounds=12

Settings and their reasons: config/README.md
`;

const reproduceExamples = `
The arms: U-Net and SwinUNETR, each trained alone at every hospital that labelled a task, federated among
those hospitals, and distilled: one model for all tasks, taught by experts and by the federated U-Nets, among
all hospitals. Training and averaging are what hospitals run, without the network, which changes no number.

All are scored on held-out cases of training clients (hospitals that labelled the task) and of other clients
(that never did). A claim of the paper holds or does not, by the figures behind it; its own table stands beside.

What is written: results.json, table.txt, report.html. Every finished round, set of labels and evaluation is
on the disk: stopped or killed at any moment, the same command goes on where it was, to the same numbers. The
folder keeps its settings; further --seeds may be added to it.

Examples:
  $ annulus reproduce                              three seeds of config/reproduce.yaml, about an hour
  $ annulus reproduce --seeds 1                    a third of it
  $ annulus reproduce smoke --seeds 1              every part in small, about a minute; it learns little
  $ annulus reproduce --out runs/longer --set training.student.rounds=20
`;

const predictExamples = `
Writes labels.nii.gz and points.mrk.json (3D Slicer) in the space of the CT, and heart.nii.gz if the model was
taught the heart.

--heart is NIfTI on the CT's own grid: 1 myocardium, 2 left atrium, 3 left ventricle, 4 right atrium,
5 right ventricle, 6 aorta, 7 pulmonary artery, 0 elsewhere. A model trained with training.heart=condition needs it.

Examples:
  $ annulus predict --model runs/eight-hospitals-1/model --input ct.nii.gz --output out
  $ annulus predict --model conditioned --input ct.nii.gz --heart heart.nii.gz --output out
`;

const exportExamples = `
safetensors   the parameters under PyTorch's names, and load_student.py, which builds the network in plain PyTorch.
onnx          one file for ONNX Runtime and others (opset 17): one window in, the logits of every task out.
bundle        a bundle of MONAI: from a folder of CTs to a label map of each task, with "monai.bundle run".

model.json goes along with the first two: grid, window and intensities that the student was taught.

Examples:
  $ annulus export --model runs/eight-hospitals-1/model --format safetensors --output student
  $ python3 student/load_student.py student
  $ annulus export --model runs/eight-hospitals-1/model --format onnx --output onnx
  $ annulus export --model runs/eight-hospitals-1/model --format bundle --output bundle
`;

const importExamples = `
Takes what fits by name and shape, and says what it skipped, what was missing and why. Names may have anything in
front (module., network., state_dict.), be those of MONAI's or nnU-Net's classes, also of old versions; float64, float16
and bfloat16 become float32; a first convolution of other input channels is summed. config/models/README.md has the networks.

A .pth is a pickle, which runs code when it is opened. Convert it where you trust it (pip install torch safetensors):

  import torch
  from safetensors.torch import save_file
  state = torch.load("checkpoint.pth", map_location="cpu", weights_only=True)
  state = state.get("network_weights", state.get("state_dict", state))
  save_file({k: v.clone().contiguous() for k, v in state.items() if torch.is_tensor(v)}, "checkpoint.safetensors")

nnU-Net's own files hold more than tensors and need weights_only=False.

Examples:
  $ annulus import checkpoint.safetensors --model small-swin-unetr --output start
  $ annulus simulate --set training.student.start=start
`;

const auditExamples = `
Checks the manifest's signatures, every block's certificate, every entry, the Merkle tree and its
cosigned head, and says who took part in each round, with what weight, and which model came out.

Examples:
  $ annulus audit verify runs/eight-hospitals-1             all nodes' logs, and that they agree
  $ annulus audit verify runs/eight-hospitals-1/nodes/L3    one node's
`;

const doctorExamples = `
Ends with 0 when something here can train, with 3 when nothing can.

Examples:
  $ annulus doctor                          with a speed test of about ten seconds
  $ annulus doctor --quick --format json    for scripts
`;

function formatOption(): Option {
  return new Option('--format <kind>', 'how to write the result')
    .choices(['text', 'json'])
    .default('text');
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
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

async function packageVersion(): Promise<string> {
  const text = await readFile(join(packageRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
