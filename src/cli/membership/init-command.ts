/** `annulus init`: a hospital's home with fresh keys, its organisation's key, and the request to be a member. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { base64, type NodeId } from '../../base/index.ts';
import { generateEd25519 } from '../../crypto/index.ts';
import { requireNewFolder, writeKeyFile } from '../../host/index.ts';
import { makeJoinRequest, openInvitation, type OpenedInvitation } from '../../wire/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { requireFolder } from '../files.ts';
import { homeFolder, type HomeFlags } from '../own-home.ts';
import { passphraseToMake, type PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { readAddresses, readLabels } from './addresses.ts';
import { readId } from './member-id.ts';
import { ofFile, readNamed, requireFree, writeResult } from './named-files.ts';
import { orgKeyFile } from './org-key-file.ts';
import { tell, type FormatFlags } from '../result.ts';

/** Flags of `init`, as typed. */
export interface InitFlags extends HomeFlags, PassphraseFlags, FormatFlags {
  readonly id: string;
  readonly address?: readonly string[];
  readonly labels?: string;
  readonly data?: string;
  readonly listen?: string;
  readonly invitation?: string;
  readonly orgKey?: string;
  readonly output?: string;
}

/**
 * Makes home, organisation's key and join request; when one of them cannot be made, none is left.
 *
 * @throws {CliError} 'usage'; {HostError} for a folder that is taken or loose, or a disk code
 */
export async function initCommand(flags: InitFlags, world: World): Promise<ExitCode> {
  const { createHome, openHome, sealOrgKey, wordsOf } = await import('../../node/index.ts');
  const { nodeFileText } = await import('../../config/index.ts');
  const id = readId(flags.id);
  const addresses = readAddresses(flags.address ?? []);
  const labels = await readLabels(flags.labels ?? '');
  const dataFolder = flags.data === undefined ? '' : await requireFolder(flags.data);
  const folder = resolve(await homeFolder(flags, world));
  const files = { org: orgKeyFile(flags.orgKey, id), request: flags.output ?? requestFile(id) };
  await requireNewFolder(folder);
  if (existsSync(files.org)) {
    throw usageError(
      `${files.org}: exists: a key is never overwritten; name another file with --org-key`,
    );
  }
  requireFree(files.request);
  const invited = await readInvitation(flags.invitation, world);
  const passphrase = await passphraseToMake('node', flags, world);
  const orgPassphrase = await passphraseToMake('org', flags, world);
  const key = generateEd25519();
  const nowMs = world.dateMs();
  await writeKeyFile(resolve(files.org), sealOrgKey({ id, key }, orgPassphrase));
  try {
    await createHome(folder, {
      ...{ id, orgKey: base64(key.publicKey), addresses, labels, passphrase, nowMs },
      settings: nodeFileText({ listen: listenOf(flags.listen, addresses), dataFolder }),
      invitation: invited?.bytes ?? null,
    });
  } catch (error) {
    await rm(files.org, { force: true });
    throw error;
  }
  const { member, keys } = await openHome(folder, passphrase);
  const consortium = invited === null ? {} : { consortium: invited.opened.invitation.cid };
  const signers = { org: key, ...keys, transport: generateEd25519(keys.transport.seed) };
  const request = makeJoinRequest({ member, ...consortium, createdAtMs: nowMs }, signers);
  await writeResult(files.request, request);
  const words = wordsOf(member);
  tell(world, flags, initText({ id, folder, files, words, invited, passphrase, orgPassphrase }), {
    ...{ id, home: folder, orgKey: files.org, joinRequest: files.request, words, ...consortium },
  });
  return exitCodes.done;
}

/** Where a hospital's join request is written when no flag says so. */
export function requestFile(id: NodeId): string {
  return `${id}.join-request.json`;
}

async function readInvitation(
  name: string | undefined,
  world: World,
): Promise<{ readonly bytes: Uint8Array; readonly opened: OpenedInvitation } | null> {
  if (name === undefined) return null;
  const { requireTimely } = await import('../../node/index.ts');
  const file = await readNamed(name);
  return ofFile(file, 'invitation', (bytes) => {
    const opened = openInvitation(bytes);
    requireTimely(opened.invitation, world.dateMs());
    return { bytes, opened };
  });
}

/** All networks of the machine, on the port of the first address, which is what others dial. */
function listenOf(given: string | undefined, [address = '']: readonly string[]): string {
  const listen = given ?? `0.0.0.0:${/\/tcp\/(\d+)$/.exec(address)?.[1] ?? 4001}`;
  if (/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/.test(listen)) return listen;
  throw usageError(
    `--listen: expected host:port, for instance 0.0.0.0:4001, got "${listen.slice(0, 80)}"`,
  );
}

function initText(made: {
  readonly id: NodeId;
  readonly folder: string;
  readonly files: { readonly org: string; readonly request: string };
  readonly words: readonly string[];
  readonly invited: { readonly opened: OpenedInvitation } | null;
  readonly passphrase: string | null;
  readonly orgPassphrase: string | null;
}): string {
  const { id, folder, files, words, invited } = made;
  const bare = (passphrase: string | null): string =>
    passphrase === null ? '  (bare: whoever can read the file has the keys)' : '';
  const next =
    invited === null
      ? `Next: give ${files.request} to the other hospitals, and get theirs. Compare the words by phone.`
      : `Next: give ${files.request} to ${invited.opened.invitation.inviter}, and read out the words by phone.`;
  return `${id} has a home and keys.

home           ${folder}${bare(made.passphrase)}
settings       ${folder}/node.yaml
org key        ${files.org}${bare(made.orgPassphrase)}
join request   ${files.request}
in words       ${words.join(' ')}

Move ${files.org} to a stick or into a safe now: it signs who is a member, and the node does not need it.
${next}
`;
}
