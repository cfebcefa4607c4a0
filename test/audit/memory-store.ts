/** A `Store` in memory, with a count of writes after which it fails: a crash at any point. */
import type { Store, StoreWriter } from '../../src/base/index.ts';

export class MemoryStore implements Store {
  readonly files: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  /** Writes and removals still granted. */
  writesLeft: number;
  /** Values under way that were neither committed nor discarded. */
  underWay = 0;
  /** Values under way take nothing. */
  writerFails = false;

  constructor(writesLeft?: number) {
    this.writesLeft = writesLeft ?? Infinity;
  }

  read(name: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.files.get(name) ?? null);
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return this.#change(() => this.files.set(name, new Uint8Array(bytes)));
  }

  append(name: string, bytes: Uint8Array): Promise<void> {
    return this.write(name, Buffer.concat([this.files.get(name) ?? new Uint8Array(), bytes]));
  }

  has(name: string): Promise<boolean> {
    return Promise.resolve(this.files.has(name));
  }

  size(name: string): Promise<number | null> {
    return Promise.resolve(this.files.get(name)?.byteLength ?? null);
  }

  readPart(name: string, offset: number, length: number): Promise<Uint8Array | null> {
    return Promise.resolve(this.files.get(name)?.slice(offset, offset + length) ?? null);
  }

  writePart(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    if (this.writerFails) return Promise.reject(new Error('the disk is gone'));
    return this.#change(() => {
      const before = this.files.get(name) ?? new Uint8Array();
      const after = new Uint8Array(Math.max(before.byteLength, offset + bytes.byteLength));
      after.set(before);
      after.set(bytes, offset);
      this.files.set(name, after);
    });
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  create(name: string): Promise<StoreWriter> {
    const pieces: Uint8Array[] = [];
    let isOver = false;
    const end = (): void => {
      if (!isOver) this.underWay -= 1;
      isOver = true;
    };
    this.underWay += 1;
    return Promise.resolve({
      write: (bytes) => {
        if (this.writerFails) return Promise.reject(new Error('the disk is gone'));
        pieces.push(new Uint8Array(bytes));
        return Promise.resolve();
      },
      commit: () => {
        end();
        return this.write(name, Buffer.concat(pieces));
      },
      discard: () => {
        end();
        return Promise.resolve();
      },
    });
  }

  async move(from: string, to: string): Promise<boolean> {
    const bytes = this.files.get(from);
    if (bytes === undefined) return false;
    await this.#change(() => {
      this.files.delete(from);
      this.files.set(to, bytes);
    });
    return true;
  }

  list(prefix: string): Promise<string[]> {
    return Promise.resolve([...this.files.keys()].filter((n) => n.startsWith(prefix)).sort());
  }

  remove(name: string): Promise<void> {
    return this.#change(() => this.files.delete(name));
  }

  #change(effect: () => unknown): Promise<void> {
    if (this.writesLeft <= 0) return Promise.reject(new Error('the disk is gone'));
    this.writesLeft -= 1;
    effect();
    return Promise.resolve();
  }
}
