/**
 * The `Store` port on a folder. A value is a file; names are checked before they become paths. Writes go to
 * a temporary file, which is synced and renamed over the old value, then the folder is synced: after a crash
 * there is the old value or the new one. Work on one name is done in order.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { invariant, type Store, type StoreWriter } from '../base/index.ts';
import { onDisk } from './disk-error.ts';
import {
  isAbsent,
  makeFolder,
  newFileFlags,
  noFollow,
  nullIfAbsent,
  openDurable,
  readAt,
  syncFolder,
  withFile,
  writeAll,
  writeDurably,
} from './durable-files.ts';
import { HostError } from './errors.ts';
import { KeptFiles, type EndFile, type PartsFile } from './kept-files.ts';

const segmentForm = /^[A-Za-z0-9._-]{1,200}$/;
const nameLengthMax = 1_000;
/** Unfinished writes; emptied when the store is opened. */
const temporaryFolder = '.tmp';
/** How this process's temporary files begin; several threads may have a store of the same folder. */
const ownTemporaries = `${process.pid}-`;
/** First segments that belong to the folder itself: unfinished writes and the lock. */
const isReserved = (segment: string): boolean =>
  segment === temporaryFolder || segment.startsWith('.lock');

/** A store in the folder `root`, which is created when first written to. One process at a time: `lockFolder`. */
export function diskStore(root: string): Store {
  return new DiskStore(resolve(root));
}

class DiskStore implements Store {
  readonly #root: string;
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Files that are being written part by part or appended to. */
  readonly #kept: KeptFiles;
  #ready: Promise<void> | null = null;

  constructor(root: string) {
    this.#root = root;
    this.#kept = new KeptFiles((name) => {
      void this.#inTurn(name, () => this.#kept.close(name)).catch(() => undefined);
    });
  }

  async read(name: string): Promise<Uint8Array | null> {
    const path = this.#pathOf(name);
    const flag = constants.O_RDONLY | noFollow;
    return this.#inTurn(name, async () =>
      nullIfAbsent(async () => new Uint8Array(await readFile(path, { flag }))),
    );
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(name);
    await this.#inTurn(name, async () => {
      await this.#kept.close(name);
      const temporary = await this.#temporary();
      try {
        const file = await openDurable(temporary, newFileFlags);
        try {
          await writeDurably(file, bytes);
        } catch (error) {
          await file.close();
          throw error;
        }
        // A file may be closed while it gets its name.
        await Promise.all([file.close(), inFolderOf(path, () => rename(temporary, path))]);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncFolder(dirname(path));
    });
  }

  async writePart(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(name);
    await this.#inTurn(name, async () => {
      const { file } = await this.#kept.parts(name, () => openParts(path));
      try {
        await writeAll(file, bytes, offset);
      } catch (error) {
        await this.#kept.close(name);
        throw error;
      }
    });
  }

  async sync(name: string): Promise<void> {
    const path = this.#pathOf(name);
    await this.#inTurn(name, async () => {
      await this.#kept.close(name);
      const isThere = await nullIfAbsent(() =>
        withFile(path, constants.O_WRONLY | noFollow, 0, async (file) => {
          await file.sync();
          return true;
        }),
      );
      if (isThere !== null) await syncFolder(dirname(path));
    });
  }

  async create(name: string): Promise<StoreWriter> {
    const path = this.#pathOf(name);
    const temporary = await onDisk(path, () => this.#temporary());
    const file = await onDisk(path, () => open(temporary, newFileFlags, 0o600));
    const commit = (work: () => Promise<void>): Promise<void> =>
      this.#inTurn(name, async () => {
        await this.#kept.close(name);
        await work();
      });
    return new DiskWriter(file, temporary, path, commit);
  }

  async move(from: string, to: string): Promise<boolean> {
    const [source, target] = [this.#pathOf(from), this.#pathOf(to)];
    if (from === to) return this.has(from);
    // Always in the same order, so that two moves never wait for each other.
    const [first, second] = from < to ? [from, to] : [to, from];
    return this.#inTurn(first, () =>
      this.#inTurn(second, async () => {
        for (const name of [from, to]) await this.#kept.close(name);
        const isMoved = await nullIfAbsent(async () => {
          await inFolderOf(target, () => rename(source, target));
          return true;
        });
        if (isMoved === null) return false;
        await syncFolder(dirname(target));
        await syncFolder(dirname(source));
        return true;
      }),
    );
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(name);
    await this.#inTurn(name, async () => {
      const kept = await this.#kept.end(name, () => openEnd(path));
      try {
        await writeDurably(kept.file, bytes);
      } catch (error) {
        // A full disk may have taken a part: cut it off, so that the value is the old one.
        await kept.file.truncate(kept.sizeBytes).catch(() => undefined);
        await this.#kept.close(name);
        throw error;
      }
      kept.sizeBytes += bytes.byteLength;
      if (!kept.isNew) return;
      await syncFolder(dirname(path));
      kept.isNew = false;
    });
  }

  async has(name: string): Promise<boolean> {
    return (await this.size(name)) !== null;
  }

  async size(name: string): Promise<number | null> {
    const path = this.#pathOf(name);
    return this.#inTurn(name, async () =>
      nullIfAbsent(async () => {
        const found = await stat(path);
        return found.isFile() ? found.size : null;
      }),
    );
  }

  async readPart(name: string, offset: number, length: number): Promise<Uint8Array | null> {
    const path = this.#pathOf(name);
    return this.#inTurn(name, async () =>
      nullIfAbsent(async () =>
        withFile(path, constants.O_RDONLY | noFollow, 0, async (file) =>
          readAt(file, offset, length),
        ),
      ),
    );
  }

  async list(prefix: string): Promise<string[]> {
    const cut = prefix.lastIndexOf('/');
    const folder = cut < 0 ? '' : prefix.slice(0, cut);
    if (folder !== '') this.#pathOf(folder);
    const names: string[] = [];
    await onDisk(join(this.#root, folder), async () => this.#collect(folder, names));
    return names.filter((name) => name.startsWith(prefix)).sort();
  }

  async remove(name: string): Promise<void> {
    const path = this.#pathOf(name);
    await this.#inTurn(name, async () => {
      await this.#kept.close(name);
      try {
        await unlink(path);
      } catch (error) {
        if (isAbsent(error)) return;
        throw error;
      }
      await syncFolder(dirname(path));
    });
  }

  async #collect(folder: string, names: string[]): Promise<void> {
    let entries;
    try {
      entries = await readdir(join(this.#root, folder), { withFileTypes: true });
    } catch (error) {
      if (isAbsent(error)) return;
      throw error;
    }
    for (const entry of entries) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (folder === '' && isReserved(entry.name)) continue;
      if (entry.isDirectory()) await this.#collect(name, names);
      else if (entry.isFile() && segmentForm.test(entry.name)) names.push(name);
    }
  }

  /** @throws {HostError} 'bad_name': names may come from others, and are never trusted as paths. */
  #pathOf(name: string): string {
    const segments = name.split('/');
    const isGood =
      name.length <= nameLengthMax &&
      segments.every((part) => segmentForm.test(part) && part !== '.' && part !== '..') &&
      !isReserved(segments[0] ?? '');
    if (!isGood) throw new HostError({ code: 'bad_name', name });
    return join(this.#root, ...segments);
  }

  /** A path for a write under way. */
  async #temporary(): Promise<string> {
    await this.#prepare();
    return join(this.#root, temporaryFolder, `${ownTemporaries}${randomUUID()}`);
  }

  async #prepare(): Promise<void> {
    const folder = join(this.#root, temporaryFolder);
    this.#ready ??= (async (): Promise<void> => {
      await makeFolder(folder);
      // Left by a process that died. Another thread of this one may be writing its own just now.
      const left = (await readdir(folder)).filter((name) => !name.startsWith(ownTemporaries));
      for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
    })();
    try {
      await this.#ready;
    } catch (error) {
      this.#ready = null;
      throw error;
    }
  }

  async #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(async () => onDisk(join(this.#root, name), work));
    const settled = turn.catch(() => undefined);
    this.#turns.set(name, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(name) === settled) this.#turns.delete(name);
    }
  }
}

/** A temporary file under way to `path`. */
class DiskWriter implements StoreWriter {
  readonly #file: FileHandle;
  readonly #temporary: string;
  readonly #path: string;
  readonly #inTurn: (work: () => Promise<void>) => Promise<void>;
  #isOver = false;

  constructor(
    file: FileHandle,
    temporary: string,
    path: string,
    inTurn: (work: () => Promise<void>) => Promise<void>,
  ) {
    this.#file = file;
    this.#temporary = temporary;
    this.#path = path;
    this.#inTurn = inTurn;
  }

  async write(bytes: Uint8Array): Promise<void> {
    invariant(!this.#isOver, 'a value is written before it is committed or discarded');
    await onDisk(this.#path, () => writeAll(this.#file, bytes));
  }

  async commit(): Promise<void> {
    invariant(!this.#isOver, 'a value is committed once');
    await this.#inTurn(async () => {
      await this.#file.sync();
      this.#isOver = true;
      await this.#file.close();
      try {
        await inFolderOf(this.#path, () => rename(this.#temporary, this.#path));
      } catch (error) {
        await rm(this.#temporary, { force: true });
        throw error;
      }
      await syncFolder(dirname(this.#path));
    });
  }

  async discard(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#file.close();
    await rm(this.#temporary, { force: true });
  }
}

/** A file to write parts into. */
async function openParts(path: string): Promise<PartsFile> {
  const flags = constants.O_WRONLY | constants.O_CREAT | noFollow;
  const file = await inFolderOf(path, () => open(path, flags, 0o600));
  return { use: 'parts', file };
}

/** A file to append to. */
async function openEnd(path: string): Promise<EndFile> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | noFollow;
  const file = await inFolderOf(path, () => openDurable(path, flags));
  const { size } = await file.stat();
  return { use: 'end', file, sizeBytes: size, isNew: size === 0 };
}

/** Does what needs the folder of `path`, which is there for all but the first: only then it is made, durably. */
async function inFolderOf<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  await makeFolder(dirname(path));
  return work();
}
