/**
 * What an update says of the data behind it: C = SHA-256(salt of the round || Merkle root over HMAC-SHA-256(site key,
 * record)). Without the site's key it shows nothing, not even whether two rounds used the same data; with it an
 * auditor on site recomputes the root and checks any round.
 */
import { hex, utf8, type Digest, type Store } from '../base/index.ts';
import { MerkleTree, hashLeaf } from '../audit/index.ts';
import { digestOf, hmacSha256 } from '../crypto/index.ts';
import { decodeCase, encodeCase, taskIds } from '../data/index.ts';

/**
 * Root over all records whose names begin with `prefix`, in the order of their hashes. A record is a case without its pseudonym and
 * without what teachers labelled: cases that are imported again, or labelled by models meanwhile, are the same data.
 *
 * @throws {DataError} for a record that is no case
 */
export async function recordsRoot(
  store: Store,
  prefix: string,
  siteKey: Uint8Array,
): Promise<Uint8Array> {
  const hashes: Uint8Array[] = [];
  for (const name of await store.list(prefix)) {
    const record = await store.read(name);
    if (record !== null) hashes.push(hmacSha256(siteKey, normalised(record)));
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

function normalised(record: Uint8Array): Uint8Array {
  const held = decodeCase(record);
  const tasks = taskIds.filter((task) => held.origin[task] === 'expert');
  return encodeCase({
    id: 'case',
    image: held.image,
    labels: Object.fromEntries(tasks.map((task) => [task, held.labels[task]])),
    origin: Object.fromEntries(tasks.map((task) => [task, 'expert' as const])),
    ...(held.heart === undefined ? {} : { heart: held.heart }),
    ...(held.points === undefined ? {} : { points: held.points }),
  });
}
