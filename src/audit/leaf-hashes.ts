/** Hashes of a log's entries, as far as there are any: 32 bytes for each, whatever their number. */
import { HashList, hashBytes } from './merkle-tree.ts';

const none = new Uint8Array(hashBytes);

/** One hash or none for every entry, from entry 0. */
export class LeafHashes {
  readonly #hashes = new HashList();
  readonly #missing = new Set<number>();

  /** Number of entries, with those that have no hash. */
  get size(): number {
    return this.#hashes.length;
  }

  /** Entries without a hash. */
  get missing(): ReadonlySet<number> {
    return this.#missing;
  }

  /** The next entry's; null where it has none. */
  push(hash: Uint8Array | null): void {
    if (hash === null) this.#missing.add(this.size);
    this.#hashes.push(hash ?? none);
  }

  /** The hash of entry `index`; null where it has none, and behind the end. */
  at(index: number): Uint8Array | null {
    if (index < 0 || index >= this.size || this.#missing.has(index)) return null;
    return this.#hashes.at(index);
  }

  /** Takes the hash of entry `index` away. */
  drop(index: number): void {
    this.#missing.add(index);
  }
}
