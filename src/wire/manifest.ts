/**
 * The consortium manifest: who the members are, their keys, the plan and the limits. The digest of version 0, the
 * genesis, is the consortium's id, which stands in everything that is signed. How one version follows another is
 * `manifest-change.ts`'s. docs/specs/manifest.md
 */
import { fromBase64, invariant, type Digest, type NodeId } from '../base/index.ts';
import {
  checkPublicKey,
  checkSealKey,
  CryptoError,
  digestOf,
  type Signer,
} from '../crypto/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import {
  encodeEnvelope,
  isSignedBy,
  payloadOf,
  readEnvelope,
  signEnvelope,
  type Envelope,
} from './dsse.ts';
import { malformed, WireError } from './errors.ts';
import { manifestBytesMax, membersMax } from './limits.ts';
import { readPlan, shortName, strangerIn, type Plan } from './plan.ts';
import { readRestart, type Restart } from './restart.ts';
import {
  arr,
  b64,
  checked,
  digest,
  int,
  isAscending,
  literal,
  nodeId,
  obj,
  optional,
  str,
  type Reader,
} from './readers.ts';
import type { TransportMember } from './transport.ts';

/** DSSE payload type of a manifest. */
export const manifestPayloadType = 'application/vnd.annulus.manifest+json';

/** One hospital. Keys are base64 of 32 raw bytes; each key has one role and one owner. */
export interface Member {
  readonly id: NodeId;
  readonly role: 'voter';
  /** Ed25519, offline: signs manifests. */
  readonly orgKey: string;
  /** Ed25519: signs votes. */
  readonly consensusKey: string;
  /** Ed25519: signs log checkpoints and update envelopes. */
  readonly logKey: string;
  /** Ed25519: cosigns checkpoints. */
  readonly witnessKey: string;
  /** Ed25519: the libp2p peer. */
  readonly transportKey: string;
  /** X25519: updates are sealed to it. */
  readonly sealKey: string;
  /** Multiaddresses to dial. */
  readonly addresses: readonly string[];
  /** Tasks this hospital has labels for. */
  readonly labels: readonly string[];
}

/** What bounds the messages of every round. */
export interface ConsortiumLimits {
  /** Largest encrypted update. */
  readonly updateBytesMax: number;
}

/** One version of the manifest. */
export interface Manifest {
  /** 0 is the genesis; each later one follows the one before. */
  readonly version: number;
  /** Digest of the version before; absent in the genesis. */
  readonly prev?: Digest;
  /** Only where a quorum was lost for good: the block after which this version follows without votes. */
  readonly restart?: Restart;
  /** What people call it. */
  readonly name: string;
  /** DNS name under which its logs are named. */
  readonly domain: string;
  /** Ascending by id; the index in this list is the member's index in certificates. */
  readonly members: readonly Member[];
  readonly plan: Plan;
  readonly limits: ConsortiumLimits;
}

/** A manifest whose signatures all hold. */
export interface SignedManifest {
  readonly manifest: Manifest;
  /** Id of the consortium: digest of its genesis. The same for all versions. */
  readonly cid: Digest;
  /** Digest of this version: of its canonical bytes without signatures. */
  readonly digest: Digest;
  /** The canonical bytes of the envelope, as stored and sent. */
  readonly bytes: Uint8Array;
}

const ed25519Key = keyReader(checkPublicKey, 'an Ed25519 public key');
const x25519Key = keyReader(checkSealKey, 'an X25519 public key');

function memberReader(signing: Reader<string>, sealing: Reader<string>): Reader<Member> {
  return obj({
    id: nodeId,
    role: literal('voter'),
    orgKey: signing,
    consensusKey: signing,
    logKey: signing,
    witnessKey: signing,
    transportKey: signing,
    sealKey: sealing,
    addresses: arr(str(256, /^\/[\x21-\x7e]*$/), 8),
    labels: checked(arr(shortName, 16), (labels) =>
      isAscending(labels) ? null : 'labels in ascending order',
    ),
  });
}

/** Reads one line of a manifest, keys checked. @throws {WireError} 'malformed' */
export const readMember: Reader<Member> = memberReader(ed25519Key, x25519Key);

/** Reads manifests whose keys are of these forms: those of simulations are no points of a curve. */
export function manifestReader(signing: Reader<string>, sealing: Reader<string>): Reader<Manifest> {
  const read = obj({
    version: int(0, 2 ** 31 - 1),
    prev: optional(digest),
    restart: optional(readRestart),
    name: str(64, /^[\x20-\x7e]+$/),
    domain: str(253, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/),
    members: arr(memberReader(signing, sealing), membersMax, 1),
    plan: readPlan,
    limits: obj({ updateBytesMax: int(1, 2 ** 31 - 1) }),
  });
  return checked(read, (manifest) => {
    if ((manifest.version === 0) !== (manifest.prev === undefined)) {
      return 'prev in every version but the first';
    }
    if (manifest.version === 0 && manifest.restart !== undefined) return 'no restart in a genesis';
    const ids = manifest.members.map((member) => member.id);
    if (!isAscending(ids)) return 'members in ascending order';
    // One key in two roles would let a signature of one purpose pass for another.
    const keys = manifest.members.flatMap(keysOf);
    if (new Set(keys).size !== keys.length) return 'each key in one place only';
    return strangerIn(manifest.plan, ids) === null ? null : 'only members in the plan';
  });
}

/** Reads a manifest, keys checked. Signatures are `verifyManifest`'s. @throws {WireError} 'malformed' */
export const readManifest: Reader<Manifest> = manifestReader(ed25519Key, x25519Key);

/** SHA-256 of the manifest's canonical bytes; of the genesis it is the id of the consortium. */
export function manifestDigest(manifest: Manifest): Digest {
  return digestOf(encodeCanonical(manifest));
}

/** Position of a member in certificates and sealed keys, or -1. */
export function memberIndex(manifest: Manifest, id: NodeId): number {
  return manifest.members.findIndex((member) => member.id === id);
}

/** A member by name, or `null`. */
export function memberOf(manifest: Manifest, id: NodeId): Member | null {
  return manifest.members.find((member) => member.id === id) ?? null;
}

/** Signs the genesis manifest with the org keys of all its members, in the members' order. */
export function signManifest(manifest: Manifest, orgSigners: readonly Signer[]): SignedManifest {
  const payload = encodeCanonical(manifest);
  const envelope = signEnvelope(manifestPayloadType, payload, ...orgSigners);
  return verifyManifest(encodeEnvelope(envelope));
}

/**
 * Opens a genesis manifest: every member's org key must have signed it, and nobody else.
 * @throws {WireError} 'too_large', 'malformed' or 'bad_signature'
 */
export function verifyManifest(bytes: Uint8Array): SignedManifest {
  const { envelope, payload, manifest } = openManifest(bytes);
  if (manifest.version !== 0) throw malformed('$.version', '0 in a genesis');
  const missing = manifest.members.filter(
    ({ orgKey }) => !isSignedBy(envelope, payload, keyBytes(orgKey)),
  );
  if (missing.length > 0) throw unsigned(missing.map(({ id }) => id));
  if (envelope.signatures.length !== manifest.members.length) {
    throw malformed('$.signatures', 'one signature of each member');
  }
  const cid = digestOf(payload);
  return { manifest, cid, digest: cid, bytes };
}

/** A manifest as it stands in its envelope: well-formed, but no signature checked. */
export interface OpenedManifest {
  readonly envelope: Envelope;
  /** What is signed: the canonical bytes of the manifest. */
  readonly payload: Uint8Array;
  readonly manifest: Manifest;
}

/** Reads a manifest without checking a signature. @throws {WireError} 'too_large' or 'malformed' */
export function openManifest(
  bytes: Uint8Array,
  read: Reader<Manifest> = readManifest,
): OpenedManifest {
  const envelope = readEnvelope(decodeStrict(bytes, { maxBytes: manifestBytesMax }));
  const payload = payloadOf(envelope, manifestPayloadType);
  const manifest = read(decodeStrict(payload, { maxBytes: manifestBytesMax }));
  return { envelope, payload, manifest };
}

/** The members of a manifest as a transport wants them. */
export function transportMembers(manifest: Pick<Manifest, 'members'>): TransportMember[] {
  return manifest.members.map(({ id, transportKey, addresses }) => ({
    id,
    transportKey: keyBytes(transportKey),
    addresses,
  }));
}

/** The raw bytes of a key that a reader has already checked. */
export function keyBytes(key: string): Uint8Array {
  const bytes = fromBase64(key);
  invariant(bytes !== null, 'a checked key is base64');
  return bytes;
}

function unsigned(ids: readonly NodeId[]): WireError {
  return new WireError(
    { code: 'bad_signature', path: '$.signatures' },
    `the genesis is signed by all its members, this one not, or wrongly, by ${ids.join(', ')}`,
  );
}

function keysOf(member: Member): string[] {
  const { orgKey, consensusKey, logKey, witnessKey, transportKey, sealKey } = member;
  return [orgKey, consensusKey, logKey, witnessKey, transportKey, sealKey];
}

function keyReader(check: (bytes: Uint8Array) => void, expected: string): Reader<string> {
  const read = b64(32, 32);
  return (value, path = '$') => {
    const text = read(value, path);
    try {
      check(keyBytes(text));
    } catch (cause) {
      if (cause instanceof CryptoError) throw malformed(path, expected, cause);
      throw cause;
    }
    return text;
  };
}
