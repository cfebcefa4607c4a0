/** Checking of Merkle proofs by somebody who holds roots only: RFC 9162, 2.1.3.2 and 2.1.4.2. */
import { equalBytes } from '../base/index.ts';
import { hashBytes, hashNode } from './merkle-tree.ts';

/** Whether `proof` shows that `leafHash` is leaf `index` of the tree of `size` with `root`. */
export function verifyInclusion(claim: {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}): boolean {
  const { index, size, leafHash, root, proof } = claim;
  if (!isSize(index) || !isSize(size) || index >= size || !allHashes(leafHash, root, ...proof)) {
    return false;
  }
  let fn = index;
  let sn = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = hashNode(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = half(sn);
      }
    } else {
      hash = hashNode(hash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equalBytes(hash, root);
}

/** Whether `proof` shows that the tree (`newSize`, `newRoot`) begins with (`oldSize`, `oldRoot`). */
export function verifyConsistency(claim: {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}): boolean {
  const { oldSize, oldRoot, newSize, newRoot, proof } = claim;
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) return false;
  if (!allHashes(oldRoot, newRoot, ...proof)) return false;
  if (oldSize === newSize) return proof.length === 0 && equalBytes(oldRoot, newRoot);
  // Every tree extends the empty one; its root says nothing that a proof could tie to the new root.
  if (oldSize === 0) return proof.length === 0;

  let fn = oldSize - 1;
  let sn = newSize - 1;
  while (fn % 2 === 1) {
    fn = half(fn);
    sn = half(sn);
  }
  // A complete old tree is itself the first node of the path, so the proof leaves it out.
  const path = fn === 0 ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let oldHash = first;
  let newHash = first;
  for (const node of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      oldHash = hashNode(node, oldHash);
      newHash = hashNode(node, newHash);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = half(sn);
      }
    } else {
      newHash = hashNode(newHash, node);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equalBytes(oldHash, oldRoot) && equalBytes(newHash, newRoot);
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function allHashes(...hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.byteLength === hashBytes);
}
