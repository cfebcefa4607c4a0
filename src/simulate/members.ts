/** Members of a virtual consortium, and the manifest that names them. Their keys are counted ones: see `countedCrypto`. */
import { base64, invariant, type NodeId } from '../base/index.ts';
import { digestOf, type HpkeKeyPair, type Signer } from '../crypto/index.ts';
import {
  b64,
  encodeCanonical,
  encodeEnvelope,
  manifestPayloadType,
  manifestReader,
  signEnvelope,
  verifySuccessor,
  type ConsortiumLimits,
  type Manifest,
  type Member,
  type Plan,
  type SignedManifest,
  type SuccessorCheck,
} from '../wire/index.ts';
import type { CountedCrypto } from './counted-crypto.ts';

/** All the keys of one member. */
export interface VirtualKeys {
  readonly org: Signer;
  readonly consensus: Signer;
  readonly log: Signer;
  readonly witness: Signer;
  readonly transport: Signer;
  readonly seal: HpkeKeyPair;
}

/** A member of a virtual consortium. */
export interface VirtualMember {
  readonly id: NodeId;
  /** Tasks that it has labels for. */
  readonly labels: readonly string[];
  readonly keys: VirtualKeys;
}

/** What a manifest says beside its members. */
export interface ConsortiumFacts {
  readonly name: string;
  readonly domain: string;
  readonly plan: Plan;
  readonly limits: ConsortiumLimits;
}

/** `L1` to `L<count>`, with as many digits as make them ascend. */
export function memberNames(count: number): NodeId[] {
  invariant(Number.isInteger(count) && count > 0, 'a consortium has a member');
  const digits = String(count).length;
  return Array.from(
    { length: count },
    (_, i) => `L${String(i + 1).padStart(digits, '0')}` as NodeId,
  );
}

/**
 * A member whose keys follow from those of the simulation and its name.
 *
 * @param generation how often the keys of its node, and that of its organisation, were drawn anew
 */
export function virtualMember(
  id: NodeId,
  crypto: Pick<CountedCrypto, 'signer' | 'sealKey'>,
  labels: readonly string[] = [],
  generation: { readonly node: number; readonly org: number } = { node: 0, org: 0 },
): VirtualMember {
  const named = (name: string, at: number): string => (at === 0 ? name : `${name}/${at}`);
  const signer = (role: string): Signer => crypto.signer(named(`${id}/${role}`, generation.node));
  return {
    id,
    labels: [...labels].sort(),
    keys: {
      org: crypto.signer(named(`${id}/org`, generation.org)),
      consensus: signer('consensus'),
      log: signer('log'),
      witness: signer('witness'),
      transport: signer('transport'),
      seal: crypto.sealKey(named(id, generation.node)),
    },
  };
}

/** The manifest of these members. Its keys are no points of a curve, so that no reader of real manifests takes it. */
export function virtualConsortium(
  members: readonly VirtualMember[],
  facts: ConsortiumFacts,
): SignedManifest {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const manifest: Manifest = { version: 0, ...facts, members: sorted.map(lineOf) };
  const payload = encodeCanonical(manifest);
  const signers = sorted.map(({ keys }) => keys.org);
  const envelope = signEnvelope(manifestPayloadType, payload, ...signers);
  const cid = digestOf(payload);
  return { manifest, cid, digest: cid, bytes: encodeEnvelope(envelope) };
}

/** Reads manifests of virtual members: 32 bytes are a key there. */
const readVirtualManifest = manifestReader(b64(32, 32), b64(32, 32));

/** As `verifySuccessor`, by keys of a simulation. */
export function virtualSuccession(crypto: Pick<CountedCrypto, 'verifyBytes'>): SuccessorCheck {
  const { verifyBytes: verify } = crypto;
  return (previous, bytes) =>
    verifySuccessor(previous, bytes, { read: readVirtualManifest, verify });
}

/** The envelope of a later version, signed by these, each once. */
export function signSuccessor(manifest: Manifest, signers: readonly Signer[]): Uint8Array {
  const once = new Map(signers.map((signer) => [base64(signer.publicKey), signer]));
  const payload = encodeCanonical(manifest);
  return encodeEnvelope(signEnvelope(manifestPayloadType, payload, ...once.values()));
}

/** A member as the manifest names it. */
export function lineOf({ id, labels, keys }: VirtualMember): Member {
  return {
    ...{ id, role: 'voter', addresses: [], labels },
    orgKey: base64(keys.org.publicKey),
    consensusKey: base64(keys.consensus.publicKey),
    logKey: base64(keys.log.publicKey),
    witnessKey: base64(keys.witness.publicKey),
    transportKey: base64(keys.transport.publicKey),
    sealKey: base64(keys.seal.publicKey),
  };
}
