/**
 * Backups of a home: keys, settings, versions of the manifest, and of the peer's store what is agreed and what was signed. Not
 * the bulk, which the other members have, and never a hospital's cases. docs/specs/membership-files.md
 */
import { utf8 } from '../base/index.ts';
import {
  bulkKeyBytes,
  CryptoError,
  openKeyFile,
  sealKeyFile,
  systemSealing,
} from '../crypto/index.ts';
import {
  diskStore,
  fillPrivateFolder,
  readArchive,
  readHead,
  writeArchive,
} from '../host/index.ts';
import { lookAtHome, type HomeFacts } from './home.ts';
import { needsPassphrase } from './node-keys.ts';
import { markRestored } from './restored-mark.ts';

/** Kept of a home: files, and folders with all that is in them. */
const kept = [
  ...['home.json', 'node.yaml', 'keys/', 'consortium/'],
  ...['node/log/', 'node/wal/', 'node/own/', 'node/evidence/', 'node/witness/', 'node/node-log/'],
  ...['node/chain.snapshot', 'node/retired.json'],
];
const context = utf8('annulus-backup/v1');

/**
 * Writes a backup. Nobody else may write into the home meanwhile.
 *
 * @param passphrase of the backup alone; null leaves it open to whoever has the file
 * @returns how many files are in it
 * @throws {HostError} when the file is there, or a disk code
 */
export async function backUpHome(
  home: HomeFacts,
  file: string,
  passphrase: string | null,
): Promise<number> {
  const store = diskStore(home.folder);
  const names: string[] = [];
  for (const place of kept) {
    if (place.endsWith('/')) names.push(...(await store.list(place)));
    else if (await store.has(place)) names.push(place);
  }
  const key = systemSealing.randomBytes(bulkKeyBytes);
  await writeArchive(file, { head: sealKeyFile(key, passphrase), key, context }, store, names);
  return names.length;
}

/**
 * Makes a home out of a backup: the whole of it, or nothing. Its node is told that it was restored.
 *
 * @throws {HostError} 'folder_not_empty', 'folder_mode', 'bad_archive' or a disk code; {CryptoError} 'wrong_passphrase' or
 * 'bad_key_file'; as `lookAtHome`, when what came out is no home
 */
export async function restoreHome(
  file: string,
  folder: string,
  passphrase: string | null,
  nowMs: number,
): Promise<HomeFacts> {
  await fillPrivateFolder(folder, async (temporary) => {
    const store = diskStore(temporary);
    await readArchive(file, context, (head) => keyOf(head, passphrase), store);
    await markRestored(temporary, nowMs);
    await lookAtHome(temporary);
  });
  return lookAtHome(folder);
}

/** Whether a backup needs a passphrase. False also for what is no backup. @throws {HostError} a disk code */
export async function isBackupSealed(file: string): Promise<boolean> {
  return needsPassphrase(await readHead(file));
}

function keyOf(head: Uint8Array, passphrase: string | null): Uint8Array {
  const key = openKeyFile(head, passphrase);
  if (key.byteLength === bulkKeyBytes) return key;
  const reason = 'the key of a backup';
  throw new CryptoError({ code: 'bad_key_file', reason }, `expected ${reason}`);
}
