/**
 * One process per node folder: two nodes with one key would sign against each other. The lock is a file that
 * names its process; the lock of a dead process is taken over. A process is known by pid, start time and
 * boot, since pids come again. Processes in another pid namespace (container) or machine look dead: do not
 * share a node folder between them.
 */
import { readFileSync } from 'node:fs';
import { link, readFile, rm, stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fromUtf8, utf8 } from '../base/index.ts';
import { diskError, errnoOf } from './disk-error.ts';
import { isAbsent, makeFolder, writeNewFile } from './durable-files.ts';
import { HostError } from './errors.ts';

/** A takeover takes milliseconds; an older file of one was left by a crash in the midst of it. */
const takeoverMsMax = 10_000;

/** A held lock. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of `folder`, creating the folder if absent.
 *
 * @throws {HostError} 'folder_locked' while another process, or this one, holds it; or a disk code.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(resolve(folder), '.lock');
  try {
    await makeFolder(resolve(folder));
    if (!(await tryCreate(path))) {
      await takeOver(path);
    }
  } catch (error) {
    throw diskError(path, error);
  }
  return {
    release: async (): Promise<void> => {
      await rm(path, { force: true });
    },
  };
}

async function takeOver(path: string): Promise<void> {
  await refuseLiving(path);
  // Two processes may see the same dead lock: only the one with the takeover file may remove it.
  const takeover = `${path}-takeover`;
  await removeWhenOld(takeover);
  if (!(await tryCreate(takeover))) {
    throw new HostError({ code: 'folder_locked', path, pid: (await holderOf(takeover))?.pid ?? 0 });
  }
  try {
    await refuseLiving(path);
    await rm(path, { force: true });
    if (!(await tryCreate(path))) {
      throw new HostError({ code: 'folder_locked', path, pid: (await holderOf(path))?.pid ?? 0 });
    }
  } finally {
    await rm(takeover, { force: true });
  }
}

async function refuseLiving(path: string): Promise<void> {
  const holder = await holderOf(path);
  if (holder !== null && isAlive(holder)) {
    throw new HostError({ code: 'folder_locked', path, pid: holder.pid });
  }
}

async function removeWhenOld(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > takeoverMsMax) await unlink(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

interface Holder {
  readonly pid: number;
  /** Boot id and start time; empty where the system does not tell. */
  readonly birth: string;
}

let temporaryCount = 0;

async function tryCreate(path: string): Promise<boolean> {
  temporaryCount += 1;
  const temporary = `${path}.${process.pid}.${temporaryCount}`;
  try {
    // Linked, not created and then written: nobody may see a lock without its holder.
    await writeNewFile(temporary, utf8(`${process.pid} ${birthOf(process.pid)}\n`), 0o600);
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** `null` when the file is gone or holds no pid: a disk that lost its bytes in a power cut. */
async function holderOf(path: string): Promise<Holder | null> {
  try {
    const parts = /^(\d{1,10}) (\S*)\n$/.exec(fromUtf8(new Uint8Array(await readFile(path))));
    return parts === null ? null : { pid: Number(parts[1]), birth: parts[2] ?? '' };
  } catch (error) {
    if (isAbsent(error) || error instanceof TypeError) return null;
    throw error;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives, but belongs to someone else.
    if (errnoOf(error) !== 'EPERM') return false;
  }
  // It has ended, and its parent has not asked how: a container's first process may never do.
  if (factsOf(holder.pid)[0] === 'Z') return false;
  const birth = birthOf(holder.pid);
  return birth === '' || holder.birth === '' || birth === holder.birth;
}

/** Linux: boot id and start time in ticks. Elsewhere empty. */
function birthOf(pid: number): string {
  const startTicks = factsOf(pid)[19];
  if (startTicks === undefined) return '';
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${startTicks}`;
  } catch {
    return '';
  }
}

/** What Linux says of a process from its state on, the third of its fields; start time is the 22nd. Elsewhere nothing. */
function factsOf(pid: number): string[] {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command may hold spaces and brackets: fields count from the last bracket.
    return line.slice(line.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
