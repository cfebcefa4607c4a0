/**
 * File verbs that return only when the bytes would survive a power cut. Each call of the system that a thread of the pool carries
 * out costs two changes of threads, which on a busy machine is more than the call: so there are as few as can be.
 */
import { closeSync, constants, fsync, openSync } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf } from './disk-error.ts';

/** Never through a symbolic link someone left in our folder; Windows has no such flag. */
export const noFollow: number = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;

/** Flags of a file that must not exist yet. */
export const newFileFlags: number =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow;

/** A write into a file opened with it is over when it is on the disk. Only Linux means this by the flag. */
const durably: number = process.platform === 'linux' ? constants.O_DSYNC : 0;

/** Opens a file whose writes are made durable by `writeDurably`. */
export async function openDurable(path: string, flags: number, mode = 0o600): Promise<FileHandle> {
  return open(path, flags | durably, mode);
}

/** Writes all of `bytes` where a file of `openDurable` stands, to the disk. */
export async function writeDurably(file: FileHandle, bytes: Uint8Array): Promise<void> {
  await writeAll(file, bytes);
  if (durably === 0) await file.datasync();
}

/** Creates `path` (which must not exist), writes all of `bytes` and syncs the file, not its folder. */
export async function writeNewFile(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const file = await openDurable(path, newFileFlags, mode);
  try {
    await writeDurably(file, bytes);
  } finally {
    await file.close();
  }
}

/** Opens, works and closes, also when the work fails. */
export async function withFile<T>(
  path: string,
  flags: number,
  mode: number,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, mode);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/**
 * `FileHandle.write` may write less than asked, for instance just before the disk is full.
 *
 * @param at where the bytes go; where the file stands when absent
 */
export async function writeAll(file: FileHandle, bytes: Uint8Array, at?: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const place = at === undefined ? null : at + done;
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, place);
    done += bytesWritten;
  }
}

/** Bytes `[offset, offset + length)` of the file, fewer at its end. */
export async function readAt(
  file: FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

/** What `work` gives, or `null` when its file is not there. */
export async function nullIfAbsent<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Makes new, renamed and removed names in `folder` durable. Does nothing on Windows, which has no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  // Opening and closing a folder that is there reads and writes nothing.
  const opened = openSync(folder, constants.O_RDONLY);
  try {
    await synced(opened);
  } finally {
    closeSync(opened);
  }
}

const synced = promisify(fsync);

/** `mkdir -p`, durable. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(first);
  for (let at = folder; ; at = dirname(at)) {
    await syncFolder(at);
    if (at === top || at === dirname(at)) return;
  }
}

/** Whether the error means that the file is not there. */
export function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}
