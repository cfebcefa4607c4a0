/** The file of an organisation's key: on a stick, in a safe, seldom here. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { NodeId } from '../../base/index.ts';
import { readKeyFile } from '../../host/index.ts';
import type { OrgKey } from '../../node/index.ts';
import { usageError } from '../errors.ts';
import { readInput } from '../files.ts';
import { openWithPassphrase, type PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';

const keyFileBytesMax = 64 * 1024;

/** Where the organisation's key is when no flag says so: in the folder the command is given in, as `init` left it. */
export function orgKeyFile(flag: string | undefined, id: NodeId): string {
  return flag ?? `${id}-org.key`;
}

/**
 * Opens an organisation's key. Only a bare one must be its owner's alone: a sealed one may lie on a stick whose file system has
 * no rights.
 *
 * @throws {CliError} 'usage'; {HostError} 'key_file_mode'; {CryptoError} 'wrong_passphrase' or 'bad_key_file'
 */
export async function openOrgKeyFile(
  path: string,
  flags: PassphraseFlags,
  world: World,
): Promise<OrgKey> {
  const { needsPassphrase, openOrgKey } = await import('../../node/index.ts');
  if (!existsSync(path)) {
    throw usageError(
      `${path}: no such file: give the organisation's key with --org-key FILE, from the stick or the safe where it is kept`,
    );
  }
  const file = await readInput(path, keyFileBytesMax);
  const isSealed = needsPassphrase(file);
  if (!isSealed) await readKeyFile(resolve(path));
  if (!isSealed) return openOrgKey(file, null);
  return openWithPassphrase('org', path, flags, world, (text) => openOrgKey(file, text));
}
