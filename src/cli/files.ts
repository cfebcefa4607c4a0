/** Files and folders as commands see them: what is missing or in the way is said in one line. */
import { constants, existsSync } from 'node:fs';
import { access, mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fromUtf8 } from '../base/index.ts';
import { modelFolderOf, packageFile } from '../host/index.ts';
import { usageError } from './errors.ts';

/** What `annulus simulate` runs when no preset is named. */
export const defaultPreset = 'eight-hospitals';

/** A preset's text and the name to call it by in messages. */
export interface PresetText {
  readonly text: string;
  readonly file: string;
}

/**
 * `name` is one of the package's presets, or a path (with a slash or ending in .yaml).
 * @throws {CliError} 'usage' naming the presets there are.
 */
export async function readPreset(name: string): Promise<PresetText> {
  return readNamed(name, 'preset', ['config', 'config/lab']);
}

/** As `readPreset`, for the networks of `config/models`. */
export async function readNetwork(name: string): Promise<PresetText> {
  return readNamed(name, 'network', ['config/models']);
}

async function readNamed(
  name: string,
  what: string,
  folders: readonly [string, ...string[]],
): Promise<PresetText> {
  const isPath = /[\\/]|\.ya?ml$/.test(name);
  const inFolder = (folder: string): string => packageFile(join(folder, `${name}.yaml`));
  const folder = folders.find((one) => existsSync(inFolder(one))) ?? folders[0];
  const file = isPath ? name : inFolder(folder);
  if (!existsSync(file)) {
    const known = (await Promise.all(folders.map(namesIn))).flat();
    // Loaded late: `annulus --help` must not wait for every room.
    const { nearest } = await import('../config/index.ts');
    const guess = isPath ? null : nearest(name, known);
    throw usageError(
      isPath
        ? `${name}: no such file`
        : `unknown ${what} ${name}: ${guess === null ? `expected ${known.join(' or ')}, or a path to a .yaml file` : `did you mean ${guess}?`}`,
    );
  }
  const bytes = await readInput(file);
  try {
    return { text: fromUtf8(bytes), file: isPath ? name : `${folder}/${name}.yaml` };
  } catch (error) {
    throw usageError(`${name}: expected UTF-8 text`, error);
  }
}

/** Presets that ship with the package, by the name that `simulate` takes. */
export async function presetNames(): Promise<string[]> {
  return namesIn('config');
}

/** Presets of the laboratory that ship with the package. */
export async function labPresetNames(): Promise<string[]> {
  return namesIn('config/lab');
}

/** The networks of `config/models` by name, as YAML. */
export async function readNetworks(): Promise<Map<string, string>> {
  const networks = new Map<string, string>();
  for (const name of await networkNames()) networks.set(name, (await readNetwork(name)).text);
  return networks;
}

/** Networks that ship with the package, by the name that `import --model` takes. */
export async function networkNames(): Promise<string[]> {
  return namesIn('config/models');
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(packageFile(folder));
  return names.filter((name) => name.endsWith('.yaml')).map((name) => name.slice(0, -5));
}

/** @throws {CliError} 'usage' when it is not a readable file, or one of more bytes than `bytesMax`. */
export async function readInput(path: string, bytesMax?: number): Promise<Uint8Array> {
  const facts = await stat(path).catch(() => null);
  if (facts === null) throw usageError(`${path}: no such file`);
  if (!facts.isFile()) throw usageError(`${path}: expected a file`);
  if (bytesMax !== undefined && facts.size > bytesMax) {
    throw usageError(`${path}: expected at most ${bytesMax} bytes, got ${facts.size}`);
  }
  return readFile(path);
}

/** @throws {CliError} 'usage' when there is no such folder. */
export async function requireFolder(path: string): Promise<string> {
  const facts = await stat(path).catch(() => null);
  if (facts === null) throw usageError(`${path}: no such folder`);
  if (!facts.isDirectory()) throw usageError(`${path}: expected a folder`);
  return resolve(path);
}

/** A model's folder is a handful of files; a home directory given by mistake is not. */
const modelFilesMax = 32;

/** Files by name of a model's folder, or of the one in a run's or a home's. @throws {CliError} 'usage' when it is none. */
export async function readModelFolder(path: string): Promise<Map<string, Uint8Array>> {
  const folder = modelFolderOf(await requireFolder(path));
  if (existsSync(join(folder, 'home.json'))) {
    throw usageError(
      `${path}: this home has no model yet; its node writes one when the rounds of the student are over`,
    );
  }
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  if (names.length === 0 || names.length > modelFilesMax) {
    throw usageError(`${path}: expected the folder of a model, found ${names.length} files`);
  }
  const files = new Map<string, Uint8Array>();
  for (const name of names) files.set(name, await readInput(join(folder, name)));
  return files;
}

/**
 * What `work` makes of a folder to write into, which is made if absent. Work that is refused before it wrote anything
 * leaves no folder behind.
 *
 * @param mark a folder that holds this file may be gone on in; none when absent
 * @throws {CliError} 'usage' when something else is in it already; a system error, when the disk refuses
 */
export async function intoFolder<T>(
  path: string,
  work: (folder: string) => Promise<T>,
  mark?: string,
): Promise<T> {
  const facts = await stat(path).catch(() => null);
  if (facts !== null && !facts.isDirectory()) throw usageError(`${path}: expected a folder`);
  const isBegun = mark !== undefined && existsSync(join(path, mark));
  if (facts !== null && !isBegun && (await readdir(path)).length > 0) {
    throw usageError(`${path}: the output folder is not empty; choose another or remove it`);
  }
  const folder = resolve(path);
  const made = await makeFolders(folder);
  try {
    await access(folder, constants.W_OK);
    return await work(folder);
  } catch (error) {
    // Innermost first; one that is not empty stays, and so do those around it.
    for (const empty of made.reverse()) await rmdir(empty).catch(() => undefined);
    throw error;
  }
}

/**
 * One by one: Node's recursive mkdir never returns where the system lies about a folder (/proc).
 * @returns those that were not there, outermost first
 */
async function makeFolders(path: string): Promise<string[]> {
  if (existsSync(path)) return [];
  const parent = dirname(path);
  const made = parent === path ? [] : await makeFolders(parent);
  await mkdir(path);
  return [...made, path];
}

/** `base`, or the first of `base-2`, `base-3`, … where nothing is. */
export async function freeFolder(base: string): Promise<string> {
  let path = base;
  for (let count = 2; await isTaken(path); count++) path = `${base}-${count}`;
  return path;
}

/** Something is there, and be it no folder; what a command that was killed at once left empty is free. */
async function isTaken(path: string): Promise<boolean> {
  return existsSync(path) && (await readdir(path).catch(() => [path])).length > 0;
}

/** Replaces the file, making its folders. @throws a system error, when the disk refuses. */
export async function writeOutput(path: string, data: Uint8Array | string): Promise<void> {
  await makeFolders(dirname(path));
  await writeFile(path, data);
}
