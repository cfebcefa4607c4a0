/**
 * What a hospital sends to those whose consortium it wants to be in: its line for a manifest, signed by its organisation's
 * key, with a proof of possession by each signing key of its node. docs/specs/membership-files.md
 */
import { base64, fromBase64, type Digest } from '../base/index.ts';
import { digestOf, verifySignature, type Signer } from '../crypto/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import { encodeEnvelope, payloadOf, readEnvelope, signEnvelope, verifyEnvelope } from './dsse.ts';
import { WireError } from './errors.ts';
import { keyBytes, readMember, type Member } from './manifest.ts';
import { b64, digest, int, obj, optional } from './readers.ts';

/** DSSE payload type of a join request. */
export const joinRequestPayloadType = 'application/vnd.annulus.join-request+json';

/** What is asked for. */
export interface JoinRequest {
  readonly member: Member;
  /** Id of the consortium that invited; absent when there is none yet. */
  readonly consortium?: Digest;
  /** Milliseconds since 1970, by the clock of whoever asks. */
  readonly createdAtMs: number;
}

/** Who signs a join request: the organisation, and the node with each of its keys. */
export interface JoinRequestSigners {
  readonly org: Signer;
  readonly consensus: Signer;
  readonly log: Signer;
  readonly witness: Signer;
  readonly transport: Signer;
}

const bytesMax = 64 * 1024;
const signature = b64(64, 64);
const readPayload = obj({
  member: readMember,
  consortium: optional(digest),
  createdAtMs: int(0, Number.MAX_SAFE_INTEGER),
  proofs: obj({
    consensusKey: signature,
    logKey: signature,
    witnessKey: signature,
    transportKey: signature,
  }),
});
const roles = ['consensusKey', 'logKey', 'witnessKey', 'transportKey'] as const;

/** What people compare on the phone: SHA-256 of a member's line in canonical form. */
export function memberDigest(member: Member): Digest {
  return digestOf(encodeCanonical(member));
}

/** The file of a join request. The signers are those whose keys `member` names. */
export function makeJoinRequest(request: JoinRequest, signers: JoinRequestSigners): Uint8Array {
  const signed = encodeCanonical(request);
  const proof = (role: (typeof roles)[number], signer: Signer): string =>
    base64(signer.sign(proofDomain(role), signed));
  const proofs = {
    consensusKey: proof('consensusKey', signers.consensus),
    logKey: proof('logKey', signers.log),
    witnessKey: proof('witnessKey', signers.witness),
    transportKey: proof('transportKey', signers.transport),
  };
  const payload = encodeCanonical({ ...request, proofs });
  return encodeEnvelope(signEnvelope(joinRequestPayloadType, payload, signers.org));
}

/**
 * Opens a join request: signed by the organisation's key that it names, and proved by each signing key of the node.
 *
 * @throws {WireError} 'too_large', 'malformed' or 'bad_signature'
 */
export function verifyJoinRequest(bytes: Uint8Array): JoinRequest {
  const envelope = readEnvelope(decodeStrict(bytes, { maxBytes: bytesMax }));
  const payload = payloadOf(envelope, joinRequestPayloadType);
  const { proofs, ...request } = readPayload(decodeStrict(payload, { maxBytes: bytesMax }));
  const { member } = request;
  verifyEnvelope(envelope, joinRequestPayloadType, keyBytes(member.orgKey));
  const signed = encodeCanonical(request);
  for (const role of roles) {
    const proof = fromBase64(proofs[role]) ?? new Uint8Array();
    if (verifySignature(keyBytes(member[role]), proofDomain(role), signed, proof)) continue;
    throw new WireError(
      { code: 'bad_signature', path: `$.proofs.${role}` },
      `the join request of ${member.id} is not proved by its ${role}`,
    );
  }
  return request;
}

function proofDomain(role: (typeof roles)[number]): string {
  return `annulus/possession/v1/${role}`;
}
