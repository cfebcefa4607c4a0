/** Files that bring versions of the manifest: signed manifests and invitations. */
import { logPrefix } from '../audit/index.ts';
import { fromUtf8 } from '../base/index.ts';
import { diskStore } from '../host/index.ts';
import {
  decodeStrict,
  invitationBytesMax,
  openInvitation,
  openManifest,
  type Invitation,
  type SignedManifest,
} from '../wire/index.ts';
import { NodeError } from './errors.ts';
import { invitationFile, nodeFolderOf, type HomeFacts } from './home.ts';
import { withVersion } from './home-manifests.ts';

/** Clocks of two machines may differ so much. */
const clockSlackMs = 3_600_000;

/**
 * All signed versions in these files, ascending, each once. Each file is verified when it is laid over those known.
 *
 * @param nowMs when invitations must hold
 * @throws {WireError} for a file that is neither, or changed; {NodeError} 'invitation_expired' or 'invitation_early'
 */
export function versionsIn(files: readonly Uint8Array[], nowMs: number): readonly Uint8Array[] {
  const versions = files.flatMap((bytes) => {
    if (!isInvitation(bytes)) return [{ bytes, version: openManifest(bytes).manifest.version }];
    const { invitation, manifests } = openInvitation(bytes);
    requireTimely(invitation, nowMs);
    return manifests.map((signed) => ({ bytes: signed.bytes, version: signed.manifest.version }));
  });
  // Stable: of equal versions the first file counts, and another one after it is refused by whoever verifies.
  return versions.sort((a, b) => a.version - b.version).map(({ bytes }) => bytes);
}

/** `known` and the versions in the files, verified one after the other. @throws as `versionsIn` and `keepManifests` */
export function chainOf(
  known: readonly SignedManifest[],
  files: readonly Uint8Array[],
  nowMs: number,
): readonly SignedManifest[] {
  return versionsIn(files, nowMs).reduce<readonly SignedManifest[]>(
    (chain, bytes) => withVersion(chain, bytes, 'signed'),
    known,
  );
}

/** Refuses an invitation that holds no longer, or not yet. @throws {NodeError} 'invitation_expired' or 'invitation_early' */
export function requireTimely(invitation: Invitation, nowMs: number): void {
  const { createdAtMs, expiresAtMs } = invitation;
  if (nowMs > expiresAtMs) {
    throw new NodeError({ code: 'invitation_expired', agoMs: nowMs - expiresAtMs });
  }
  if (nowMs < createdAtMs - clockSlackMs) {
    throw new NodeError({ code: 'invitation_early', inMs: createdAtMs - nowMs });
  }
}

/** Versions that the home knows; before it joined, those of the invitation it was made with. */
export async function versionsOf(home: HomeFacts): Promise<readonly SignedManifest[]> {
  if (home.manifests.length > 0) return home.manifests;
  const bytes = await diskStore(home.folder).read(invitationFile);
  return bytes === null ? [] : openInvitation(bytes).manifests;
}

/** The newest cosigned checkpoint of the log of this home's node, a signed note; null before there is one. */
export async function latestCheckpoint(home: HomeFacts): Promise<string | null> {
  const bytes = await diskStore(nodeFolderOf(home)).read(`${logPrefix}checkpoint`);
  return bytes === null ? null : fromUtf8(bytes);
}

function isInvitation(bytes: Uint8Array): boolean {
  const value = decodeStrict(bytes, { maxBytes: invitationBytesMax });
  return typeof value === 'object' && value !== null && 'manifests' in value;
}
