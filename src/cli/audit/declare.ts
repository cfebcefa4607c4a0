/** The commands of an auditor. */
import { Option, type Command } from 'commander';
import type { ExitCode } from '../errors.ts';
import { formatOption, type FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { diffCommand } from './diff-command.ts';
import { discloseCommand, type DiscloseFlags } from './disclose-command.ts';
import { exportLogCommand, type ExportLogFlags } from './export-command.ts';
import { getCommand, type GetFlags } from './get-command.ts';
import { auditExamples, auditOverview, replayHelp } from './help-texts.ts';
import { infoCommand, type InfoFlags } from './info-command.ts';
import { checkProofCommand, proofCommand, type ProofFlags } from './proof-command.ts';
import { replayCommand, type ReplayFlags } from './replay-command.ts';
import { serveCommand, type ServeFlags } from './serve-command.ts';
import { entryKinds, searchCommand, type SearchFlags } from './search-command.ts';
import { auditCommand, type AuditFlags } from './verify-command.ts';
import { witnessCommand, type WitnessFlags } from './witness-command.ts';

const folderHelp = "a run's folder, a node's folder or home, a log, or the address of a served one";
const copyHelp = "of a run's folder: the copy of this member (default: the first)";

/** Declares `audit` and its commands. @param finish hears the exit code */
export function addAudit(program: Command, world: World, finish: (code: ExitCode) => void): void {
  const audit = program
    .command('audit')
    .description('Check the log of a consortium, and read in it: offline, from files alone.')
    .helpCommand(false)
    .addHelpText('after', auditOverview);
  audit
    .command('verify')
    .description('Check everything that a log says, offline: exit code 0 if it is right, 1 if not.')
    .argument('<folder>', folderHelp)
    .option('--consortium <id>', 'the id that you expect; without it the id in the log is believed')
    .option('--allow-missing', 'for the folder of a run: missing folders of members are no error')
    .addOption(formatOption())
    .addHelpText('after', auditExamples)
    .action(async (folder: string, flags: AuditFlags) => {
      finish(await auditCommand(folder, flags, world));
    });
  audit
    .command('info')
    .description('What a log is: consortium, members, size, signed head, rounds, last models.')
    .argument('<folder>', folderHelp)
    .option('--copy <member>', copyHelp)
    .addOption(formatOption())
    .action(async (folder: string, flags: InfoFlags) => {
      finish(await infoCommand(folder, flags, world));
    });
  audit
    .command('search')
    .description('Entries of a log that fit all flags, one in a line.')
    .argument('<folder>', folderHelp)
    .option('--copy <member>', copyHelp)
    .option('--member <id>', 'updates that it signed, blocks that name it')
    .option('--round <n>', 'of this round')
    .option('--height <n>', 'of this height')
    .addOption(new Option('--kind <kind>', 'of this kind').choices(entryKinds))
    .option('--digest <hex>', 'whose own SHA-256 begins so, or which name such a digest')
    .option('--own', "the node's own log: what it did itself; goes with --round and --copy")
    .addOption(formatOption())
    .action(async (folder: string, flags: SearchFlags) => {
      finish(await searchCommand(folder, flags, world));
    });
  addEntryCommands(audit, world, finish);
  addExport(audit, world, finish);
  addReplay(audit, world, finish);
  addServe(audit, world, finish);
  addWitness(audit, world, finish);
  audit
    .command('diff')
    .description('Compare two copies of a log: one history, or two, and who signed both.')
    .argument('<first>', folderHelp)
    .argument('<second>', folderHelp)
    .addOption(formatOption())
    .action(async (first: string, second: string, flags: FormatFlags) => {
      finish(await diffCommand(first, second, flags, world));
    });
}

function addServe(audit: Command, world: World, finish: (code: ExitCode) => void): void {
  audit
    .command('serve')
    .description(
      'Serve a log over HTTP, read-only, in the layout of C2SP tlog-tiles, until Ctrl-C.',
    )
    .argument('<folder>', "a run's folder, a node's folder or home, or a log")
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 for any', '7490')
    .option('--copy <member>', copyHelp)
    .action(async (folder: string, flags: ServeFlags) => {
      finish(await serveCommand(folder, flags, world));
    });
}

function addWitness(audit: Command, world: World, finish: (code: ExitCode) => void): void {
  audit
    .command('witness')
    .description(
      'Cosign the heads of logs for their members, as C2SP tlog-witness says, until Ctrl-C.',
    )
    .argument('<folder>', 'where its key is, and what it cosigned last; made if absent')
    .requiredOption(
      '--policy <file...>',
      'policies of the logs: file policy of a log, policy-N too',
    )
    .requiredOption('--name <name>', 'its name in signatures, such as regulator.example/annulus')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 for any', '7491')
    .action(async (folder: string, flags: WitnessFlags) => {
      finish(await witnessCommand(folder, flags, world));
    });
}

function addReplay(audit: Command, world: World, finish: (code: ExitCode) => void): void {
  audit
    .command('replay')
    .description("Make a round's model again from its stored updates, and compare it with SEAL's.")
    .argument('<folder>', folderHelp)
    .argument('<round>', 'its number, from 1')
    .option('--keys <file>', 'the keys of its updates, as a member disclosed them')
    .option('--home <folder>', "on a member's machine: its home, whose key opens the updates")
    .option('--passphrase-file <file>', 'passphrase of that home, in its first line')
    .option('--more <folder...>', 'further folders that hold updates or models')
    .option('--copy <member>', copyHelp)
    .addOption(formatOption())
    .addHelpText('after', replayHelp)
    .action(async (folder: string, round: string, flags: ReplayFlags) => {
      finish(await replayCommand(folder, round, flags, world));
    });
  audit
    .command('disclose')
    .description("Write the keys of one round's updates to a file, for an auditor.")
    .argument('<folder>', folderHelp)
    .argument('<round>', 'its number, from 1')
    .requiredOption('--output <file>', 'where they are written; nothing is overwritten')
    .option('--home <folder>', 'the home of a member of that round')
    .option('--passphrase-file <file>', 'passphrase of that home, in its first line')
    .option('--copy <member>', copyHelp)
    .addOption(formatOption())
    .action(async (folder: string, round: string, flags: DiscloseFlags) => {
      finish(await discloseCommand(folder, round, flags, world));
    });
}

function addExport(audit: Command, world: World, finish: (code: ExitCode) => void): void {
  audit
    .command('export')
    .description('A log with all that another person needs to check it with other programs.')
    .argument('<folder>', folderHelp)
    .requiredOption('--output <folder>', 'where it is written: an empty folder, or none')
    .option('--copy <member>', copyHelp)
    .option('--round <n>', 'with the updates and models that are needed to repeat this round')
    .option('--more <folder...>', 'further folders that hold these')
    .option('--home <folder>', 'sign the list of files with the log key of this home')
    .option('--passphrase-file <file>', 'passphrase of that home, in its first line')
    .addOption(formatOption())
    .action(async (folder: string, flags: ExportLogFlags) => {
      finish(await exportLogCommand(folder, flags, world));
    });
}

function addEntryCommands(audit: Command, world: World, finish: (code: ExitCode) => void): void {
  audit
    .command('get')
    .description('One entry, with the payload of a signed envelope taken out of its base64.')
    .argument('<folder>', folderHelp)
    .argument('<entry>', 'its number, from 0')
    .option('--copy <member>', copyHelp)
    .option('--raw <file>', 'write the very bytes that the tree hashes to this file')
    .action(async (folder: string, entry: string, flags: GetFlags) => {
      finish(await getCommand(folder, entry, flags, world));
    });
  audit
    .command('proof')
    .description('An entry and a proof that it is in the log (C2SP tlog-proof), as files.')
    .argument('<folder>', folderHelp)
    .argument('<entry>', 'its number, from 0')
    .requiredOption('--output <folder>', 'where entry, proof and policy are written')
    .option('--copy <member>', copyHelp)
    .addOption(formatOption())
    .action(async (folder: string, entry: string, flags: ProofFlags) => {
      finish(await proofCommand(folder, entry, flags, world));
    });
  audit
    .command('check-proof')
    .description('Check such a proof, without the log: exit code 0 if it holds, 1 if not.')
    .argument('<entry>', 'the entry, as "proof" wrote it')
    .argument('<proof>', 'the .tlog-proof file')
    .argument('<policy>', 'the policy file, from a member that you trust')
    .addOption(formatOption())
    .action(async (entry: string, proof: string, policy: string, flags: FormatFlags) => {
      finish(await checkProofCommand(entry, proof, policy, flags, world));
    });
}
