/** Folders that hold keys: their owner's alone, and made whole or not at all. */
import { stat, mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, onDisk } from './disk-error.ts';
import { isAbsent, makeFolder, nullIfAbsent, syncFolder, writeNewFile } from './durable-files.ts';
import { HostError } from './errors.ts';

/** Files of a folder to make: path inside it, with `/`, and bytes. Folders on the way are made. */
export type NewFiles = ReadonlyMap<string, Uint8Array>;

/**
 * Refuses a folder that others have any right to; of a link, the folder that it leads to counts.
 *
 * @throws {HostError} 'folder_missing', 'folder_mode', or a disk code
 */
export async function requirePrivateFolder(path: string): Promise<void> {
  await onDisk(path, async () => {
    const facts = await stat(path).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    if (facts?.isDirectory() !== true) throw new HostError({ code: 'folder_missing', path });
    // Windows guards folders by other means than mode bits.
    if (process.platform === 'win32' || (facts.mode & 0o077) === 0) return;
    const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
    throw new HostError({ code: 'folder_mode', path, mode });
  });
}

/**
 * Makes a folder with these files, readable by its owner alone: all of it, or nothing. It may be there already if it is
 * empty, nobody else's and no mount point.
 *
 * @throws {HostError} 'folder_not_empty', 'folder_mode', 'folder_mounted', or a disk code
 */
export async function createPrivateFolder(path: string, files: NewFiles): Promise<void> {
  await fillPrivateFolder(path, (folder) => writeFiles(folder, files));
}

/**
 * As `createPrivateFolder`, in place of a folder that may be there: its files are seen all at once. A crash in between
 * leaves the old folder, the new one, or for a moment none.
 *
 * @throws {HostError} a disk code; the old folder is there then
 */
export async function replacePrivateFolder(path: string, files: NewFiles): Promise<void> {
  const target = resolve(path);
  const beside = (end: string): string => join(dirname(target), `.${basename(target)}.${end}`);
  const [fresh, old] = [beside('new'), beside('old')];
  const discard = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
  await onDisk(target, async () => {
    await makeFolder(dirname(target));
    await discard(fresh);
    await discard(old);
    try {
      await mkdir(fresh, { mode: 0o700 });
      await writeFiles(fresh, files);
    } catch (error) {
      await discard(fresh);
      throw error;
    }
    await nullIfAbsent(() => rename(target, old));
    await rename(fresh, target);
    await syncFolder(dirname(target));
    await discard(old);
  });
}

async function writeFiles(folder: string, files: NewFiles): Promise<void> {
  const folders = new Set<string>([folder]);
  for (const [name, bytes] of files) {
    const file = join(folder, name);
    await makeFolder(dirname(file));
    await writeNewFile(file, bytes, 0o600);
    folders.add(dirname(file));
  }
  for (const one of folders) await syncFolder(one);
}

/**
 * As `createPrivateFolder`, of what `fill` puts into the folder that it is given. When it fails nothing is left.
 *
 * @throws as `createPrivateFolder`, and what `fill` throws
 */
export async function fillPrivateFolder(
  path: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  await requireNewFolder(target);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  await onDisk(target, async () => {
    try {
      // It is made beside its place, so that rights there count, also when the folder itself is there.
      await onDisk(dirname(target), async () => {
        await makeFolder(dirname(target));
        await rm(temporary, { recursive: true, force: true });
        await mkdir(temporary, { mode: 0o700 });
      });
      await fill(temporary);
      // On POSIX `rename` replaces an empty folder; Windows wants it gone.
      if (process.platform === 'win32') await rmdir(target).catch(() => undefined);
      await rename(temporary, target);
      await syncFolder(dirname(target));
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      const errno = errnoOf(error);
      if (errno === 'ENOTEMPTY' || errno === 'EEXIST') {
        throw new HostError({ code: 'folder_not_empty', path: target }, { cause: error });
      }
      if (errno === 'EBUSY' || errno === 'EXDEV') {
        throw new HostError({ code: 'folder_mounted', path: target }, { cause: error });
      }
      throw error;
    }
  });
}

/**
 * Refuses what `createPrivateFolder` would refuse, before any work: also where this user may make no folder.
 *
 * @throws {HostError} 'folder_not_empty' or 'folder_mode', or a disk code
 */
export async function requireNewFolder(path: string): Promise<void> {
  const names = await onDisk(path, () =>
    readdir(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return null;
      if (errnoOf(error) === 'ENOTDIR') return ['a file'];
      throw error;
    }),
  );
  if (names !== null && names.length > 0) throw new HostError({ code: 'folder_not_empty', path });
  if (names !== null) await requirePrivateFolder(path);
  await tryFolderBeside(resolve(path));
}

/** Makes a folder where the first one of this path would be made, and removes it. @throws {HostError} a disk code */
async function tryFolderBeside(path: string): Promise<void> {
  const parent = dirname(path);
  const isThere = (await nullIfAbsent(() => stat(parent))) !== null;
  if (!isThere && parent !== path) {
    await tryFolderBeside(parent);
    return;
  }
  await onDisk(parent, async () => {
    await rmdir(await mkdtemp(join(parent, '.annulus-')));
  });
}

/** What tells a folder from a copy of it: its number in its file system, which a move within that keeps. */
export async function folderIdentity(folder: string): Promise<string> {
  return String((await stat(folder, { bigint: true })).ino);
}
