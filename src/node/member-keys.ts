/** The member that a node runs for, with the keys that live on this machine. */
import type { NodeId } from '../base/index.ts';
import type { PeerKeys } from '../peer/index.ts';

/** Each key has one role. The organisation's key is not among them: it stays offline. */
export interface NodeKeys extends Omit<PeerKeys, 'sealPrivate'> {
  /** Ed25519 seed, 32 bytes: who this node is to libp2p. */
  readonly transport: { readonly seed: Uint8Array };
  /** X25519: opens what is sealed to this member. */
  readonly seal: { readonly privateKey: Uint8Array };
  /** Hashes this hospital's records for its data-set commitments, 32 bytes. */
  readonly site: Uint8Array;
}

/** Who a node is in its consortium. */
export interface NodeMember {
  readonly id: NodeId;
  readonly keys: NodeKeys;
}
