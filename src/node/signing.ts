/** What a hospital looks at before its organisation's key signs a version of the manifest. */
import { base64 } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import {
  checkSignatures,
  encodeCanonical,
  memberOf,
  type Manifest,
  type Member,
  type OpenedManifest,
  type SignedManifest,
} from '../wire/index.ts';
import { NodeError } from './errors.ts';
import type { OrgKey } from './node-keys.ts';

/**
 * The version before the one that is opened, out of those known; null for a genesis.
 *
 * @throws {NodeError} 'missing_versions' when it is not among them, 'stale_manifest' when a later one is known, 'not_to_sign' when
 * it follows another version or founds another consortium
 */
export function versionBefore(
  { manifest, payload }: Pick<OpenedManifest, 'manifest' | 'payload'>,
  known: readonly SignedManifest[],
): SignedManifest | null {
  const { version } = manifest;
  const [genesis] = known;
  const isKnown = known[version]?.digest === digestOf(payload);
  if (version === 0) {
    if (genesis === undefined || isKnown) return null;
    throw refused(
      `it founds another consortium, and this hospital is in ${genesis.manifest.name} (${genesis.cid}): a home is in one consortium only`,
    );
  }
  const before = known[version - 1];
  if (before === undefined) {
    throw new NodeError({ code: 'missing_versions', version, expected: known.length });
  }
  if (manifest.prev !== before.digest) {
    throw refused(
      `version ${version} does not follow the version ${version - 1} that is known here, of ${before.manifest.name}: have it drafted again from the newest version`,
    );
  }
  if (known.length > version && !isKnown) {
    throw new NodeError({ code: 'stale_manifest', version, known: known.length - 1 });
  }
  for (const key of ['name', 'domain'] as const) {
    if (manifest[key] === before.manifest[key]) continue;
    throw refused(
      `it changes the consortium's ${key}, which stays as in the genesis: have it drafted again`,
    );
  }
  return before;
}

/**
 * Refuses to sign what this hospital's people would not want signed.
 *
 * @param own lines that this hospital says of itself: those of its home, or of its own join request
 * @throws {NodeError} 'not_to_sign' when the key is no member's, or the line of this hospital is not exactly its own; {WireError}
 * when a signature that is there already is wrong or a stranger's
 */
export function requireSignable(
  opened: OpenedManifest,
  before: Manifest | null,
  { id, key }: OrgKey,
  own: readonly Member[],
): void {
  const { manifest } = opened;
  checkSignatures(before, opened);
  const line = memberOf(manifest, id);
  const former = before === null ? null : memberOf(before, id);
  const publicKey = base64(key.publicKey);
  if (line === null && former === null) {
    throw refused(`${id}, whose key this is, is no member in it: have ${id} added first`);
  }
  if (line?.orgKey !== publicKey && former?.orgKey !== publicKey) {
    throw refused(
      `it names another organisation's key for ${id} than this one: send a join request made with this key`,
    );
  }
  if (line === null || (former !== null && isSame(line, former))) return;
  const differing = own.map((mine) => differenceOf(mine, line));
  if (differing.includes(null)) return;
  throw refused(
    `its line of ${id} is not this hospital's own (${differing[0] ?? 'no home and no join request to compare with'}): have it drafted again from your join request`,
  );
}

/** Names of the fields that differ; null when none does. */
function differenceOf(mine: Member, line: Member): string | null {
  const names = Object.keys(mine) as (keyof Member)[];
  const other = names.filter((name) => !isSame({ value: mine[name] }, { value: line[name] }));
  return other.length === 0 ? null : other.join(', ');
}

function isSame(one: object, other: object): boolean {
  return digestOf(encodeCanonical(one)) === digestOf(encodeCanonical(other));
}

function refused(reason: string): NodeError {
  return new NodeError({ code: 'not_to_sign', reason });
}
