/** Who is who: members of the manifest, their libp2p peer ids and where to dial them. */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { equalBytes, type NodeId } from '../base/index.ts';
import { keyBytes, type Manifest } from '../wire/index.ts';
import { NetworkError } from './errors.ts';

/** What the transport needs of one line of the manifest. */
export interface TransportMember {
  readonly id: NodeId;
  /** Raw Ed25519 public key, 32 bytes: it fixes the libp2p peer id. */
  readonly transportKey: Uint8Array;
  /** `host:port` or a multiaddr; empty for a member that can only dial out. */
  readonly addresses: readonly string[];
}

/** The members of a manifest as the transport wants them. */
export function transportMembers(manifest: Manifest): TransportMember[] {
  return manifest.members.map(({ id, transportKey, addresses }) => ({
    id,
    transportKey: keyBytes(transportKey),
    addresses,
  }));
}

/** A member with its peer id. */
export interface DirectoryEntry {
  readonly id: NodeId;
  readonly peerId: PeerId;
  addresses: readonly Multiaddr[];
}

/** Whether `one` has the lower peer id (as base58 text): it dials first, and it decides which connection of the two stays. */
export function isLower(one: DirectoryEntry, other: DirectoryEntry): boolean {
  return one.peerId.toString() < other.peerId.toString();
}

/** The allow-list of this consortium. */
export class MemberDirectory {
  readonly #byNode = new Map<NodeId, DirectoryEntry>();
  readonly #byPeer = new Map<string, DirectoryEntry>();

  /** @throws {NetworkError} 'bad_transport_key', 'bad_address'. */
  constructor(members: readonly TransportMember[]) {
    for (const member of members) {
      const entry = {
        id: member.id,
        peerId: peerIdOf(member),
        addresses: member.addresses.map(toMultiaddr),
      };
      this.#byNode.set(member.id, entry);
      this.#byPeer.set(entry.peerId.toString(), entry);
    }
  }

  ofNode(id: NodeId): DirectoryEntry | null {
    return this.#byNode.get(id) ?? null;
  }

  ofPeer(peerId: PeerId): DirectoryEntry | null {
    return this.#byPeer.get(peerId.toString()) ?? null;
  }

  all(): DirectoryEntry[] {
    return [...this.#byNode.values()];
  }
}

/**
 * The libp2p key of this machine, checked against the manifest.
 *
 * @throws {NetworkError} 'not_a_member', 'key_mismatch'.
 */
export async function ownTransportKey(
  self: NodeId,
  members: readonly TransportMember[],
  seed: Uint8Array,
): Promise<PrivateKey> {
  const member = members.find(({ id }) => id === self);
  if (member === undefined) throw new NetworkError({ code: 'not_a_member', member: self });
  const key = await generateKeyPairFromSeed('Ed25519', seed);
  if (!equalBytes(key.publicKey.raw, member.transportKey)) {
    throw new NetworkError({ code: 'key_mismatch', member: self });
  }
  return key;
}

/**
 * `host:port`, `[ipv6]:port` or a multiaddr as a multiaddr.
 *
 * @throws {NetworkError} 'bad_address'.
 */
export function toMultiaddr(address: string): Multiaddr {
  const refuse = (cause?: unknown): NetworkError =>
    new NetworkError(
      { code: 'bad_address', address, expected: 'host:port, [ipv6]:port or a /…/tcp/… multiaddr' },
      { cause },
    );
  if (address.startsWith('/')) {
    try {
      return multiaddr(address);
    } catch (error) {
      throw refuse(error);
    }
  }
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(address);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) throw refuse();
  const [, ipv6, name = ''] = parts;
  const kind = ipv6 !== undefined ? 'ip6' : /^[\d.]+$/.test(name) ? 'ip4' : 'dns';
  try {
    return multiaddr(`/${kind}/${ipv6 ?? name}/tcp/${port}`);
  } catch (error) {
    throw refuse(error);
  }
}

function peerIdOf(member: TransportMember): PeerId {
  try {
    if (member.transportKey.byteLength !== 32) throw new RangeError('length');
    return peerIdFromPublicKey(publicKeyFromRaw(member.transportKey));
  } catch (cause) {
    throw new NetworkError({ code: 'bad_transport_key', member: member.id }, { cause });
  }
}
