/** `annulus backup` and `annulus restore`: a home in one encrypted file, and back. */
import { existsSync } from 'node:fs';
import { HostError, lockFolder, requireNewFolder } from '../../host/index.ts';
import { resolve } from 'node:path';
import type { HomeFacts } from '../../node/index.ts';
import { CliError, exitCodes, usageError, type ExitCode } from '../errors.ts';
import { homeFolder, lookAtOwnHome, type HomeFlags } from '../own-home.ts';
import { openWithPassphrase, passphraseToMake, type PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { requireFree } from './named-files.ts';
import { tell, type FormatFlags } from '../result.ts';
import { requireYes } from './sign-command.ts';

/** Flags of `backup` and `restore`, as typed. */
export interface BackupFlags extends HomeFlags, PassphraseFlags, FormatFlags {}

/** Flags of `restore`, as typed. */
export interface RestoreFlags extends BackupFlags {
  readonly confirm?: boolean;
  readonly yes?: boolean;
}

/**
 * Writes a backup of a home whose node does not run.
 *
 * @throws {CliError} 'usage'; 'unreachable' while the node runs; {HostError} a disk code
 */
export async function backupCommand(
  flags: BackupFlags & { readonly output: string },
  world: World,
): Promise<ExitCode> {
  const { backUpHome } = await import('../../node/index.ts');
  const home = await lookAtOwnHome(flags, world);
  requireFree(flags.output);
  const passphrase = await passphraseToMake('backup', flags, world);
  const lock = await lockFolder(home.folder).catch((error: unknown) => {
    if (!(error instanceof HostError) || error.code !== 'folder_locked') throw error;
    const message = `${home.id} runs: end it first with annulus stop, so that nothing changes while it is copied`;
    throw new CliError({ code: 'unreachable' }, message, { cause: error });
  });
  try {
    const files = await backUpHome(home, flags.output, passphrase);
    const text = `${home.id}: ${files} files in ${flags.output}
It holds the node's keys${passphrase === null ? ' in clear' : ''}, settings, manifests, log and votes; not the organisation's key, models or cases.
`;
    tell(world, flags, text, { id: home.id, file: flags.output, files });
    return exitCodes.done;
  } finally {
    await lock.release();
  }
}

/**
 * Makes a home out of a backup; or, with --confirm, lets the node of one that is a copy vote.
 *
 * @throws {CliError} 'usage'; {HostError} 'folder_not_empty' over an existing home, 'bad_archive', or a disk code; {CryptoError}
 */
export async function restoreCommand(
  file: string | undefined,
  flags: RestoreFlags,
  world: World,
): Promise<ExitCode> {
  if (flags.confirm === true) {
    if (file !== undefined) throw usageError(`${file}: leave it out with --confirm`);
    return confirmCopy(flags, world);
  }
  if (file === undefined) throw usageError('expected a backup, or --confirm');
  const { isBackupSealed, restoreHome } = await import('../../node/index.ts');
  if (!existsSync(file)) throw usageError(`${file}: no such file`);
  const folder = resolve(await homeFolder(flags, world));
  await requireNewFolder(folder);
  const restore = (passphrase: string | null): Promise<HomeFacts> =>
    restoreHome(file, folder, passphrase, world.dateMs());
  const home = (await isBackupSealed(file))
    ? await openWithPassphrase('backup', file, flags, world, restore)
    : await restore(null);
  const text = `${home.id} is in ${home.folder}, as it was when the backup was made.
Make sure that it runs nowhere else: two nodes with one key shut each other out.
The node follows the others and does not vote until you confirm that: annulus restore --confirm. If it voted after the backup
was made, it will not vote again with these keys: then, and whenever in doubt, annulus member rotate.
`;
  tell(world, flags, text, { id: home.id, home: home.folder });
  return exitCodes.done;
}

/** A person says that this home is the only one with its keys; a running node sees it within a second. */
async function confirmCopy(flags: RestoreFlags, world: World): Promise<ExitCode> {
  const { restoredAtMs, settleRestored } = await import('../../node/index.ts');
  const home = await lookAtOwnHome(flags, world);
  const isCopy = (await restoredAtMs(home)) !== null;
  if (isCopy) {
    const what = `${home.folder} is a copy. A second node with these keys would shut both out.`;
    const question = `${what} Does the home that it was made of run nowhere, for good?`;
    await requireYes(flags, world, question, 'not confirmed');
    await settleRestored(home);
  }
  const text = isCopy
    ? `${home.id} votes when it has caught up, and the others have shown that they hold no vote of it that it forgot.`
    : `${home.folder}: there is nothing to confirm, it is no copy.`;
  tell(world, flags, `${text}\n`, { id: home.id, home: home.folder, confirmed: isCopy });
  return exitCodes.done;
}
