/**
 * What a member gives to a hospital that is to join: which consortium it is, all signed versions of its manifest, and until
 * when that holds. Signed by the inviting organisation. The members' addresses stand in the manifest.
 * docs/specs/membership-files.md
 */
import { base64, fromBase64, type Digest, type NodeId } from '../base/index.ts';
import type { Signer } from '../crypto/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import { payloadOf, readEnvelope, signEnvelope, verifyEnvelope } from './dsse.ts';
import { malformed } from './errors.ts';
import { manifestBytesMax } from './limits.ts';
import { keyBytes, memberOf, verifyManifest, type SignedManifest } from './manifest.ts';
import { verifySuccessor } from './manifest-change.ts';
import { arr, b64, digest, int, nodeId, obj, optional, str } from './readers.ts';

/** DSSE payload type of an invitation. */
export const invitationPayloadType = 'application/vnd.annulus.invitation+json';

/** What an invitation says. Times are milliseconds since 1970. */
export interface Invitation {
  readonly cid: Digest;
  /** Digest of the newest version that comes with it. */
  readonly newest: Digest;
  /** The member that invites. */
  readonly inviter: NodeId;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** The newest cosigned checkpoint of the inviter's log, a signed note; absent before there is one. */
  readonly checkpoint?: string;
}

/** An invitation with what came with it, all verified. Whether it has expired is not asked here. */
export interface OpenedInvitation {
  readonly invitation: Invitation;
  /** From the genesis to the newest. */
  readonly manifests: readonly SignedManifest[];
}

/** Largest file of an invitation. */
export const invitationBytesMax: number = 16 * 1024 * 1024;
const checkpointMax = 32 * 1024;
const time = int(0, Number.MAX_SAFE_INTEGER);
const readInvitation = obj({
  cid: digest,
  newest: digest,
  inviter: nodeId,
  createdAtMs: time,
  expiresAtMs: time,
  checkpoint: optional(str(checkpointMax)),
});
const readFile = obj({
  envelope: readEnvelope,
  manifests: arr(b64(manifestBytesMax), 10_000, 1),
});

/** The file of an invitation into the consortium of these manifests, by the member whose organisation's key signs. */
export function makeInvitation(
  manifests: readonly SignedManifest[],
  invitation: Invitation,
  org: Signer,
): Uint8Array {
  const envelope = signEnvelope(invitationPayloadType, encodeCanonical(invitation), org);
  return encodeCanonical({ envelope, manifests: manifests.map(({ bytes }) => base64(bytes)) });
}

/**
 * Opens an invitation: every version follows from the one before, and the inviter, a member of the newest, signed.
 *
 * @throws {WireError} 'too_large', 'malformed' or 'bad_signature'
 */
export function openInvitation(bytes: Uint8Array): OpenedInvitation {
  const file = readFile(decodeStrict(bytes, { maxBytes: invitationBytesMax }));
  const payload = payloadOf(file.envelope, invitationPayloadType);
  const invitation = readInvitation(decodeStrict(payload, { maxBytes: 2 * checkpointMax }));
  const manifests = file.manifests.reduce<SignedManifest[]>((before, text) => {
    const version = fromBase64(text) ?? new Uint8Array();
    const last = before.at(-1);
    return [
      ...before,
      last === undefined ? verifyManifest(version) : verifySuccessor(last, version),
    ];
  }, []);
  const newest = manifests.at(-1) as SignedManifest;
  if (newest.cid !== invitation.cid) throw malformed('$.cid', 'the digest of the genesis');
  if (newest.digest !== invitation.newest) {
    throw malformed('$.newest', 'the digest of the newest version');
  }
  const inviter = memberOf(newest.manifest, invitation.inviter);
  if (inviter === null) throw malformed('$.inviter', 'a member of the newest version');
  verifyEnvelope(file.envelope, invitationPayloadType, keyBytes(inviter.orgKey));
  return { invitation, manifests };
}
