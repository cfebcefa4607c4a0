/** Members of a simulated consortium: every key from the seed, the manifest signed by all. Never for real patients. */
import { base64, utf8, type NodeId } from '../../base/index.ts';
import {
  generateEd25519,
  generateHpkeKey,
  sha256,
  type HpkeKeyPair,
  type KeyPair,
} from '../../crypto/index.ts';
import {
  signManifest,
  type ConsortiumLimits,
  type Member,
  type Plan,
  type SignedManifest,
} from '../../wire/index.ts';

/** All the keys of one member. */
export interface MemberKeys {
  readonly org: KeyPair;
  readonly consensus: KeyPair;
  readonly log: KeyPair;
  readonly witness: KeyPair;
  readonly transport: KeyPair;
  readonly seal: HpkeKeyPair;
  /** Hashes this hospital's records for its data-set commitments. */
  readonly site: Uint8Array;
}

/** A hospital of a simulated consortium, with all its private keys. */
export interface SimulatedMember {
  readonly id: NodeId;
  readonly labels: readonly string[];
  readonly keys: MemberKeys;
}

/** A member whose keys are a function of `seed` and its name. */
export function simulatedMember(
  seed: number,
  id: NodeId,
  labels: readonly string[],
): SimulatedMember {
  const secret = (role: string): Uint8Array =>
    sha256(utf8(`annulus/simulated/${seed}/${id}/${role}`));
  const key = (role: string): KeyPair => generateEd25519(secret(role));
  return {
    id,
    labels: [...labels].sort(),
    keys: {
      org: key('org'),
      consensus: key('consensus'),
      log: key('log'),
      witness: key('witness'),
      transport: key('transport'),
      seal: generateHpkeKey(secret('seal')),
      site: secret('site'),
    },
  };
}

/** The genesis manifest of these members, signed by all of them. */
export function simulatedConsortium(
  members: readonly SimulatedMember[],
  facts: {
    readonly name: string;
    readonly domain: string;
    readonly plan: Plan;
    readonly limits: ConsortiumLimits;
  },
): SignedManifest {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const manifest = { version: 0 as const, ...facts, members: sorted.map(lineOf) };
  return signManifest(
    manifest,
    sorted.map(({ keys }) => keys.org),
  );
}

function lineOf({ id, labels, keys }: SimulatedMember): Member {
  return {
    id,
    role: 'voter',
    orgKey: base64(keys.org.publicKey),
    consensusKey: base64(keys.consensus.publicKey),
    logKey: base64(keys.log.publicKey),
    witnessKey: base64(keys.witness.publicKey),
    transportKey: base64(keys.transport.publicKey),
    sealKey: base64(keys.seal.publicKey),
    addresses: [],
    labels,
  };
}
