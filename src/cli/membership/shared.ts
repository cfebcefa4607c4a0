/** What the commands of membership have in common: reading and writing their files, keys, questions, results. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  AnnulusError,
  equalBytes,
  parseNodeId,
  printableLine,
  type NodeId,
} from '../../base/index.ts';
import { readKeyFile } from '../../host/index.ts';
import type { HomeFacts, OrgKey } from '../../node/index.ts';
import type { Manifest, SignedManifest } from '../../wire/index.ts';
import { usageError } from '../errors.ts';
import { readInput } from '../files.ts';
import { homeFolder, type HomeFlags } from '../own-home.ts';
import { openWithPassphrase, type PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';

/** Largest file of any kind here: an invitation with every version. */
const fileBytesMax = 16 * 1024 * 1024;
const keyFileBytesMax = 64 * 1024;

/** A flag for how results are written. */
export interface FormatFlags {
  readonly format: string;
}

/** A file as it was named, and its bytes. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** @throws {CliError} 'usage' when it is no readable file, or too large to be one of ours */
export async function readNamed(name: string): Promise<NamedFile> {
  return { name, bytes: await readInput(name, fileBytesMax) };
}

/**
 * What `work` makes of files that others made. A refusal says of which file it is.
 *
 * @param what what the files should be, and whom to ask for them again
 * @throws {CliError} 'usage'
 */
export async function ofFile<T>(
  { name, bytes }: NamedFile,
  what: string,
  work: (bytes: Uint8Array) => T | Promise<T>,
): Promise<T> {
  try {
    return await work(bytes);
  } catch (error) {
    if (!(error instanceof AnnulusError)) throw error;
    const isWire = error.name === 'WireError';
    const remedy = isWire ? `; it is no ${what}, or was changed on its way: ask for it again` : '';
    throw usageError(`${name}: ${error.message}${remedy}`, error);
  }
}

/**
 * Writes a result where nothing is, or the very same.
 *
 * @throws {CliError} 'usage' when something else is there; a system error, when the disk refuses
 */
export async function writeResult(path: string, bytes: Uint8Array): Promise<void> {
  if (existsSync(path)) {
    if (equalBytes(new Uint8Array(await readFile(path)), bytes)) return;
    throw usageError(`${path}: exists and holds something else; name another file with --output`);
  }
  await writeFile(path, bytes, { flag: 'wx' });
}

/** Refuses a file that `writeResult` could not write, before the work. @throws {CliError} 'usage' */
export function requireFree(path: string): void {
  if (!existsSync(path)) return;
  throw usageError(`${path}: exists; move it away, or name another file with --output`);
}

/** Tells a result: text for people, or one JSON document. */
export function tell(world: World, { format }: FormatFlags, text: string, data: object): void {
  world.out(format === 'json' ? `${JSON.stringify(data)}\n` : text);
}

/** The beginning of files' names for a version: `chain-of-hearts-v3`. */
export function stemOf({ name, version }: Pick<Manifest, 'name' | 'version'>): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? ['consortium'];
  return `${words.join('-').slice(0, 40)}-v${version}`;
}

/** @throws {CliError} 'usage' */
export function readId(text: string): NodeId {
  const id = parseNodeId(text);
  if (id !== null) return id;
  throw usageError(
    `name of a member: expected 1 to 32 letters, digits or dashes, got "${printableLine(text.slice(0, 60))}"`,
  );
}

/** The home when there is one at the place that flags and environment name; null when there is none. */
export async function homeIfAny(flags: HomeFlags, world: World): Promise<HomeFacts | null> {
  const folder = await homeFolder(flags, world);
  const { lookAtHome } = await import('../../node/index.ts');
  if (!existsSync(resolve(folder, 'home.json'))) {
    // One that was named and is not there is a mistake, not a choice.
    if (flags.home !== undefined) return lookAtHome(folder);
    return null;
  }
  return lookAtHome(folder);
}

/** The signed versions known: of the home, or of the invitation it was made with, and those in files. */
export async function knownVersions(
  home: HomeFacts | null,
  files: readonly string[],
  world: World,
): Promise<readonly SignedManifest[]> {
  const { chainOf, versionsOf } = await import('../../node/index.ts');
  let known = home === null ? [] : await versionsOf(home);
  for (const name of files) {
    known = await ofFile(await readNamed(name), 'signed version or invitation', (bytes) =>
      chainOf(known, [bytes], world.dateMs()),
    );
  }
  return known;
}

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
