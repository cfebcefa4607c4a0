/** The commands about a running node, with their flags. */
import type { Command } from 'commander';
import type { ExitCode } from '../errors.ts';
import { collect, givenFlags } from '../given-flags.ts';
import { formatOption } from '../result.ts';
import type { World } from '../world.ts';
import { bundleCommand, type BundleFlags } from './bundle-command.ts';
import {
  peersCommand,
  statusCommand,
  stopCommand,
  waitCommand,
  type ControlFlags,
  type StatusFlags,
  type WaitFlags,
} from './control-commands.ts';
import {
  bundleExamples,
  logsExamples,
  preflightExamples,
  startExamples,
  statusExamples,
  testnetExamples,
  waitExamples,
} from './help.ts';
import { logsCommand, type LogsFlags } from './logs-command.ts';
import { preflightCommand, type PreflightFlags } from './preflight-command.ts';
import { startCommand, type StartFlags } from './start-command.ts';
import { testnetCommand, type TestnetFlags } from './testnet-command.ts';

/** What a command is declared with. */
export interface Declaring {
  readonly program: Command;
  readonly world: World;
  readonly version: string;
  readonly presets: readonly string[];
  readonly finish: (code: ExitCode) => void;
}

/** Adds all of them. */
export function addNodeCommands(declaring: Declaring): void {
  addPreflight(declaring);
  addStart(declaring);
  addStatus(declaring);
  addPeers(declaring);
  addWait(declaring);
  addLogs(declaring);
  addStop(declaring);
  addTestnet(declaring);
}

/** Adds `bundle` to `doctor`. */
export function addBundle(doctor: Command, world: World, finish: (code: ExitCode) => void): void {
  doctor
    .command('bundle')
    .description(
      'Write what helps others to help you into one file, without secrets, after a look.',
    )
    .option(...homeOption)
    .requiredOption('-o, --output <file>', 'the .zip to write; must not be there')
    .option('--with-addresses', 'leave names and addresses of machines in')
    .option('--yes', 'write it without a question')
    .option('--passphrase-file <file>', "first line: passphrase of the node's keys")
    .addOption(formatOption())
    .addHelpText('after', bundleExamples)
    .action(async (flags: BundleFlags) => {
      finish(await bundleCommand(flags, world));
    });
}

function addPreflight({ program, world, finish }: Declaring): void {
  program
    .command('preflight')
    .description('Check this machine, this home and the way to each member, and say how to mend.')
    .option(...homeOption)
    .option('--passphrase-file <file>', "first line: passphrase of the node's keys")
    .addOption(formatOption())
    .addHelpText('after', preflightExamples)
    .action(async (flags: PreflightFlags) => {
      finish(await preflightCommand(flags, world));
    });
}

function addStart({ program, world, version, finish }: Declaring): void {
  program
    .command('start')
    .description("Run this hospital's node in the foreground, until Ctrl-C or annulus stop.")
    .option(...homeOption)
    .option('--passphrase-file <file>', "first line: passphrase of the node's keys")
    .option(
      '--set <key=value>',
      'change any setting of node.yaml for this start; repeatable',
      collect,
    )
    .addOption(formatOption('text lines or JSON lines'))
    .addHelpText('after', startExamples)
    .action(async (flags: StartFlags) => {
      finish(await startCommand(flags, version, world));
    });
}

function addStatus({ program, world, finish }: Declaring): void {
  program
    .command('status')
    .description(
      'Show what the running node does and why, each member, and what is wrong with its remedy.',
    )
    .option(...homeOption)
    .option('--watch', 'again every second, until Ctrl-C')
    .option('--health', 'only whether it does its work, by the exit code')
    .option('--cases', 'own cases that are used and set aside, with their names')
    .addOption(formatOption())
    .addHelpText('after', statusExamples)
    .action(async (flags: StatusFlags) => {
      finish(await statusCommand(flags, world));
    });
}

function addPeers({ program, world, finish }: Declaring): void {
  program
    .command('peers')
    .description('List the other members: addresses, connection, and why there is none.')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (flags: ControlFlags) => {
      finish(await peersCommand(flags, world));
    });
}

function addWait({ program, world, finish }: Declaring): void {
  program
    .command('wait')
    .description(
      'Wait until the running node has come to a round, a height or the end of the plan.',
    )
    .option(...homeOption)
    .option('--round <n>', 'until this round has ended')
    .option('--height <n>', 'until this height is agreed')
    .option('--done', 'until the plan is carried out')
    .option('--timeout <seconds>', 'give up after so long, with exit code 3 (default: never)')
    .addOption(formatOption())
    .addHelpText('after', waitExamples)
    .action(async (flags: WaitFlags) => {
      finish(await waitCommand(flags, world));
    });
}

function addLogs({ program, world, finish }: Declaring): void {
  program
    .command('logs')
    .description('Print what the node said; it need not run.')
    .option(...homeOption)
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .option('-n, --lines <n>', 'how many of the last lines', '50')
    .option('--detail', 'the log of peer and network')
    .addOption(formatOption())
    .addHelpText('after', logsExamples)
    .action(async (flags: LogsFlags) => {
      finish(await logsCommand(flags, world));
    });
}

function addStop({ program, world, finish }: Declaring): void {
  program
    .command('stop')
    .description('End the running node in order.')
    .option(...homeOption)
    .addOption(formatOption())
    .action(async (flags: ControlFlags) => {
      finish(await stopCommand(flags, world));
    });
}

function addTestnet({ program, world, presets, finish }: Declaring): void {
  program
    .command('testnet')
    .description('Make the homes of a consortium on this machine, and run them as processes.')
    .option('-n, --nodes <n>', 'how many hospitals', '4')
    .option('-o, --output <folder>', 'where the network is, or is made; must be empty then')
    .option('--preset <name>', `${presets.join(', ')}, or a path to a .yaml file`, 'smoke')
    .option('--set <key=value>', 'change any setting of the preset; repeatable', collect)
    .option('--start', 'start all, and end them on Ctrl-C')
    .option('--stop <folder>', 'end all nodes of a network')
    .addOption(formatOption())
    .addHelpText('after', testnetExamples)
    .action(async (flags: TestnetFlags, command: Command) => {
      finish(await testnetCommand(flags, givenFlags(command), world));
    });
}

const homeOption = [
  '--home <folder>',
  'home of the node (default: $ANNULUS_HOME, or annulus in $XDG_STATE_HOME)',
] as const;
