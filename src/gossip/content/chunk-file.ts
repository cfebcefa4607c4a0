/**
 * A blob under way on the disk, chunk by chunk in any order. What is there proves itself against the list of chunks, so
 * nothing else is kept of it: after a restart the file is read once, and only what is missing is asked for.
 */
import type { Digest, Store } from '../../base/index.ts';
import { chunkCount, isChunk, listKey, type ChunkList } from './chunk-list.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { RunningDigest } from './running-digest.ts';

/** What a file of chunks needs of the disk. */
export type ChunkDisk = Pick<
  Store,
  'readPart' | 'writePart' | 'sync' | 'move' | 'remove' | 'size' | 'list'
>;

/** Chunks next to each other: `[first, end)`. */
export interface ChunkRun {
  readonly first: number;
  readonly end: number;
}

const folder = 'parts/';

/** What the names of all unfinished files of a blob begin with. */
export function partsOf(blob: Digest): string {
  return `${folder}${blob}-`;
}

/** The blob of an unfinished file. */
export function blobOfPart(name: string): string {
  return name.slice(folder.length, name.indexOf('-'));
}

/** See the file's header. */
export class ChunkFile {
  readonly list: ChunkList;
  readonly #disk: ChunkDisk;
  readonly #name: string;
  readonly #bytesOfChunk: number;
  readonly #buffers: ChunkBuffers;
  #running: RunningDigest;
  /** Not there, and nobody was asked for it. */
  readonly #missing = new Set<number>();
  readonly #there = new Set<number>();

  private constructor(disk: ChunkDisk, blob: Digest, list: ChunkList, buffers: ChunkBuffers) {
    const { bytesOfChunk } = buffers;
    this.#buffers = buffers;
    this.#running = this.#newDigest();
    this.#disk = disk;
    this.#name = `${partsOf(blob)}${listKey(list)}`;
    this.list = list;
    this.#bytesOfChunk = bytesOfChunk;
  }

  /** The file under this list, with all that an earlier run of the program left of it. */
  static async open(
    disk: ChunkDisk,
    blob: Digest,
    list: ChunkList,
    buffers: ChunkBuffers,
  ): Promise<ChunkFile> {
    const file = new ChunkFile(disk, blob, list, buffers);
    await file.lookOver();
    return file;
  }

  get isWhole(): boolean {
    return this.#there.size === this.list.leaves.length;
  }

  /** Chunks on the disk. */
  get count(): number {
    return this.#there.size;
  }

  /** First byte of a run, and how many it has. */
  range({ first, end }: ChunkRun): { readonly offset: number; readonly length: number } {
    const offset = first * this.#bytesOfChunk;
    return { offset, length: Math.min(this.list.totalBytes, end * this.#bytesOfChunk) - offset };
  }

  /** The next chunks that nobody was asked for, at most `most`; null when there are none. */
  take(most: number): ChunkRun | null {
    const [first] = this.#missing;
    if (first === undefined) return null;
    let end = first;
    while (end < first + most && this.#missing.delete(end)) end += 1;
    return { first, end };
  }

  /** Chunks that were taken and did not come. */
  giveBack({ first, end }: ChunkRun): void {
    // In front, and so in order: what a broken transfer left is asked for next.
    const later = [...this.#missing];
    this.#missing.clear();
    for (let index = first; index < end; index++) {
      if (!this.#there.has(index)) this.#missing.add(index);
    }
    for (const index of later) this.#missing.add(index);
  }

  /** Writes a chunk, which is the file's from then on; false, and nothing done, when it is not the one that the list names. */
  async add(index: number, chunk: Uint8Array): Promise<boolean> {
    const { length } = this.range({ first: index, end: index + 1 });
    if (chunk.byteLength !== length || !isChunk(this.list, index, chunk)) return false;
    await this.#disk.writePart(this.#name, index * this.#bytesOfChunk, chunk);
    this.#there.add(index);
    this.#running.take(index, chunk);
    return true;
  }

  /** Reads all of it: what is there is what the list names, and the rest is missing. Nothing may be under way. */
  async lookOver(): Promise<void> {
    this.#missing.clear();
    this.#there.clear();
    this.#running = this.#newDigest();
    const sizeBytes = (await this.#disk.size(this.#name)) ?? 0;
    const count = chunkCount(this.list.totalBytes, this.#bytesOfChunk);
    for (let index = 0; index < count; index++) {
      const { offset, length } = this.range({ first: index, end: index + 1 });
      const chunk =
        sizeBytes > 0 && offset + length <= sizeBytes
          ? await this.#disk.readPart(this.#name, offset, length)
          : null;
      const isThere = chunk !== null && isChunk(this.list, index, chunk);
      (isThere ? this.#there : this.#missing).add(index);
    }
  }

  /** SHA-256 of all of it, once: what came is not read again, unless it came long before its turn. */
  digest(): Promise<Digest> {
    return this.#running.end(this.list.leaves.length, async (index) => {
      const { offset, length } = this.range({ first: index, end: index + 1 });
      const chunk = await this.#disk.readPart(this.#name, offset, length);
      return chunk ?? new Uint8Array(0);
    });
  }

  #newDigest(): RunningDigest {
    return new RunningDigest((chunk) => {
      this.#buffers.giveBack(chunk);
    });
  }

  /** Gives it its name, durably. */
  async commit(name: string): Promise<void> {
    await this.#disk.sync(this.#name);
    await this.#disk.move(this.#name, name);
  }

  /** Gives up what came. */
  async discard(): Promise<void> {
    await this.#disk.remove(this.#name);
  }
}
