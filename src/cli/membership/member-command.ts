/** `annulus member rotate` and `list`: this hospital's own line of the manifest, and everybody's. */
import { rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { base64, equalBytes } from '../../base/index.ts';
import { generateEd25519 } from '../../crypto/index.ts';
import { writeKeyFile } from '../../host/index.ts';
import {
  encodeDraft,
  keyBytes,
  makeJoinRequest,
  memberOf,
  openDraft,
  withSignature,
  type Member,
} from '../../wire/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { lookAtOwnHome, withHomeKeys, type HomeFlags } from '../own-home.ts';
import { passphraseToMake, type PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { readAddresses, readLabels } from './addresses.ts';
import { requestFile } from './init-command.ts';
import { requireFree, stemOf, writeResult } from './named-files.ts';
import { openOrgKeyFile, orgKeyFile } from './org-key-file.ts';
import { tell, type FormatFlags } from '../result.ts';

/** Flags of `member rotate`, as typed. */
export interface RotateFlags extends HomeFlags, PassphraseFlags, FormatFlags {
  readonly orgKey?: string;
  readonly newOrgKey?: string;
  readonly address?: readonly string[];
  readonly labels?: string;
  readonly output?: string;
}

/**
 * Puts fresh keys into the home beside those in use, and writes what brings them into force: the next version, signed by this
 * hospital alone, which is enough; with a new organisation's key a join request, which the others must sign for.
 *
 * @throws {CliError} 'usage'; as `addNodeKeys`
 */
export async function rotateCommand(flags: RotateFlags, world: World): Promise<ExitCode> {
  const home = await lookAtOwnHome(flags, world);
  const newest = home.manifests.at(-1);
  const line = newest === undefined ? null : memberOf(newest.manifest, home.id);
  if (newest === undefined || line === null) {
    throw usageError(
      `${home.folder} is in no consortium yet: its keys are new; annulus join FILE first`,
    );
  }
  const facts = {
    addresses: flags.address === undefined ? line.addresses : readAddresses(flags.address),
    labels: flags.labels === undefined ? line.labels : await readLabels(flags.labels),
  };
  if (flags.newOrgKey !== undefined) return rerootOwn(flags.newOrgKey, facts, flags, world);
  const { addNodeKeys, draftRenewal, factsOf, manifestText } = await import('../../node/index.ts');
  const { name, version } = newest.manifest;
  const file = flags.output ?? `${stemOf({ name, version: version + 1 })}.signed-${home.id}.json`;
  requireFree(file);
  const keyFile = orgKeyFile(flags.orgKey, home.id);
  const { key } = await openOrgKeyFile(keyFile, flags, world);
  if (!equalBytes(key.publicKey, keyBytes(line.orgKey))) {
    throw usageError(
      `${keyFile}: not the key that version ${version} names for ${home.id}: give the right one with --org-key`,
    );
  }
  const added = { ...facts, orgKey: line.orgKey };
  const member = await withHomeKeys(home, flags, world, (passphrase) =>
    addNodeKeys(home, passphrase, added),
  );
  const bytes = withSignature(openDraft(encodeDraft(draftRenewal(newest, member))), key);
  await writeResult(file, bytes);
  const opened = openDraft(bytes);
  const text = `${manifestText(opened, newest)}
written   ${file}
The new keys are in the home beside those in use, which stay in use until this version is in force.
Next: annulus consortium submit ${file}
`;
  tell(world, flags, text, { file, ...factsOf(opened, newest) });
  return exitCodes.done;
}

/** A new organisation's key, in a file of its own, and the join request that names it. */
async function rerootOwn(
  keyFile: string,
  facts: Pick<Member, 'addresses' | 'labels'>,
  flags: RotateFlags,
  world: World,
): Promise<ExitCode> {
  const { addNodeKeys, openHome, sealOrgKey, wordsOf } = await import('../../node/index.ts');
  const home = await lookAtOwnHome(flags, world);
  const file = flags.output ?? requestFile(home.id);
  requireFree(file);
  if (existsSync(keyFile)) throw usageError(`${keyFile}: exists: a key is never overwritten`);
  const orgPassphrase = await passphraseToMake('org', flags, world);
  const key = generateEd25519();
  await writeKeyFile(resolve(keyFile), sealOrgKey({ id: home.id, key }, orgPassphrase));
  const made = withHomeKeys(home, flags, world, async (passphrase) => {
    const member = await addNodeKeys(home, passphrase, {
      ...facts,
      orgKey: base64(key.publicKey),
    });
    return { member, keys: (await openHome(home.folder, passphrase)).keysOf(member) };
  });
  const { member, keys } = await made.catch(async (error: unknown) => {
    await rm(keyFile, { force: true });
    throw error;
  });
  if (keys === null) throw usageError(`${home.folder}: the new keys are not there`);
  const signers = { org: key, ...keys, transport: generateEd25519(keys.transport.seed) };
  const consortium = home.manifests[0]?.cid;
  const request = makeJoinRequest(
    { member, ...(consortium === undefined ? {} : { consortium }), createdAtMs: world.dateMs() },
    signers,
  );
  await writeResult(file, request);
  const words = wordsOf(member);
  const text = `org key        ${keyFile}
join request   ${file}
in words       ${words.join(' ')}

Next: one member drafts it, two thirds sign, and so does this hospital with both of its keys:
  annulus consortium draft --replace ${file}
`;
  tell(world, flags, text, { id: home.id, orgKey: keyFile, joinRequest: file, words });
  return exitCodes.done;
}

/** The members of the newest version in the home. */
export async function listCommand(flags: HomeFlags & FormatFlags, world: World): Promise<ExitCode> {
  const { wordsOf } = await import('../../node/index.ts');
  const home = await lookAtOwnHome(flags, world);
  const newest = home.manifests.at(-1);
  if (newest === undefined) {
    throw usageError(`${home.folder} is in no consortium yet: annulus join FILE first`);
  }
  const { name, version, members } = newest.manifest;
  const rows = members.map((member) => ({
    id: member.id,
    self: member.id === home.id,
    words: wordsOf(member),
    labels: member.labels,
    addresses: member.addresses,
  }));
  const width = Math.max(...rows.map(({ id }) => id.length));
  const lines = rows.map(({ id, self, words, labels, addresses }) => {
    const told = [labels.join(',') || 'no labels', addresses.join(' ') || 'dials only'].join('  ');
    return `${self ? '*' : ' '} ${id.padEnd(width)}  ${told}\n  ${' '.repeat(width)}  ${words.join(' ')}`;
  });
  const text = `${name}, version ${version}: ${members.length} members; * is this one\n${lines.join('\n')}\n`;
  tell(world, flags, text, { name, version, consortium: newest.cid, members: rows });
  return exitCodes.done;
}
