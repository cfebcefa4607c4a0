/**
 * One machine's disk. A `Store` operation is durable when it resolves and not before: a crash keeps what was done, and of
 * what was under way all, nothing, or the beginning of an append. It can be slow, full, or fail.
 */
import { AnnulusError, concatBytes, type Clock, type Random, type Store } from '../base/index.ts';
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

/** A change that was given to the disk and not done. */
interface Pending {
  readonly name: string;
  /** Does all of it, or its first part (0 to 1) where it is an append. */
  readonly apply: (part: number) => void;
  readonly isAppend: boolean;
}

/** See the file's header. */
export class VirtualDisk {
  /** What a crash keeps, by name. Nobody changes the bytes. */
  readonly files: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pool: BytePool;
  #faults: DiskFaults = soundDisk;
  #pending: Pending[] = [];
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

  /** The power goes: what was under way is done, or not, or an append in part. Of one file the order is kept. */
  crash(): void {
    const torn = new Set<string>();
    for (const { name, apply, isAppend } of this.#pending) {
      if (torn.has(name)) continue;
      const part = isAppend ? this.#random.uniform() * 2 : this.#random.integer(2);
      if (part < 1) torn.add(name);
      if (part > 0) apply(Math.min(1, part));
    }
    this.#pending = [];
    this.#freeAtMs = 0;
  }

  /**
   * The disk as one run of a program sees it.
   *
   * @param onError hears of a write that failed before its caller does
   */
  open(process: Process, onError: (error: DiskError) => void = () => undefined): Store {
    const { files } = this;
    const change = async (
      name: string,
      bytes: number,
      isAppend: boolean,
      apply: (part: number) => void,
    ): Promise<void> => {
      try {
        await this.#change(process, { name, isAppend, apply }, bytes);
      } catch (error) {
        if (error instanceof DiskError) onError(error);
        throw error;
      }
    };
    const read = (name: string): Uint8Array | null => files.get(name) ?? null;
    return {
      read: (name) => Promise.resolve(read(name)),
      has: (name) => Promise.resolve(files.has(name)),
      size: (name) => Promise.resolve(read(name)?.byteLength ?? null),
      readPart: (name, offset, length) =>
        Promise.resolve(read(name)?.subarray(offset, offset + length) ?? null),
      list: (prefix) =>
        Promise.resolve([...files.keys()].filter((name) => name.startsWith(prefix)).sort()),
      write: (name, bytes) => {
        const kept = this.#pool.keep(name, bytes);
        return change(name, bytes.byteLength, false, () => {
          this.#set(name, kept);
        });
      },
      create: (name) => {
        // What is under way lies apart, and a crash discards it.
        const pieces: Uint8Array[] = [];
        return Promise.resolve({
          write: (bytes: Uint8Array) => Promise.resolve(void pieces.push(bytes.slice())),
          commit: () => {
            const kept = this.#pool.keep(name, concatBytes(...pieces));
            return change(name, kept.byteLength, false, () => {
              this.#set(name, kept);
            });
          },
          discard: () => Promise.resolve(),
        });
      },
      move: (from, to) =>
        change(to, 0, false, () => {
          const bytes = read(from);
          if (bytes === null) return;
          this.#set(from, null);
          this.#set(to, bytes);
        }),
      append: (name, bytes) => {
        const added = bytes.slice();
        return change(name, bytes.byteLength, true, (part) => {
          const before = read(name) ?? new Uint8Array();
          const more = added.subarray(0, Math.floor(part * added.byteLength));
          const after = new Uint8Array(before.byteLength + more.byteLength);
          after.set(before);
          after.set(more, before.byteLength);
          this.#set(name, after);
        });
      },
      remove: (name) =>
        change(name, 0, false, () => {
          this.#set(name, null);
        }),
    };
  }

  #set(name: string, bytes: Uint8Array | null): void {
    this.#bytes += (bytes?.byteLength ?? 0) - (this.files.get(name)?.byteLength ?? 0);
    if (bytes === null) this.files.delete(name);
    else this.files.set(name, bytes);
  }

  #change(process: Process, pending: Pending, bytes: number): Promise<void> {
    if (!process.isAlive) return new Promise(() => undefined);
    const { writeMs, lies } = this.#faults;
    if (writeMs === 0) return this.#finish(pending, bytes);
    this.#pending.push(pending);
    const nowMs = this.#clock.nowMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + writeMs;
    const done = new Promise<void>((resolve, reject) => {
      this.#clock.setTimer(this.#freeAtMs - nowMs, () => {
        // A crash has settled what was under way.
        if (!this.#pending.includes(pending)) return;
        this.#pending = this.#pending.filter((one) => one !== pending);
        const outcome = this.#finish(pending, bytes);
        outcome.then(
          () => {
            process.wake(resolve);
          },
          (error: unknown) => {
            process.wake(() => {
              reject(error as DiskError);
            });
          },
        );
      });
    });
    if (!lies) return done;
    done.catch(() => undefined);
    return Promise.resolve();
  }

  #finish({ isAppend, apply }: Pending, bytes: number): Promise<void> {
    const { writesLeft, bytesMax } = this.#faults;
    this.setFaults({ writesLeft: writesLeft - 1 });
    if (writesLeft <= 0) {
      return Promise.reject(new DiskError({ code: 'disk_failed' }, 'the disk does not take it'));
    }
    if (bytes > 0 && this.#bytes + bytes > bytesMax) {
      if (isAppend) apply(this.#random.uniform());
      return Promise.reject(new DiskError({ code: 'disk_full' }, 'the disk is full'));
    }
    apply(1);
    return Promise.resolve();
  }
}

/** Bytes below this are not worth looking for. */
const pooledBytesMin = 1_024;

/**
 * Keeps equal files once: all honest nodes hold the same log and models, and a simulation of a hundred of them has one
 * memory. Found by name and size, and compared whole.
 */
export class BytePool {
  readonly #byName = new Map<string, WeakRef<Uint8Array>[]>();

  /** A copy of `bytes` that stays as it is; an earlier one where there is an equal one of this name. */
  keep(name: string, bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength < pooledBytesMin) return bytes.slice();
    const held = (this.#byName.get(name) ?? []).filter((one) => one.deref() !== undefined);
    const found = held.map((one) => one.deref()).find((one) => isEqual(one, bytes));
    if (found !== undefined) return found;
    const copy = bytes.slice();
    this.#byName.set(name, [...held, new WeakRef(copy)]);
    return copy;
  }
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): a is Uint8Array {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
