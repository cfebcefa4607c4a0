/** Who is who: members of the manifest, their libp2p peer ids and where to dial them. */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { equalBytes, type NodeId } from '../base/index.ts';
import type { TransportMember } from '../wire/index.ts';
import { NetworkError } from './errors.ts';

/** A member with its peer id. The same object as long as it is a member under the same key. */
export interface DirectoryEntry {
  readonly id: NodeId;
  readonly peerId: PeerId;
  /** Where to dial it now. */
  addresses: readonly Multiaddr[];
  /** Addresses as the list of members has them. */
  listed: readonly string[];
}

/** What `MemberDirectory.replace` changed. */
export interface MemberChanges {
  /** No members any more, or under another key now. */
  readonly gone: readonly DirectoryEntry[];
  /** Members as before, with other addresses. */
  readonly moved: readonly DirectoryEntry[];
}

/** Whether `one` has the lower peer id (as base58 text): it dials first, and it decides which connection of the two stays. */
export function isLower(one: DirectoryEntry, other: DirectoryEntry): boolean {
  return one.peerId.toString() < other.peerId.toString();
}

/** The allow-list of this consortium. */
export class MemberDirectory {
  #byNode = new Map<NodeId, DirectoryEntry>();
  #byPeer = new Map<string, DirectoryEntry>();

  /** @throws {NetworkError} 'bad_transport_key', 'bad_address'. */
  constructor(members: readonly TransportMember[]) {
    this.replace(members);
  }

  /**
   * These are the members from now on. What was learned of a member's addresses stays until its line has others.
   *
   * @throws {NetworkError} 'bad_transport_key', 'bad_address'; nothing is changed then.
   */
  replace(members: readonly TransportMember[]): MemberChanges {
    const before = this.all();
    const byNode = new Map<NodeId, DirectoryEntry>();
    const moves: (() => void)[] = [];
    const moved: DirectoryEntry[] = [];
    for (const member of members) {
      const { id, addresses: listed } = member;
      const peerId = peerIdOf(member);
      const addresses = listed.map(toMultiaddr);
      const known = this.#byNode.get(id);
      const isKnown = known?.peerId.equals(peerId) === true;
      byNode.set(id, isKnown ? known : { id, peerId, addresses, listed });
      if (!isKnown || known.listed.join(' ') === listed.join(' ')) continue;
      moved.push(known);
      moves.push(() => Object.assign(known, { addresses, listed }));
    }
    for (const move of moves) move();
    this.#byNode = byNode;
    this.#byPeer = new Map([...byNode.values()].map((entry) => [entry.peerId.toString(), entry]));
    return { gone: before.filter((entry) => byNode.get(entry.id) !== entry), moved };
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
