/** Renewing the keys of a node: fresh ones beside the old until a manifest names them, then the old are removed. */
import { diskStore, readKeyFile, writeKeyFile } from '../host/index.ts';
import { encodeCanonical, readMember, type Member } from '../wire/index.ts';
import { keyFileOf, type HeldLine, type HomeFacts } from './home.ts';
import {
  haveSameNodeKeys,
  newNodeSecrets,
  nodeKeysOf,
  openNodeKeys,
  publicKeysOf,
  sealNodeKeys,
} from './node-keys.ts';

/**
 * Puts fresh keys beside those in use. They come into use when a manifest names them; the site key stays the same.
 *
 * @returns the new line, for the next version of the manifest
 * @throws as `openHome`
 */
export async function addNodeKeys(
  home: HomeFacts,
  passphrase: string | null,
  facts: Pick<Member, 'orgKey' | 'addresses' | 'labels'>,
): Promise<Member> {
  const last = home.lines.at(-1) as HeldLine;
  const before = openNodeKeys(await readKeyFile(keyFileOf(home, last.number)), passphrase);
  const secrets = newNodeSecrets(before.site);
  const { id, role } = last.member;
  const keys = publicKeysOf(nodeKeysOf(secrets));
  const member = readMember({ id, role, ...keys, ...facts });
  // Keys without a line are what a crash left.
  const taken = await diskStore(home.folder).list('keys/');
  let number = last.number + 1;
  while (taken.includes(`keys/node-${number}.key`)) number++;
  await writeKeyFile(keyFileOf(home, number), sealNodeKeys(secrets, passphrase));
  // Last: keys without a line are not seen.
  await diskStore(home.folder).write(`keys/node-${number}.json`, encodeCanonical(member));
  return member;
}

/** Removes the keys that came before those of `line`, which is in force: what they could open stays closed for good. */
export async function forgetKeysBefore(home: HomeFacts, line: Member): Promise<void> {
  const inForce = home.lines.find(({ member }) => haveSameNodeKeys(member, line));
  const store = diskStore(home.folder);
  for (const { number } of home.lines) {
    if (inForce === undefined || number >= inForce.number) continue;
    await store.remove(`keys/node-${number}.json`);
    await store.remove(`keys/node-${number}.key`);
  }
}
