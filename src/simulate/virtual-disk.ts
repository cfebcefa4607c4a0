/**
 * One machine's disk. A `Store` operation is durable when it resolves and not before: a crash keeps what was done, and of
 * what was under way all, nothing, or the beginning of an append. It can be slow, full, or fail.
 */
import {
  AnnulusError,
  concatBytes,
  type Clock,
  type Random,
  type Store,
  type StoreWriter,
} from '../base/index.ts';
import type { Process } from './process.ts';

/** Why a disk did not do what it was told. */
export interface DiskErrorFacts {
  readonly code: 'disk_full' | 'disk_failed';
}

/** What the programs of a machine with a bad disk get. */
export class DiskError extends AnnulusError<DiskErrorFacts> {}

/** How a disk behaves. */
export interface DiskFaults {
  /** What one write takes, ms; 0 is at once. Writes are done one after the other. */
  readonly writeMs: number;
  /** Writes that would fill it beyond this fail, bytes; of an append a part may stay. */
  readonly bytesMax: number;
  /** Writes that it still takes; all later ones fail. 0: broken. */
  readonly writesLeft: number;
  /** Whether it says that a write is done before it is: what such a disk loses in a crash nobody is told. */
  readonly lies: boolean;
}

/** A disk without limits that does all at once. */
export const soundDisk: DiskFaults = Object.freeze({
  writeMs: 0,
  bytesMax: Infinity,
  writesLeft: Infinity,
  lies: false,
});

/** A change that was given to the disk and is not durable yet. */
interface Change {
  /** Files that it touches. */
  readonly names: readonly string[];
  readonly bytes: number;
  /** Does all of it, or its first part (0 to 1) where it is an append. */
  readonly apply: (part: number) => void;
  readonly isAppend: boolean;
  /** What its files were before, of a disk that lies: it is done for those who look, and gone after a crash. */
  before?: ReadonlyMap<string, Uint8Array | null>;
}

/** Bytes written into a file, and where. */
interface Part {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

function withPart(before: Uint8Array | null, { offset, bytes }: Part): Uint8Array {
  const after = new Uint8Array(Math.max(before?.byteLength ?? 0, offset + bytes.byteLength));
  if (before !== null) after.set(before);
  after.set(bytes, offset);
  return after;
}

/** See the file's header. */
export class VirtualDisk {
  /** What programs find, by name. Nobody changes the bytes. */
  readonly files: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pool: BytePool;
  /** Files written in parts since they were last durable: what they were then, and the parts. */
  readonly #unsynced = new Map<string, { before: Uint8Array | null; parts: Part[] }>();
  #faults: DiskFaults = soundDisk;
  #pending: Change[] = [];
  #freeAtMs = 0;
  #bytes = 0;

  /** @param pool keeps equal files of several disks once */
  constructor(clock: Clock, random: Random, pool: BytePool = new BytePool()) {
    this.#clock = clock;
    this.#random = random;
    this.#pool = pool;
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Changes how it behaves from now on. */
  setFaults(faults: Partial<DiskFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
  }

  /** What a crash would keep of a file for certain; null when nothing. */
  durable(name: string): Uint8Array | null {
    const unsynced = this.#unsynced.get(name);
    if (unsynced !== undefined) return unsynced.before;
    const lie = this.#pending.find(({ before }) => before?.has(name) === true);
    return lie?.before?.get(name) ?? (lie === undefined ? (this.files.get(name) ?? null) : null);
  }

  /** The power goes: what was under way is done, or not, or an append in part. Of one file the order is kept. */
  crash(): void {
    const torn = new Set<string>();
    for (const { before } of [...this.#pending].reverse()) {
      for (const [name, bytes] of before ?? []) this.set(name, bytes);
    }
    for (const { names, apply, isAppend, before } of this.#pending) {
      if (before !== undefined || names.some((name) => torn.has(name))) continue;
      const part = isAppend ? this.#random.uniform() * 2 : this.#random.integer(2);
      if (part < 1) for (const name of names) torn.add(name);
      if (part > 0) apply(Math.min(1, part));
    }
    this.#pending = [];
    this.#freeAtMs = 0;
    for (const [name, { before, parts }] of [...this.#unsynced]) {
      const kept = parts.filter(() => this.#random.integer(2) === 1);
      this.set(name, kept.reduce<Uint8Array | null>(withPart, before));
    }
  }

  /**
   * The disk as one run of a program sees it.
   *
   * @param onError hears of a write that failed before its caller does
   */
  open(process: Process, onError: (error: DiskError) => void = () => undefined): Store {
    return new OpenDisk(this, this.#pool, async (change) => {
      try {
        await this.#do(process, change);
      } catch (error) {
        if (error instanceof DiskError) onError(error);
        throw error;
      }
    });
  }

  /** Sets a file, or removes it with null, at once. */
  set(name: string, bytes: Uint8Array | null): void {
    this.#unsynced.delete(name);
    this.#replace(name, bytes);
  }

  /** Writes into a file at once; a crash may lose it until `synced`. */
  setPart(name: string, part: Part): void {
    const before = this.files.get(name) ?? null;
    const unsynced = this.#unsynced.get(name) ?? { before, parts: [] };
    this.#unsynced.set(name, { ...unsynced, parts: [...unsynced.parts, part] });
    this.#replace(name, withPart(before, part));
  }

  /** What was written into a file outlives a crash from now on. */
  synced(name: string): void {
    this.#unsynced.delete(name);
  }

  #replace(name: string, bytes: Uint8Array | null): void {
    this.#bytes += (bytes?.byteLength ?? 0) - (this.files.get(name)?.byteLength ?? 0);
    if (bytes === null) this.files.delete(name);
    else this.files.set(name, bytes);
  }

  #do(process: Process, change: Change): Promise<void> {
    if (!process.isAlive) return new Promise(() => undefined);
    const { writeMs, lies } = this.#faults;
    if (writeMs === 0) return this.#finish(change);
    const nowMs = this.#clock.nowMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + writeMs;
    this.#pending.push(change);
    if (lies) {
      change.before = new Map(change.names.map((name) => [name, this.files.get(name) ?? null]));
      change.apply(1);
      this.#clock.setTimer(this.#freeAtMs - nowMs, () => {
        this.#pending = this.#pending.filter((one) => one !== change);
      });
      return Promise.resolve();
    }
    return new Promise<void>((resolve, reject) => {
      this.#clock.setTimer(this.#freeAtMs - nowMs, () => {
        // A crash has settled what was under way.
        if (!this.#pending.includes(change)) return;
        this.#pending = this.#pending.filter((one) => one !== change);
        const error = this.#tryNow(change);
        process.wake(() => {
          if (error === null) resolve();
          else reject(error);
        });
      });
    });
  }

  #finish(change: Change): Promise<void> {
    const error = this.#tryNow(change);
    return error === null ? Promise.resolve() : Promise.reject(error);
  }

  #tryNow({ isAppend, apply, bytes }: Change): DiskError | null {
    const { writesLeft, bytesMax } = this.#faults;
    this.setFaults({ writesLeft: writesLeft - 1 });
    if (writesLeft <= 0) {
      return new DiskError({ code: 'disk_failed' }, 'the disk does not take it');
    }
    if (bytes > 0 && this.#bytes + bytes > bytesMax) {
      if (isAppend) apply(this.#random.uniform());
      return new DiskError({ code: 'disk_full' }, 'the disk is full');
    }
    apply(1);
    return null;
  }
}

/** The port over a disk. */
class OpenDisk implements Store {
  readonly #disk: VirtualDisk;
  readonly #pool: BytePool;
  readonly #do: (change: Change) => Promise<void>;

  constructor(disk: VirtualDisk, pool: BytePool, change: (change: Change) => Promise<void>) {
    this.#disk = disk;
    this.#pool = pool;
    this.#do = change;
  }

  read(name: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.#disk.files.get(name) ?? null);
  }

  has(name: string): Promise<boolean> {
    return Promise.resolve(this.#disk.files.has(name));
  }

  size(name: string): Promise<number | null> {
    return Promise.resolve(this.#disk.files.get(name)?.byteLength ?? null);
  }

  readPart(name: string, offset: number, length: number): Promise<Uint8Array | null> {
    const bytes = this.#disk.files.get(name);
    return Promise.resolve(bytes?.subarray(offset, offset + length) ?? null);
  }

  list(prefix: string): Promise<string[]> {
    const names = [...this.#disk.files.keys()].filter((name) => name.startsWith(prefix));
    return Promise.resolve(names.sort());
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    const kept = this.#pool.keep(name, bytes);
    const apply = (): void => {
      this.#disk.set(name, kept);
    };
    return this.#do({ names: [name], bytes: kept.byteLength, isAppend: false, apply });
  }

  append(name: string, bytes: Uint8Array): Promise<void> {
    const added = bytes.slice();
    const apply = (part: number): void => {
      const before = this.#disk.files.get(name) ?? new Uint8Array();
      const more = added.subarray(0, Math.floor(part * added.byteLength));
      this.#disk.set(name, grown(before, more));
    };
    return this.#do({ names: [name], bytes: added.byteLength, isAppend: true, apply });
  }

  writePart(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    const part = { offset, bytes: bytes.slice() };
    const apply = (): void => {
      this.#disk.setPart(name, part);
    };
    return this.#do({ names: [name], bytes: part.bytes.byteLength, isAppend: false, apply });
  }

  sync(name: string): Promise<void> {
    const apply = (): void => {
      this.#disk.synced(name);
    };
    return this.#do({ names: [name], bytes: 0, isAppend: false, apply });
  }

  create(name: string): Promise<StoreWriter> {
    const pieces: Uint8Array[] = [];
    return Promise.resolve({
      write: (bytes) => Promise.resolve(void pieces.push(bytes.slice())),
      commit: () => this.write(name, concatBytes(...pieces)),
      discard: () => Promise.resolve(void pieces.splice(0)),
    });
  }

  async move(from: string, to: string): Promise<boolean> {
    const moved = this.#disk.files.get(from);
    if (moved === undefined) return false;
    const kept = this.#pool.keep(to, moved);
    const apply = (): void => {
      this.#disk.set(from, null);
      this.#disk.set(to, kept);
    };
    await this.#do({ names: [from, to], bytes: 0, isAppend: false, apply });
    return true;
  }

  remove(name: string): Promise<void> {
    const apply = (): void => {
      this.#disk.set(name, null);
    };
    return this.#do({ names: [name], bytes: 0, isAppend: false, apply });
  }
}

/** Buffers of files that were appended to, and up to where each is written: what grows is not copied each time. */
const written = new WeakMap<ArrayBufferLike, number>();

/** `before` and `more` in one file. Who holds `before` sees no change. */
function grown(before: Uint8Array, more: Uint8Array): Uint8Array {
  const size = before.byteLength + more.byteLength;
  let whole = new Uint8Array(before.buffer);
  const isLast = before.byteOffset === 0 && written.get(before.buffer) === before.byteLength;
  if (!isLast || size > whole.byteLength) {
    whole = new Uint8Array(2 * size);
    whole.set(before);
  }
  whole.set(more, before.byteLength);
  written.set(whole.buffer, size);
  return whole.subarray(0, size);
}

/** Files that are the same on all honest nodes. */
const pooledForm = /^(blobs|log\/tile|log\/decisions)\//;

/**
 * Keeps equal files once: all honest nodes hold the same log and models, and a simulation of a hundred of them has one
 * memory. Found by name and size, and compared whole.
 */
export class BytePool {
  readonly #byName = new Map<string, WeakRef<Uint8Array>[]>();

  /** A copy of `bytes` that stays as it is; an earlier one where there is an equal one of this name. */
  keep(name: string, bytes: Uint8Array): Uint8Array {
    if (!pooledForm.test(name)) return bytes.slice();
    const held = (this.#byName.get(name) ?? []).filter((one) => one.deref() !== undefined);
    const found = held.map((one) => one.deref()).find((one) => isEqual(one, bytes));
    if (found !== undefined) return found;
    const copy = bytes.slice();
    this.#byName.set(name, [...held, new WeakRef(copy)]);
    return copy;
  }
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): a is Uint8Array {
  return a !== undefined && (a === b || Buffer.compare(a, b) === 0);
}
