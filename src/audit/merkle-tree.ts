/**
 * The Merkle tree of RFC 6962, section 2.1, over SHA-256:
 *
 *   MTH({})     = SHA-256()
 *   MTH({d0})   = SHA-256(0x00 || d0)
 *   MTH(D[0:n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])), k the largest power of two below n
 *
 * Every complete subtree is hashed once and kept, so appending costs two hashes on average, and a root
 * or a proof at any earlier size costs at most log2(n) more. 64 bytes of memory a leaf.
 */
import { invariant } from '../base/index.ts';
import { sha256 } from '../crypto/index.ts';

/** Length of a hash in bytes. */
export const hashBytes = 32;

const leafPrefix = Uint8Array.of(0x00);
const nodePrefix = Uint8Array.of(0x01);

/** SHA-256(0x00 || entry): the hash of one leaf. */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  const known = leafHashes.get(entry);
  if (known !== undefined) return known;
  const made = hashLeafOnce(entry);
  if (entry.byteLength >= longEntryBytes) leafHashes.set(entry, made);
  return made;
}

/** As `hashLeaf`, of an entry that nobody asks for again. */
export function hashLeafOnce(entry: Uint8Array): Uint8Array {
  return sha256(leafPrefix, entry);
}

/** Long entries are hashed when a block is judged, and again when it is appended: nobody changes them between. */
const leafHashes = new WeakMap<Uint8Array, Uint8Array>();
const longEntryBytes = 1_024;

/** SHA-256(0x01 || left || right): the hash of an inner node. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(nodePrefix, left, right);
}

/** An append-only tree in memory. Indices and sizes count leaves from 0. */
export class MerkleTree {
  /** `#levels[k]` holds the hashes of the complete subtrees of 2^k leaves, from the left. */
  readonly #levels: HashList[] = [new HashList()];

  /** Number of leaves. */
  get size(): number {
    return this.#level(0).length;
  }

  /** Appends the hash of a leaf (`hashLeaf`), 32 bytes. */
  append(leafHash: Uint8Array): void {
    invariant(leafHash.byteLength === hashBytes, 'a leaf hash has 32 bytes');
    let hash = leafHash;
    for (let k = 0; ; k++) {
      const level = this.#level(k);
      level.push(hash);
      if (level.length % 2 === 1) return;
      hash = hashNode(level.at(level.length - 2), level.at(level.length - 1));
    }
  }

  /** Forgets the leaves from `size` on. */
  truncate(size: number): void {
    invariant(size >= 0 && size <= this.size, 'a tree is truncated to a size it has had');
    this.#levels.forEach((level, k) => {
      level.truncate(Math.floor(size / 2 ** k));
    });
  }

  /** The root over the first `size` leaves, by default over all. */
  root(size: number = this.size): Uint8Array {
    invariant(size >= 0 && size <= this.size, 'a root is asked for a size the tree has had');
    return size === 0 ? sha256() : this.#subtree(0, size);
  }

  /** Size and root as if `leafHashes` had been appended; the tree stays as it was. */
  rootAfter(leafHashes: readonly Uint8Array[]): { size: number; root: Uint8Array } {
    const before = this.size;
    for (const leafHash of leafHashes) this.append(leafHash);
    const after = { size: this.size, root: this.root() };
    this.truncate(before);
    return after;
  }

  /** The hash of leaf `index`. */
  leafHash(index: number): Uint8Array {
    return this.#level(0).at(index);
  }

  /**
   * Hashes `[from, to)` of the complete subtrees of 2^height leaves, concatenated: what a tile holds.
   * All of them must lie inside the tree.
   */
  hashes(height: number, from: number, to: number): Uint8Array {
    return this.#level(height).slice(from, to);
  }

  /** PATH(index, D[0:size]) of RFC 6962, 2.1.1: siblings from the leaf to the root. */
  inclusionProof(index: number, size: number = this.size): Uint8Array[] {
    invariant(index >= 0 && index < size && size <= this.size, 'a proof is for a leaf of the tree');
    const path = (lo: number, hi: number): Uint8Array[] => {
      if (hi - lo === 1) return [];
      const middle = lo + largestPowerBelow(hi - lo);
      return index < middle
        ? [...path(lo, middle), this.#subtree(middle, hi)]
        : [...path(middle, hi), this.#subtree(lo, middle)];
    };
    return path(0, size);
  }

  /** PROOF(from, D[0:to]) of RFC 6962, 2.1.2: that the tree at `to` extends the tree at `from`. */
  consistencyProof(from: number, to: number = this.size): Uint8Array[] {
    invariant(from >= 0 && from <= to && to <= this.size, 'a consistency proof goes forwards');
    if (from === 0 || from === to) return [];
    const proof = (m: number, lo: number, hi: number, isWhole: boolean): Uint8Array[] => {
      if (m === hi - lo) return isWhole ? [] : [this.#subtree(lo, hi)];
      const k = largestPowerBelow(hi - lo);
      return m <= k
        ? [...proof(m, lo, lo + k, isWhole), this.#subtree(lo + k, hi)]
        : [...proof(m - k, lo + k, hi, false), this.#subtree(lo, lo + k)];
    };
    return proof(from, 0, to, true);
  }

  /** MTH(D[lo:hi]) for a range that RFC 6962's splits produce. */
  #subtree(lo: number, hi: number): Uint8Array {
    const width = hi - lo;
    const height = Math.log2(width);
    if (Number.isInteger(height) && lo % width === 0) return this.#level(height).at(lo / width);
    const middle = lo + largestPowerBelow(width);
    return hashNode(this.#subtree(lo, middle), this.#subtree(middle, hi));
  }

  #level(k: number): HashList {
    return (this.#levels[k] ??= new HashList());
  }
}

/** The largest power of two strictly below `n` >= 2. */
export function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/** 32-byte hashes back to back in one growing buffer. */
export class HashList {
  #bytes = new Uint8Array(hashBytes * 4);
  #length = 0;

  /** Number of hashes. */
  get length(): number {
    return this.#length;
  }

  /** Appends a hash. */
  push(hash: Uint8Array): void {
    const offset = this.#length * hashBytes;
    if (offset === this.#bytes.byteLength) {
      const grown = new Uint8Array(offset * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(hash, offset);
    this.#length += 1;
  }

  /** A copy of hash `index`. */
  at(index: number): Uint8Array {
    return this.slice(index, index + 1);
  }

  /** A copy: truncating and pushing again must not change what was handed out. */
  slice(from: number, to: number): Uint8Array {
    invariant(from >= 0 && from <= to && to <= this.#length, 'a subtree lies inside the tree');
    return this.#bytes.slice(from * hashBytes, to * hashBytes);
  }

  /** Forgets the hashes from `length` on. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }
}
