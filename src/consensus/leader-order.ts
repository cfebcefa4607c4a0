/** Who leads which view. */
import { concatBytes, fromHex, invariant, utf8, type Digest, type NodeId } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';

/**
 * perm(h): member indices sorted by SHA-256(previous body digest || h as 8 bytes big-endian || member id).
 * The leader of view v is entry v mod n. Nobody can choose it: the digest was agreed before.
 */
export function leaderOrder(
  previous: Digest,
  height: number,
  ids: readonly NodeId[],
): readonly number[] {
  const prefix = fromHex(previous);
  invariant(prefix !== null, 'a digest is hex');
  const heightBytes = new Uint8Array(8);
  new DataView(heightBytes.buffer).setBigUint64(0, BigInt(height));
  const ranked = ids.map((id, index) => ({
    index,
    rank: digestOf(concatBytes(prefix, heightBytes, utf8(id))),
  }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked.map((entry) => entry.index);
}
