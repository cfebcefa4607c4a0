/**
 * The shards of an update: what its statement's digest names where a round is averaged in shards. Whoever holds the list can
 * check each shard alone. docs/specs/update-envelope.md, section 5
 */
import type { Digest } from '../base/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import { malformed } from './errors.ts';
import { membersMax } from './limits.ts';
import { arr, digest, int, literal, obj, type Reader } from './readers.ts';

/** The ciphertext of one shard. */
export interface ListedShard {
  readonly bytes: number;
  readonly digest: Digest;
}

/** In the order of the flat vector. */
export type ShardList = readonly ListedShard[];

/** `{"bytes":2147483647,"digest":"<64>"},` is 97 bytes. */
const listedBytesMax = 97;
const frameBytes = 32;

const readDocument: Reader<{ readonly v: 1; readonly shards: ShardList }> = obj({
  v: literal(1),
  shards: arr(obj({ bytes: int(1, 2 ** 31 - 1), digest }), membersMax, 1),
});

/** The longest list of so many shards. */
export function shardListBytesMax(shardCount: number): number {
  return frameBytes + shardCount * listedBytesMax;
}

/** Canonical bytes of a list. */
export function encodeShardList(shards: ShardList): Uint8Array {
  return encodeCanonical({
    v: 1,
    shards: shards.map(({ bytes, digest: of }) => ({ bytes, digest: of })),
  });
}

/**
 * Reads a list.
 *
 * @param shardCount of exactly so many; null for a reader who does not know how many there are
 * @throws {WireError} 'malformed' or 'too_large'
 */
export function decodeShardList(bytes: Uint8Array, shardCount: number | null): ShardList {
  const document = decodeStrict(bytes, { maxBytes: shardListBytesMax(shardCount ?? membersMax) });
  const { shards } = readDocument(document);
  if (shardCount !== null && shards.length !== shardCount) {
    throw malformed('$.shards', `${shardCount} shards, got ${shards.length}`);
  }
  return shards;
}
