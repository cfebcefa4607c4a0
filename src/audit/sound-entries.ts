/**
 * The entries of a verified log, read again when they are asked for: a log of many entries does not fit into memory. Kept are
 * their hashes, and what is read must have its hash, whatever happened to the files in between.
 */
import { equalBytes } from '../base/index.ts';
import type { LeafHashes } from './leaf-hashes.ts';
import { hashLeafOnce } from './merkle-tree.ts';
import { bundlesOf, decodeBundlePrefix, tilePath, tileWidth, type Tile } from './tiles.ts';

/** Entries that are what the signed root covers. */
export class SoundEntries {
  readonly #read: (name: string) => Promise<Uint8Array | null>;
  readonly #bundles: readonly Tile[];
  readonly #hashes: LeafHashes;
  /** The bundle that was read last: entries are mostly asked for in their order. */
  #last: { readonly index: number; readonly entries: Promise<Uint8Array[]> } | null = null;

  /** @param hashes of the entries (`hashLeaf`); none where one is damaged or missing */
  constructor(read: (name: string) => Promise<Uint8Array | null>, hashes: LeafHashes) {
    this.#read = read;
    this.#bundles = bundlesOf(hashes.size);
    this.#hashes = hashes;
  }

  /** Number of entries, with those that are damaged or missing. */
  get size(): number {
    return this.#hashes.size;
  }

  /** The hash of entry `index`; null where it is damaged or missing. */
  hash(index: number): Uint8Array | null {
    return this.#hashes.at(index);
  }

  /** The bytes of entry `index`; null where they are damaged or missing, or not what they were when the log was verified. */
  async at(index: number): Promise<Uint8Array | null> {
    const hash = this.hash(index);
    if (hash === null) return null;
    const number = Math.floor(index / tileWidth);
    if (this.#last?.index !== number) {
      this.#last = { index: number, entries: this.#entriesOf(number) };
    }
    const bytes = (await this.#last.entries)[index % tileWidth];
    return bytes !== undefined && equalBytes(hashLeafOnce(bytes), hash) ? bytes : null;
  }

  async #entriesOf(number: number): Promise<Uint8Array[]> {
    const bundle = this.#bundles[number];
    const bytes = bundle === undefined ? null : await this.#read(tilePath(bundle));
    return decodeBundlePrefix(bytes ?? new Uint8Array(), bundle?.width ?? 0).entries;
  }
}
