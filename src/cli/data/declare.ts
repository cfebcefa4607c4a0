/** The commands about a site's own data, with their flags. */
import type { Command } from 'commander';
import type { ExitCode } from '../errors.ts';
import { formatOption } from '../result.ts';
import type { World } from '../world.ts';
import { checkCommand, type CheckFlags } from './check-command.ts';
import { fingerprintCommand, type FingerprintFlags } from './fingerprint-command.ts';
import {
  checkExamples,
  dataOverview,
  fingerprintExamples,
  listStoreExamples,
  previewExamples,
  siteImportExamples,
} from './help.ts';
import { siteImportCommand, type SiteImportFlags } from './import-command.ts';
import { listCommand, type ListFlags } from './list-command.ts';
import { previewCommand, type PreviewFlags } from './preview-command.ts';
import { addSiteFlags, addWorkers } from './site-flags.ts';

/** Adds `data` and what is below it. */
export function addData(program: Command, world: World, finish: (code: ExitCode) => void): void {
  const data = program
    .command('data')
    .helpCommand(false)
    .description("Check, import and look at this hospital's own CTs and labels.")
    .addHelpText('after', dataOverview);
  const source = ['<source>', 'a folder of cases, a ZIP, or one case'] as const;
  const check = data
    .command('check')
    .description(
      'Say of each case whether it can be used, which rule it breaks and how to mend it.',
    )
    .argument(...source);
  addWorkers(addSiteFlags(check))
    .addOption(formatOption())
    .addHelpText('after', checkExamples)
    .action(async (from: string, flags: CheckFlags) => {
      finish(await checkCommand(from, flags, world));
    });
  const take = data
    .command('import')
    .description('Put cases into the store that this hospital trains from.')
    .argument(...source);
  addPlace(take)
    .option(
      '--held-out <n>',
      'where SOURCE has no train/ and test/: one case of n is held out',
      '0',
    )
    .option('--dry-run', 'look at everything, and write nothing');
  addWorkers(addSiteFlags(take))
    .addOption(formatOption())
    .addHelpText('after', siteImportExamples)
    .action(async (from: string, flags: SiteImportFlags) => {
      finish(await siteImportCommand(from, flags, world));
    });
  const list = data.command('list').description('List the cases of a store.');
  addPlace(list)
    .addOption(formatOption())
    .addHelpText('after', listStoreExamples)
    .action(async (flags: ListFlags) => {
      finish(await listCommand(flags, world));
    });
  const fingerprint = data
    .command('fingerprint')
    .description('One hash of all cases: whether they are what was imported, and what was signed.');
  addWorkers(addPlace(fingerprint))
    .option('--round <n>', "what the log says of this home's data in a round")
    .addOption(formatOption())
    .addHelpText('after', fingerprintExamples)
    .action(async (flags: FingerprintFlags) => {
      finish(await fingerprintCommand(flags, world));
    });
  const preview = data
    .command('preview')
    .description('Write pictures of cases with their labels, to look at.')
    .argument(...source)
    .requiredOption('--output <folder>', 'where to write; must be empty')
    .option('--case <name>', 'only this one, as data check calls it');
  addSiteFlags(preview)
    .addOption(formatOption())
    .addHelpText('after', previewExamples)
    .action(async (from: string, flags: PreviewFlags) => {
      finish(await previewCommand(from, flags, world));
    });
}

function addPlace(command: Command): Command {
  return command
    .option('--into <folder>', 'a store of its own, for a preset')
    .option(
      '--home <folder>',
      'home of the node (default: $ANNULUS_HOME, or annulus in $XDG_STATE_HOME)',
    )
    .option('--passphrase-file <file>', "first line: passphrase of the node's keys");
}
