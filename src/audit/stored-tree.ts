/**
 * The tree and its tile files in a store. Tiles and bundles of a new size get names of their own, so the
 * files of an older size stay whole until they are swept.
 */
import {
  equalBytes,
  fromHex,
  hex,
  invariant,
  makeNow,
  type Digest,
  type NamedWork,
  type Store,
} from '../base/index.ts';
import { AuditError } from './errors.ts';
import { logPrefix, tileNames } from './log-files.ts';
import { MerkleTree, hashBytes, hashLeaf } from './merkle-tree.ts';
import {
  bundlesOf,
  decodeBundle,
  encodeBundle,
  hashTilesOf,
  tileBytes,
  tilePath,
  tileWidth,
} from './tiles.ts';

/** An append-only list of entries with its Merkle tree, in files. Calls must not overlap. */
export class StoredTree {
  readonly #store: Store;
  readonly #named: NamedWork;
  readonly #prefix: string;
  readonly #tree = new MerkleTree();
  /** Entries of the last, partial bundle. */
  #tail: Uint8Array[] = [];

  /**
   * @param named makes the bytes of bundles
   * @param prefix of its files' names
   */
  constructor(store: Store, named: NamedWork = makeNow, prefix: string = logPrefix) {
    this.#store = store;
    this.#named = named;
    this.#prefix = prefix;
  }

  /** Number of entries. */
  get size(): number {
    return this.#tree.size;
  }

  /** The root over the first `size` entries, by default over all. */
  root(size: number = this.#tree.size): Uint8Array {
    return this.#tree.root(size);
  }

  /** Size and root as if `entries` had been appended. */
  rootAfter(entries: readonly Uint8Array[]): { size: number; root: Uint8Array } {
    return this.#tree.rootAfter(entries.map(hashLeaf));
  }

  /** The hash of entry `index`. */
  leafHash(index: number): Uint8Array {
    return this.#tree.leafHash(index);
  }

  /** Entries `[from, to)`, read from the bundles. */
  async entries(from: number, to: number): Promise<Uint8Array[]> {
    invariant(from >= 0 && from <= to && to <= this.size, 'entries lie inside the log');
    const found: Uint8Array[] = [];
    for (const bundle of bundlesOf(this.size)) {
      const start = bundle.index * tileWidth;
      if (start >= to || start + bundle.width <= from) continue;
      const entries = decodeBundle(await this.#read(tilePath(bundle)), bundle.width);
      found.push(...entries.slice(Math.max(0, from - start), to - start));
    }
    return found;
  }

  /**
   * Reads the tiles of a tree of `size` and `root` into this empty one.
   * @throws {AuditError} 'corrupt_log'
   */
  async load(size: number, root: Digest): Promise<void> {
    for (const tile of hashTilesOf(size).filter((candidate) => candidate.level === 0)) {
      const bytes = await this.#read(tilePath(tile));
      if (bytes.byteLength !== tile.width * hashBytes)
        throw corruptLog(tilePath(tile), 'its width');
      for (let at = 0; at < bytes.byteLength; at += hashBytes) {
        this.#tree.append(bytes.slice(at, at + hashBytes));
      }
    }
    const expected = fromHex(root);
    if (expected === null || !equalBytes(this.#tree.root(), expected)) {
      throw corruptLog('tile', 'the root that the last decision names');
    }
    const last = bundlesOf(size).find((bundle) => bundle.width < tileWidth);
    if (last === undefined) return;
    this.#tail = decodeBundle(await this.#read(tilePath(last)), last.width);
    this.#tail.forEach((entry, i) => {
      const isRight = equalBytes(hashLeaf(entry), this.leafHash(last.index * tileWidth + i));
      if (!isRight) throw corruptLog(tilePath(last), 'entries with the hashes of the tiles');
    });
  }

  /**
   * Appends, writing every bundle and tile that changed. After a failed write memory and disk differ: the
   * tree must then be loaded anew.
   */
  async append(added: readonly Uint8Array[]): Promise<void> {
    const before = this.#tree.size;
    const firstBundle = Math.floor(before / tileWidth);
    const entries = [...this.#tail, ...added];
    // All that the bundles hold lies under this root.
    const root = hex(this.rootAfter(added).root);
    // Encoded before the tree changes: an oversized entry must leave no trace.
    const bundles = bundlesOf(before + added.length)
      .filter((bundle) => bundle.index >= firstBundle)
      .map((bundle) => {
        const start = (bundle.index - firstBundle) * tileWidth;
        const path = tilePath(bundle);
        const bytes = this.#named(`${root} ${path}`, () =>
          encodeBundle(entries.slice(start, start + bundle.width)),
        );
        return { path, bytes };
      });
    for (const entry of added) this.#tree.append(hashLeaf(entry));
    const old = new Set(hashTilesOf(before).map(tilePath));
    const tiles = hashTilesOf(this.#tree.size)
      .map((tile) => ({ tile, path: tilePath(tile) }))
      .filter(({ path }) => !old.has(path))
      .map(({ tile, path }) => ({ path, bytes: tileBytes(this.#tree, tile) }));
    // Nobody refers to any of them yet, so they are written in any order.
    const files = [...bundles, ...tiles];
    await Promise.all(
      files.map(({ path, bytes }) => this.#store.write(this.#prefix + path, bytes)),
    );
    const full = Math.floor(this.#tree.size / tileWidth) - firstBundle;
    this.#tail = entries.slice(full * tileWidth);
  }

  /** Removes tile files that neither this tree nor the one of `keptSize` has. */
  async sweep(keptSize: number): Promise<void> {
    const needed = new Set([...tileNames(keptSize), ...tileNames(this.size)]);
    for (const name of await this.#store.list(`${this.#prefix}tile/`)) {
      if (!needed.has(name.slice(this.#prefix.length))) await this.#store.remove(name);
    }
  }

  #read(name: string): Promise<Uint8Array> {
    return readLogFile(this.#store, name, this.#prefix);
  }
}

/** A file of the log that must be there. @throws {AuditError} 'corrupt_log' */
export async function readLogFile(
  store: Store,
  name: string,
  prefix: string = logPrefix,
): Promise<Uint8Array> {
  const bytes = await store.read(prefix + name);
  if (bytes === null) throw corruptLog(name, 'the file');
  return bytes;
}

/** An `AuditError` with code 'corrupt_log'. */
export function corruptLog(file: string, expected: string): AuditError {
  return new AuditError({ code: 'corrupt_log', file }, `log/${file}: expected ${expected}`);
}
