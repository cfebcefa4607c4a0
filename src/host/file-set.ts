/** The files of a folder, of a ZIP, or one alone, to be read one at a time: a folder of DICOM files, the export of a PACS. */
import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { onDisk } from './disk-error.ts';
import { HostError } from './errors.ts';
import { readRegularFile } from './regular-file.ts';
import type { FileSet, SetFile } from './set-file.ts';
import { isZip, openZip } from './zip.ts';

/** Of one file: 1 GiB. */
const fileBytesMax = 2 ** 30;
/** Of a folder: 100 series of 500 slices. */
const filesMax = 50_000;
const depthMax = 16;

/**
 * What is at `path`: all files below a folder but hidden ones, the entries of a ZIP (told by content), or a single file. A link to
 * a folder is not followed.
 *
 * @throws {HostError} 'bad_cases' for what is none of them, has too much in it, or is a damaged ZIP; a disk code
 */
export async function openFileSet(path: string): Promise<FileSet> {
  const facts = await onDisk(path, () => stat(path));
  if (facts.isDirectory()) {
    const names: string[] = [];
    await list(path, '', 0, names);
    const files = names.sort().map((name) => fileAt(join(path, name), name));
    return { files, close: () => Promise.resolve() };
  }
  if (facts.isFile() && isZip(await headOf(path))) return openZip(path, { filesMax, fileBytesMax });
  return { files: [fileAt(path, basename(path))], close: () => Promise.resolve() };
}

function fileAt(path: string, name: string): SetFile {
  return { name, read: () => readRegularFile(path, fileBytesMax) };
}

async function list(root: string, folder: string, depth: number, names: string[]): Promise<void> {
  const path = join(root, folder);
  const refuse = (expected: string): never => {
    throw new HostError({ code: 'bad_cases', path, expected });
  };
  if (depth > depthMax) refuse(`expected folders at most ${depthMax} deep`);
  for (const entry of await onDisk(path, () => readdir(path, { withFileTypes: true }))) {
    if (entry.name.startsWith('.')) continue;
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) await list(root, name, depth + 1, names);
    else if (await isFile(entry, join(root, name))) names.push(name);
    if (names.length > filesMax) refuse(`expected at most ${filesMax} files below it`);
  }
}

async function isFile(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  const facts = await stat(path).catch(() => null);
  return facts?.isFile() === true;
}

async function headOf(path: string): Promise<Uint8Array> {
  return onDisk(path, async () => {
    const handle = await open(path, 'r');
    try {
      const head = new Uint8Array(4);
      const { bytesRead } = await handle.read(head, 0, 4, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  });
}
