/** What members left beside their logs, as a port: updates and models by digest. Only regular files are opened, none is written. */
import { existsSync } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MemberFiles } from '../../auditor/index.ts';
import { requireFolder } from '../files.ts';
import { auditedRun } from './audited-folders.ts';

/** A small file that is read whole: a list of shards, a description of a model. */
const wholeBytesMax = 2 ** 30;

/** Node folders in `folder` that hold updates or models; an exported folder may hold them itself. @throws {CliError} 'usage' */
export async function memberFolders(folder: string): Promise<string[]> {
  // A log that is served has no updates and models beside it.
  if (folder.includes('://')) return [];
  const path = await requireFolder(folder);
  const { nodes } = await auditedRun(path);
  const candidates = [...nodes.flatMap((node) => [node.folder, dirname(node.folder)]), path];
  return [...new Set(candidates)].filter((one) => existsSync(join(one, 'blobs')));
}

/** The files of one such folder. */
export function memberFilesAt(folder: string): MemberFiles {
  const sizeOf = async (name: string): Promise<number | null> => {
    const facts = await lstat(join(folder, name)).catch(() => null);
    return facts?.isFile() === true ? facts.size : null;
  };
  const readPart = async (
    name: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array | null> => {
    const size = await sizeOf(name);
    if (size === null) return null;
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    const file = await open(join(folder, name), 'r');
    try {
      let have = 0;
      while (have < bytes.byteLength) {
        const { bytesRead } = await file.read(bytes, have, bytes.byteLength - have, offset + have);
        if (bytesRead === 0) break;
        have += bytesRead;
      }
      return bytes.subarray(0, have);
    } finally {
      await file.close();
    }
  };
  return { size: sizeOf, readPart, read: (name) => readPart(name, 0, wholeBytesMax) };
}
