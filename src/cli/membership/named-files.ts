/** Files that people name: those that they give, and those that a command leaves for them. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { AnnulusError, equalBytes } from '../../base/index.ts';
import type { Manifest } from '../../wire/index.ts';
import { usageError } from '../errors.ts';
import { readInput } from '../files.ts';

/** Largest file of any kind here: an invitation with every version. */
const fileBytesMax = 16 * 1024 * 1024;

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
    const remedy = !isWire
      ? ''
      : error.code === 'bad_signature'
        ? '; get the signatures that are missing and combine them, or ask for the file again'
        : `; it is no ${what}, or was changed on its way: ask for it again`;
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

/** The beginning of files' names for a version: `chain-of-hearts-v3`. */
export function stemOf({ name, version }: Pick<Manifest, 'name' | 'version'>): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? ['consortium'];
  return `${words.join('-').slice(0, 40)}-v${version}`;
}
