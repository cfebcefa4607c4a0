/**
 * The home of a hospital's node: a folder with its name, its keys, its settings, the versions of the manifest that it knows,
 * and what its peer stores. docs/specs/membership-files.md has the layout.
 */
import { join, resolve } from 'node:path';
import { utf8, type NodeId } from '../base/index.ts';
import {
  createPrivateFolder,
  diskStore,
  readKeyFile,
  requireNewFolder,
  requirePrivateFolder,
} from '../host/index.ts';
import {
  decodeStrict,
  encodeCanonical,
  int,
  limits,
  literal,
  nodeId,
  obj,
  readMember,
  verifyManifest,
  verifySuccessor,
  WireError,
  type Member,
  type SignedManifest,
} from '../wire/index.ts';
import { NodeError } from './errors.ts';
import type { NodeKeys } from './member-keys.ts';
import {
  haveSameNodeKeys,
  needsPassphrase,
  newNodeSecrets,
  nodeKeysOf,
  openNodeKeys,
  publicKeysOf,
  sealNodeKeys,
} from './node-keys.ts';

/** Keys of the node in its home. Later ones have higher numbers; several are there while a renewal is not yet in force. */
export interface HeldLine {
  readonly number: number;
  /** What this hospital says of itself with these keys: its line for a manifest. */
  readonly member: Member;
}

/** What can be read of a home without its passphrase. */
export interface HomeFacts {
  readonly folder: string;
  readonly id: NodeId;
  readonly createdAtMs: number;
  /** Ascending by number, one at least. */
  readonly lines: readonly HeldLine[];
  /** All signed versions known, from the genesis on, each verified against the one before. Empty before it joins. */
  readonly manifests: readonly SignedManifest[];
}

/** A home whose keys are open. */
export interface Home extends HomeFacts {
  /** The line in use: of the newest manifest that lists this hospital; before it joins, the newest of its own. */
  readonly member: Member;
  /** The keys of `member`. */
  readonly keys: NodeKeys;
  /** The keys that a line of a manifest names; null when they are not in this home. */
  keysOf(line: Member): NodeKeys | null;
}

/** What a new home is made with. */
export interface NewHome {
  readonly id: NodeId;
  readonly orgKey: Member['orgKey'];
  readonly addresses: readonly string[];
  readonly labels: readonly string[];
  /** Null leaves the keys bare: the file system alone protects them. */
  readonly passphrase: string | null;
  /** Text of `node.yaml`. */
  readonly settings: string;
  /** The file of the invitation that it joins by, verified; null before there is a consortium. */
  readonly invitation: Uint8Array | null;
  readonly nowMs: number;
}

const homeFormat = 'annulus-home/v1';
const readHomeFile = obj({
  format: literal(homeFormat),
  id: nodeId,
  createdAtMs: int(0, Number.MAX_SAFE_INTEGER),
});
/** Where the invitation is that a home was made with, in its store. */
export const invitationFile = 'consortium/invitation.json';
const lineForm = /^keys\/node-([1-9][0-9]{0,5})\.json$/;

/** The home when none is named: `ANNULUS_HOME`, `$XDG_STATE_HOME/annulus`, or `~/.local/state/annulus`. */
export function defaultHome(
  env: Readonly<Record<string, string | undefined>>,
  userFolder: string,
): string {
  const { ANNULUS_HOME: own = '', XDG_STATE_HOME: state = '' } = env;
  if (own !== '') return resolve(own);
  return join(state === '' ? join(userFolder, '.local', 'state') : resolve(state), 'annulus');
}

/** Where the peer of this home keeps its log, blobs, votes, states and cases. */
export function nodeFolderOf({ folder }: Pick<HomeFacts, 'folder'>): string {
  return join(folder, 'node');
}

/** Where the settings of this home's node are. */
export function settingsFileOf({ folder }: Pick<HomeFacts, 'folder'>): string {
  return join(folder, 'node.yaml');
}

/**
 * Makes a home with fresh keys: the whole of it, or nothing.
 *
 * @throws {HostError} 'folder_not_empty' or 'folder_mode', or a disk code
 */
export async function createHome(folder: string, home: NewHome): Promise<HomeFacts> {
  await requireNewFolder(resolve(folder));
  const { id, orgKey, addresses, nowMs } = home;
  const secrets = newNodeSecrets();
  const labels = [...new Set(home.labels)].sort();
  const line = { id, role: 'voter', orgKey, ...publicKeysOf(nodeKeysOf(secrets)) };
  const member = readMember({ ...line, addresses, labels });
  const files: [string, Uint8Array][] = [
    ['home.json', encodeCanonical({ format: homeFormat, id, createdAtMs: nowMs })],
    ['node.yaml', utf8(home.settings)],
    ['keys/node-1.key', sealNodeKeys(secrets, home.passphrase)],
    ['keys/node-1.json', encodeCanonical(member)],
  ];
  if (home.invitation !== null) files.push([invitationFile, home.invitation]);
  await createPrivateFolder(resolve(folder), new Map(files));
  return lookAtHome(folder);
}

/**
 * What a home says without its passphrase. Every version of the manifest is verified.
 *
 * @throws {NodeError} 'no_home', 'bad_home' or 'not_my_keys'; {HostError} 'folder_mode' or a disk code; {WireError} for a
 * changed manifest
 */
export async function lookAtHome(path: string): Promise<HomeFacts> {
  const folder = resolve(path);
  const store = diskStore(folder);
  const bytes = await store.read('home.json');
  if (bytes === null) throw new NodeError({ code: 'no_home', folder });
  await requirePrivateFolder(folder);
  await requirePrivateFolder(join(folder, 'keys'));
  const { id, createdAtMs } = read(join(folder, 'home.json'), bytes, readHomeFile);
  const lines: HeldLine[] = [];
  for (const name of await store.list('keys/')) {
    const number = Number(lineForm.exec(name)?.[1]);
    if (Number.isNaN(number)) continue;
    const member = read(join(folder, name), (await store.read(name)) ?? utf8(''), readMember);
    if (member.id === id) lines.push({ number, member });
  }
  lines.sort((a, b) => a.number - b.number);
  if (lines.length === 0) throw new NodeError({ code: 'bad_home', file: join(folder, 'keys') });
  const manifests: SignedManifest[] = [];
  for (;;) {
    const kept = await store.read(manifestFile(manifests.length));
    if (kept === null) break;
    const last = manifests.at(-1);
    manifests.push(last === undefined ? verifyManifest(kept) : verifySuccessor(last, kept));
  }
  return { folder, id, createdAtMs, lines, manifests };
}

/**
 * A home with its keys. Takes 0.3 s for each set of keys under a passphrase, of which there is one, or two during a renewal.
 *
 * @throws as `lookAtHome`; {NodeError} 'keys_differ'; {HostError} 'key_file_mode'; {CryptoError} 'wrong_passphrase' or
 * 'bad_key_file'
 */
export async function openHome(path: string, passphrase: string | null): Promise<Home> {
  const facts = await lookAtHome(path);
  const held: { readonly member: Member; readonly keys: NodeKeys }[] = [];
  for (const { number, member } of facts.lines) {
    const file = keyFileOf(facts, number);
    const keys = nodeKeysOf(openNodeKeys(await readKeyFile(file), passphrase));
    if (!haveSameNodeKeys(publicKeysOf(keys), member)) {
      throw new NodeError({ code: 'keys_differ', file });
    }
    held.push({ member, keys });
  }
  const keysOf = (line: Member): NodeKeys | null =>
    held.find(({ member }) => haveSameNodeKeys(member, line))?.keys ?? null;
  const member = lineInUse(facts);
  const keys = keysOf(member);
  if (keys === null) {
    const version = facts.manifests.at(-1)?.manifest.version ?? 0;
    throw new NodeError({ code: 'not_my_keys', version, reason: 'names other keys' });
  }
  return { ...facts, member, keys, keysOf };
}

/** Whether the keys of a home are sealed. @throws {HostError} 'key_file_mode' or a disk code */
export async function isHomeSealed(home: HomeFacts): Promise<boolean> {
  return needsPassphrase(await readKeyFile(keyFileOf(home, home.lines.at(-1)?.number ?? 1)));
}

/** The line in use: of the newest manifest that lists this hospital; before it joins, the newest of its own. */
export function lineInUse({ id, lines, manifests }: HomeFacts): Member {
  for (const { manifest } of [...manifests].reverse()) {
    const line = manifest.members.find((member) => member.id === id);
    if (line !== undefined) return line;
  }
  return (lines.at(-1) as HeldLine).member;
}

/** Where a version of the manifest is, in the home's store. */
export function manifestFile(version: number): string {
  return `consortium/manifest-${version}.json`;
}

/** Where the keys of a line are. */
export function keyFileOf({ folder }: Pick<HomeFacts, 'folder'>, number: number): string {
  return join(folder, 'keys', `node-${number}.key`);
}

/** @throws {NodeError} 'bad_home' */
function read<T>(file: string, bytes: Uint8Array, reader: (value: unknown) => T): T {
  try {
    return reader(decodeStrict(bytes, { maxBytes: limits.entryBytesMax }));
  } catch (cause) {
    if (cause instanceof WireError) throw new NodeError({ code: 'bad_home', file }, { cause });
    throw cause;
  }
}
