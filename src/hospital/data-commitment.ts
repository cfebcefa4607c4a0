/**
 * What an update says of the data behind it: C = SHA-256(salt of the round || Merkle root over HMAC-SHA-256(site key,
 * record)). Without the site's key it shows nothing, not even whether two rounds used the same data; with it an
 * auditor on site recomputes the root and checks any round.
 */
import { hex, utf8, type Digest, type Store } from '../base/index.ts';
import { MerkleTree, hashLeaf } from '../audit/index.ts';
import { digestOf, hmacSha256 } from '../crypto/index.ts';

/** Root over all records whose names begin with `prefix`, in the order of their hashes. */
export async function recordsRoot(
  store: Store,
  prefix: string,
  siteKey: Uint8Array,
): Promise<Uint8Array> {
  const hashes: Uint8Array[] = [];
  for (const name of await store.list(prefix)) {
    const record = await store.read(name);
    if (record !== null) hashes.push(hmacSha256(siteKey, record));
  }
  hashes.sort((a, b) => (hex(a) < hex(b) ? -1 : 1));
  const tree = new MerkleTree();
  for (const hash of hashes) tree.append(hashLeaf(hash));
  return tree.root();
}

/** The commitment of one round; its salt is HMAC(site key, "salt/<round>"). */
export function commitmentFor(root: Uint8Array, siteKey: Uint8Array, round: number): Digest {
  return digestOf(hmacSha256(siteKey, utf8(`salt/${round}`)), root);
}
