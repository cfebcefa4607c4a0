/** The commands of membership, their flags and their help. What they do is in the files beside this one. */
import { Command } from 'commander';
import type { ExitCode } from '../errors.ts';
import { defaultPreset } from '../files.ts';
import { collect } from '../given-flags.ts';
import {
  backupExamples,
  combineExamples,
  draftExamples,
  initExamples,
  inviteExamples,
  joinExamples,
  listExamples,
  membershipOverview,
  restoreExamples,
  revokeExamples,
  rotateExamples,
  showExamples,
  signExamples,
  submitExamples,
} from '../help-texts.ts';
import type { HomeFlags } from '../own-home.ts';
import type { SubmitFlags } from '../node/submit-command.ts';
import type { World } from '../world.ts';
import type { BackupFlags, RestoreFlags } from './backup-command.ts';
import type { DraftFlags } from './draft-command.ts';
import type { InitFlags } from './init-command.ts';
import type { InviteFlags, JoinFlags } from './invite-command.ts';
import type { RotateFlags } from './member-command.ts';
import { formatOption, type FormatFlags } from '../result.ts';
import type { KnownFlags, SignFlags } from './sign-command.ts';

type Finish = (code: ExitCode) => void;

/** Adds `init`, `consortium`, `invite`, `join`, `member`, `backup` and `restore`. */
export function addMembership(program: Command, world: World, finish: Finish): void {
  addInit(program, world, finish);
  addConsortium(program, world, finish);
  addInvite(program, world, finish);
  addMember(program, world, finish);
  addBackup(program, world, finish);
}

function addInit(program: Command, world: World, finish: Finish): void {
  const init = program
    .command('init')
    .description("Make this hospital's home: keys, settings, and the request to be a member.")
    .requiredOption(
      '--id <name>',
      'name of this hospital in the consortium: letters, digits, dashes',
    )
    .option(
      '--address <host:port>',
      'where the others reach this node; repeatable; none if it can only dial out',
      collect,
    )
    .option('--labels <tasks>', 'tasks that this hospital has expert labels for: hps,ms,calc')
    .option(
      '--data <folder>',
      'folder of its own cases, train/ and test/; none where annulus data import fills the home',
    )
    .option(
      '--listen <host:port>',
      'where the node listens (default: 0.0.0.0 and the port of --address)',
    )
    .option('--invitation <file>', 'invitation into a consortium that is there already')
    .option('--org-key <file>', "where to put the organisation's key (default: ./ID-org.key)")
    .option(
      '-o, --output <file>',
      'where to write the join request (default: ./ID.join-request.json)',
    );
  addHome(init);
  addNodePassphrase(init).option('--no-passphrase', "leave the node's keys bare in the home");
  addOrgPassphrase(init).option(
    '--no-org-passphrase',
    "leave the organisation's key bare in its file",
  );
  finished(init, initExamples).action(async (flags: InitFlags) => {
    const { initCommand } = await import('./init-command.ts');
    finish(await initCommand(flags, world));
  });
}

function addConsortium(program: Command, world: World, finish: Finish): void {
  const consortium = program
    .command('consortium')
    .description('Found a consortium, or change one: draft a version of its manifest and sign it.')
    .helpCommand(false)
    .addHelpText('after', membershipOverview);
  addDraft(consortium, world, finish);
  const sign = consortium
    .command('sign')
    .description(
      "Sign a version of the manifest with the organisation's key, after showing what it says.",
    )
    .argument('<file>', 'a draft, or one that others have signed');
  addOrgKey(addFrom(addHome(sign)))
    .option(
      '--request <file>',
      "this hospital's own join request, where its home is on another machine",
    )
    .option('--yes', 'do not ask')
    .option('-o, --output <file>', 'where to write it (default: ./NAME-vN.signed-ID.json)');
  finished(addOrgPassphrase(sign), signExamples).action(async (file: string, flags: SignFlags) => {
    const { signCommand } = await import('./sign-command.ts');
    finish(await signCommand(file, flags, world));
  });
  const combine = consortium
    .command('combine')
    .description('Put the signatures of several files of one version into one file.')
    .argument('<files...>', 'the same version, signed by one member or several')
    .option('-o, --output <file>', 'where to write it (default: ./NAME-vN.json)');
  finished(addFrom(addHome(combine)), combineExamples).action(
    async (files: string[], flags: KnownFlags) => {
      const { combineCommand } = await import('./sign-command.ts');
      finish(await combineCommand(files, flags, world));
    },
  );
  const submit = consortium
    .command('submit')
    .description('Hand a signed version to the running node, which has all members agree on it.')
    .argument('<file>', 'a version with all the signatures that it needs')
    .option('--yes', 'of a restart: do not ask')
    .option('--despite-quorum', 'of a restart: though enough members are connected to decide');
  finished(addHome(submit), submitExamples).action(async (file: string, flags: SubmitFlags) => {
    const { submitCommand } = await import('../node/submit-command.ts');
    finish(await submitCommand(file, flags, world));
  });
  const show = consortium
    .command('show')
    .description(
      'Show a version: members and their words, what it changes, who signed and who must still.',
    )
    .argument('<file>', 'a draft or a signed version');
  finished(addFrom(addHome(show)), showExamples).action(async (file: string, flags: KnownFlags) => {
    const { showCommand } = await import('./sign-command.ts');
    finish(await showCommand(file, flags, world));
  });
}

function addDraft(consortium: Command, world: World, finish: Finish): void {
  const draft = consortium
    .command('draft')
    .description('Write a version of the manifest for all to sign: the first one, or the next.')
    .argument('[requests...]', 'of a first version: the join requests of all members')
    .option('--name <text>', 'of a first version: what people call the consortium')
    .option('--domain <name>', 'of a first version: DNS name that its logs are named under')
    .option(
      '--preset <file>',
      `what is trained: a preset's name, such as ${defaultPreset}, or a .yaml file; its hospitals are not used`,
    )
    .option('--set <key=value>', 'change a setting of the preset; repeatable', collect)
    .option('--add <request>', 'a new member, by its join request; repeatable', collect)
    .option('--remove <id>', 'a member that leaves; repeatable', collect)
    .option(
      '--replace <request>',
      'a member that changes its line, by its join request; repeatable',
      collect,
    )
    .option(
      '--restart',
      'the quorum is lost for good: go on without votes after the last block of this home',
    )
    .option('-o, --output <file>', 'where to write it (default: ./NAME-vN.draft.json)');
  finished(addFrom(addHome(draft)), draftExamples).action(
    async (requests: string[], flags: DraftFlags) => {
      const { draftCommand } = await import('./draft-command.ts');
      finish(await draftCommand(requests, flags, world));
    },
  );
}

function addInvite(program: Command, world: World, finish: Finish): void {
  const invite = program
    .command('invite')
    .description('Write an invitation for a hospital that is to join this consortium.')
    .option('-o, --output <file>', 'where to write it', 'invite.json')
    .option('--days <n>', 'how long it holds, 1 to 90', '7');
  finished(addOrgPassphrase(addOrgKey(addHome(invite))), inviteExamples).action(
    async (flags: InviteFlags) => {
      const { inviteCommand } = await import('./invite-command.ts');
      finish(await inviteCommand(flags, world));
    },
  );
  const join = program
    .command('join')
    .description('Take signed versions of the manifest into the home, or say at once why not.')
    .argument('<files...>', 'signed versions, and the invitation if the home was made without it');
  finished(addHome(join), joinExamples).action(async (files: string[], flags: JoinFlags) => {
    const { joinCommand } = await import('./invite-command.ts');
    finish(await joinCommand(files, flags, world));
  });
}

function addMember(program: Command, world: World, finish: Finish): void {
  const member = program
    .command('member')
    .description('Renew the keys of this node, shut a member out, or list the members.')
    .helpCommand(false);
  const rotate = member
    .command('rotate')
    .description(
      'Make fresh keys for this node, and the next version of the manifest that names them.',
    )
    .option('--address <host:port>', 'other addresses; repeatable (default: as they are)', collect)
    .option('--labels <tasks>', 'other tasks that it has labels for (default: as they are)')
    .option(
      '--new-org-key <file>',
      "make a new organisation's key too; the others must sign for it",
    )
    .option('-o, --output <file>', 'where to write it (default: ./NAME-vN.signed-ID.json)');
  addOrgKey(addHome(rotate));
  addNodePassphrase(addOrgPassphrase(rotate)).option(
    '--no-org-passphrase',
    "leave a new organisation's key bare in its file",
  );
  finished(rotate, rotateExamples).action(async (flags: RotateFlags) => {
    const { rotateCommand } = await import('./member-command.ts');
    finish(await rotateCommand(flags, world));
  });
  const revoke = member
    .command('revoke')
    .description('Draft the next version without a member: consortium draft --remove ID.')
    .argument('<id>', 'the member that is shut out')
    .option('-o, --output <file>', 'where to write it (default: ./NAME-vN.draft.json)');
  finished(addFrom(addHome(revoke)), revokeExamples).action(
    async (id: string, flags: KnownFlags & { readonly output?: string }) => {
      const { revokeCommand } = await import('./draft-command.ts');
      finish(await revokeCommand(id, flags, world));
    },
  );
  const list = member.command('list').description('List the members, their addresses and words.');
  finished(addHome(list), listExamples).action(async (flags: HomeFlags & FormatFlags) => {
    const { listCommand } = await import('./member-command.ts');
    finish(await listCommand(flags, world));
  });
}

function addBackup(program: Command, world: World, finish: Finish): void {
  const backup = program
    .command('backup')
    .description(
      'Write keys, settings, manifests and log of a stopped node into one encrypted file.',
    )
    .requiredOption('-o, --output <file>', 'where to write it')
    .option('--passphrase-file <file>', 'passphrase of the backup, in its first line')
    .option('--no-passphrase', 'leave it open to whoever has the file');
  finished(addHome(backup), backupExamples).action(
    async (flags: BackupFlags & { readonly output: string }) => {
      const { backupCommand } = await import('./backup-command.ts');
      finish(await backupCommand(flags, world));
    },
  );
  const restore = program
    .command('restore')
    .description('Make a home out of a backup; never over one that is there.')
    .argument('[file]', 'a backup')
    .option('--confirm', 'let the node of a home that is a copy vote: it is the only one')
    .option('--yes', 'with --confirm: do not ask')
    .option('--passphrase-file <file>', 'passphrase of the backup, in its first line');
  finished(addHome(restore), restoreExamples).action(
    async (file: string | undefined, flags: RestoreFlags) => {
      const { restoreCommand } = await import('./backup-command.ts');
      finish(await restoreCommand(file, flags, world));
    },
  );
}

function addHome(command: Command): Command {
  return command.option(
    '--home <folder>',
    'home of the node (default: ANNULUS_HOME, else annulus in XDG_STATE_HOME or ~/.local/state)',
  );
}

function addFrom(command: Command): Command {
  return command.option(
    '--from <file>',
    'signed versions or an invitation that came before, if no home has them; repeatable',
    collect,
  );
}

function addOrgKey(command: Command): Command {
  return command.option('--org-key <file>', "the organisation's key (default: ./ID-org.key)");
}

function addNodePassphrase(command: Command): Command {
  return command.option(
    '--passphrase-file <file>',
    "passphrase of the node's keys, in its first line",
  );
}

function addOrgPassphrase(command: Command): Command {
  return command.option(
    '--org-passphrase-file <file>',
    "passphrase of the organisation's key, in its first line",
  );
}

function finished(command: Command, examples: string): Command {
  return command.addOption(formatOption()).addHelpText('after', examples);
}
