/** Versions of the manifest in a home: what is taken in, and what is refused at once. */
import type { Digest } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import { diskStore } from '../host/index.ts';
import {
  openManifest,
  verifyManifest,
  verifySuccessor,
  type SignedManifest,
} from '../wire/index.ts';
import { NodeError } from './errors.ts';
import { manifestFile, type HomeFacts } from './home.ts';
import { haveSameNodeKeys } from './node-keys.ts';

/** How a version of the manifest came to this home: its signatures alone say so, or consensus has ordered it. */
export type HowKnown = 'signed' | 'ordered';

/**
 * Takes versions of the manifest into the home, ascending. One that consensus ordered replaces what was only signed, with all
 * that followed it; it may also leave this hospital out. Of versions that are only signed the last must name keys of this home.
 *
 * @returns all versions that the home has now
 * @throws {NodeError} 'stale_manifest', 'missing_versions', 'foreign_consortium' or 'not_my_keys'; {WireError} when one is
 * malformed or not signed as it must be; a disk code. Nothing is written then.
 */
export async function keepManifests(
  home: HomeFacts,
  files: readonly Uint8Array[],
  how: HowKnown,
): Promise<readonly SignedManifest[]> {
  const manifests = files.reduce<readonly SignedManifest[]>(
    (known, bytes) => withVersion(known, bytes, how),
    home.manifests,
  );
  const last = manifests.at(-1);
  if (how === 'signed' && last !== undefined) requireOwnKeys(home, last);
  const store = diskStore(home.folder);
  const isKept = ({ digest }: SignedManifest): boolean =>
    home.manifests.some((kept) => kept.digest === digest);
  const gone = home.manifests.filter(({ digest }) => manifests.every((m) => m.digest !== digest));
  // From the end, so that after a crash the rest is still a chain.
  for (const { manifest } of gone.reverse()) await store.remove(manifestFile(manifest.version));
  for (const signed of manifests) {
    if (!isKept(signed)) await store.write(manifestFile(signed.manifest.version), signed.bytes);
  }
  return manifests;
}

/** As `keepManifests`, of one. */
export async function keepManifest(
  home: HomeFacts,
  bytes: Uint8Array,
  how: HowKnown,
): Promise<readonly SignedManifest[]> {
  return keepManifests(home, [bytes], how);
}

/**
 * The chain with one version more, verified against the one before; unchanged when it is there already.
 *
 * @throws as `keepManifests`
 */
export function withVersion(
  known: readonly SignedManifest[],
  bytes: Uint8Array,
  how: HowKnown,
): readonly SignedManifest[] {
  const { manifest, payload } = openManifest(bytes);
  const digest = digestOf(payload);
  const { version } = manifest;
  const [genesis] = known;
  if (known[version]?.digest === digest) return known;
  if (version > known.length) {
    throw new NodeError({ code: 'missing_versions', version, expected: known.length });
  }
  if (version === 0) {
    if (genesis !== undefined) throw foreign(genesis.cid, digest);
    return [verifyManifest(bytes)];
  }
  if (version < known.length && how === 'signed') {
    throw new NodeError({ code: 'stale_manifest', version, known: known.length - 1 });
  }
  const before = known[version - 1] as SignedManifest;
  return [...known.slice(0, version), verifySuccessor(before, bytes)];
}

function foreign(expected: Digest, came: Digest): NodeError {
  return new NodeError({ code: 'foreign_consortium', expected, came });
}

function requireOwnKeys({ id, lines }: HomeFacts, { manifest }: SignedManifest): void {
  const { version } = manifest;
  const line = manifest.members.find((member) => member.id === id);
  const reason =
    line === undefined
      ? `has no member ${id}`
      : lines.every(({ member }) => !haveSameNodeKeys(member, line))
        ? `names other keys for ${id} than this home has`
        : null;
  if (reason !== null) throw new NodeError({ code: 'not_my_keys', version, reason });
}
