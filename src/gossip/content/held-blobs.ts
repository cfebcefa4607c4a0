/** What this node holds, for the members that ask: blobs by their digest, and the lists of their chunks. */
import type { Digest, Store } from '../../base/index.ts';
import type { HeldBlob } from '../../wire/index.ts';
import { chunkListOf, decodeList, encodeList, listName, type ChunkList } from './chunk-list.ts';
import { filePieces } from './file-pieces.ts';

const blobFolder = 'blobs/';
const listFolder = 'chunks/';

/** Where a blob lies in the store. */
export function contentName(digest: Digest): string {
  return `${blobFolder}${digest}`;
}

/** See the file's header. */
export class HeldBlobs {
  readonly #store: Store;
  readonly #bytesOfChunk: number;
  /** Blobs by the names of their lists; those that the disk held at the start, once somebody asks. */
  #byListName: Promise<Map<Digest, Digest>> | null = null;
  /** Lists that are being made. */
  readonly #making = new Map<Digest, Promise<Uint8Array | null>>();

  constructor(store: Store, bytesOfChunk: number) {
    this.#store = store;
    this.#bytesOfChunk = bytesOfChunk;
  }

  /** Something is held from now on. */
  async added(digest: Digest, list: ChunkList | null): Promise<void> {
    if (list !== null) await this.#store.write(`${listFolder}${digest}`, encodeList(list));
    const names = await this.#byListName;
    names?.set(listName(digest), digest);
  }

  /** Removes a blob and its list. */
  async remove(digest: Digest): Promise<void> {
    // A list of what is left of a blob in the midst of its removal would be false, and stay.
    const making = this.#making.get(digest);
    if (making !== undefined) await making.catch(() => undefined);
    await this.#store.remove(contentName(digest));
    await this.#store.remove(`${listFolder}${digest}`);
    const names = await this.#byListName;
    names?.delete(listName(digest));
  }

  /** What has this name: a blob, or the list of one; null when it is not held here. */
  async held(name: Digest): Promise<HeldBlob | null> {
    const path = contentName(name);
    const totalBytes = await this.#store.size(path);
    if (totalBytes !== null) {
      return { totalBytes, read: (offset, length) => this.#store.readPart(path, offset, length) };
    }
    const blob = (await this.#names()).get(name);
    const list = blob === undefined ? null : await this.#list(blob);
    if (list === null) return null;
    return {
      totalBytes: list.byteLength,
      read: (offset, length) => Promise.resolve(list.subarray(offset, offset + length)),
    };
  }

  /** All blobs on the disk. */
  async all(): Promise<Digest[]> {
    const names = await this.#store.list(blobFolder);
    return names.map((name) => name.slice(blobFolder.length) as Digest);
  }

  #names(): Promise<Map<Digest, Digest>> {
    if (this.#byListName !== null) return this.#byListName;
    const reading = this.#readNames();
    this.#byListName = reading;
    // What the disk did not give is asked for again.
    reading.catch(() => (this.#byListName = null));
    return reading;
  }

  async #readNames(): Promise<Map<Digest, Digest>> {
    return new Map((await this.all()).map((digest) => [listName(digest), digest]));
  }

  /** Made once for each blob, from its bytes. */
  #list(blob: Digest): Promise<Uint8Array | null> {
    const making = this.#making.get(blob) ?? this.#readOrMake(blob);
    this.#making.set(blob, making);
    return making.finally(() => this.#making.delete(blob));
  }

  async #readOrMake(blob: Digest): Promise<Uint8Array | null> {
    const name = `${listFolder}${blob}`;
    const kept = await this.#store.read(name);
    if (kept !== null && decodeList(kept, this.#bytesOfChunk) !== null) return kept;
    if (!(await this.#store.has(contentName(blob)))) return null;
    const pieces = filePieces(this.#store, contentName(blob));
    const list = encodeList(await chunkListOf(pieces, this.#bytesOfChunk));
    await this.#store.write(name, list);
    return list;
  }
}
