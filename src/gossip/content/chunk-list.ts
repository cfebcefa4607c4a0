/**
 * A blob as chunks under a Merkle root, so that each can be checked alone. The tree is RFC 6962's over the chunks:
 *
 *   leaf = SHA-256(0x00 || chunk),  node = SHA-256(0x01 || left || right)
 *
 * Nobody has signed the root: what is agreed on is the digest of the whole. A list is what one holder says, it binds that
 * holder to each chunk, and the digest of the whole judges it in the end. It travels as
 * `total bytes (8, big endian) || root (32) || leaves (32 each)`. docs/specs/network.md
 */
import {
  concatBytes,
  equalBytes,
  fromHex,
  hex,
  invariant,
  utf8,
  type Digest,
} from '../../base/index.ts';
import { digestOf, sha256 } from '../../crypto/index.ts';

/** Bytes of a chunk; the last one may be shorter. */
export const chunkBytes: number = 256 * 1024;

const hashBytes = 32;
/** What a list begins with: size and root. */
const headBytes = 8 + hashBytes;

const leafPrefix = Uint8Array.of(0x00);
const nodePrefix = Uint8Array.of(0x01);
const nameDomain = utf8('annulus.chunks.v1');

/** All that a holder says of a blob's chunks. */
export interface ChunkList {
  readonly totalBytes: number;
  readonly root: Digest;
  readonly leaves: readonly Uint8Array[];
}

/** Tells two lists of one blob apart: the root does not say how long the last chunk is. */
export function listKey({ totalBytes, root }: ChunkList): string {
  return `${totalBytes}-${root}`;
}

/** The name under which the list of a blob is asked for: SHA-256("annulus.chunks.v1" || digest). */
export function listName(blob: Digest): Digest {
  const digest = fromHex(blob);
  invariant(digest !== null, 'a digest is hex');
  return digestOf(nameDomain, digest);
}

/** Chunks of a blob of so many bytes, 1 at least. */
export function chunkCount(totalBytes: number, bytesOfChunk: number): number {
  return Math.max(1, Math.ceil(totalBytes / bytesOfChunk));
}

/** The hash of one chunk. */
export function chunkLeaf(chunk: Uint8Array): Uint8Array {
  return sha256(leafPrefix, chunk);
}

/** The root over the leaves of at least one chunk (RFC 6962, section 2.1). */
export function chunkRoot(leaves: readonly Uint8Array[]): Digest {
  let level = leaves;
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = level.slice(at, at + 2);
      if (left !== undefined) next.push(right === undefined ? left : nodeOf(left, right));
    }
    level = next;
  }
  const [root] = level;
  invariant(root !== undefined, 'a blob has a chunk');
  return hex(root) as Digest;
}

/** The list of a blob whose pieces come in order. */
export async function chunkListOf(
  pieces: AsyncIterable<Uint8Array>,
  bytesOfChunk: number,
): Promise<ChunkList> {
  const leaves: Uint8Array[] = [];
  let totalBytes = 0;
  let rest: Uint8Array = new Uint8Array(0);
  for await (const piece of pieces) {
    totalBytes += piece.byteLength;
    rest = rest.byteLength === 0 ? piece : concatBytes(rest, piece);
    while (rest.byteLength >= bytesOfChunk) {
      leaves.push(chunkLeaf(rest.subarray(0, bytesOfChunk)));
      rest = rest.subarray(bytesOfChunk);
    }
  }
  if (rest.byteLength > 0 || leaves.length === 0) leaves.push(chunkLeaf(rest));
  return { totalBytes, root: chunkRoot(leaves), leaves };
}

/** The list as it travels. */
export function encodeList({ totalBytes, root, leaves }: ChunkList): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(totalBytes));
  return concatBytes(head, fromHex(root) ?? new Uint8Array(hashBytes), ...leaves);
}

/** How long the list of a blob is, bytes. */
export function listBytes(totalBytes: number, bytesOfChunk: number): number {
  return headBytes + chunkCount(totalBytes, bytesOfChunk) * hashBytes;
}

/** A list whose leaves have the root that it names, and are as many as its size says; null for any other bytes. */
export function decodeList(bytes: Uint8Array, bytesOfChunk: number): ChunkList | null {
  if (bytes.byteLength < headBytes + hashBytes) return null;
  const total = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const totalBytes = Number(total);
  if (bytes.byteLength !== listBytes(totalBytes, bytesOfChunk)) return null;
  const leaves = Array.from({ length: chunkCount(totalBytes, bytesOfChunk) }, (_, at) =>
    bytes.slice(headBytes + at * hashBytes, headBytes + (at + 1) * hashBytes),
  );
  const root = chunkRoot(leaves);
  return root === hex(bytes.subarray(8, headBytes)) ? { totalBytes, root, leaves } : null;
}

/** Whether `chunk` is the one at `index` of the list. */
export function isChunk({ leaves }: ChunkList, index: number, chunk: Uint8Array): boolean {
  const leaf = leaves[index];
  return leaf !== undefined && equalBytes(leaf, chunkLeaf(chunk));
}

function nodeOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(nodePrefix, left, right);
}
