/**
 * The `Transport` port over libp2p: TCP, Noise, yamux, gossipsub for broadcasts, own protocols for direct
 * messages and bulk. Each protocol is a file of its own; this one joins them.
 */
import type { Stream } from '@libp2p/interface';
import {
  InvariantError,
  equalBytes,
  invariant,
  messageOf,
  type Digest,
  type Logger,
  type NodeId,
} from '../base/index.ts';
import {
  type BlobProvider,
  type FetchOptions,
  type MessageCost,
  type MessageHandler,
  type Topic,
  type Transport,
  type TransportMember,
  type TransportStats,
  type Verdict,
  limits,
} from '../wire/index.ts';
import { ByteCounter } from './byte-counter.ts';
import { NetworkError } from './errors.ts';
import { fetchBlob } from './fetch-blob.ts';
import { GossipBroadcast } from './gossip-broadcast.ts';
import { InboundStreams } from './inbound-streams.ts';
import { createHost, type Host } from './libp2p-host.ts';
import type { MemberLink } from './link-book.ts';
import {
  probeBlob,
  probeDigest,
  roundTripMs,
  transferSpeed,
  type ProbeReport,
} from './link-probe.ts';
import { listenError, portOf } from './listen-address.ts';
import { MemberDirectory, ownTransportKey, toMultiaddr } from './member-directory.ts';
import { MemberConnections } from './member-connections.ts';
import { Messenger } from './message-protocol.ts';
import { messageProtocol, updateProtocol } from './protocol-ids.ts';
import { SenderAccounts } from './sender-accounts.ts';
import { validateNetworkSettings, type NetworkSettings } from './settings.ts';

/** Everything one node's transport needs. */
export interface Libp2pTransportInit {
  readonly self: NodeId;
  /** SHA-256 of the manifest. */
  readonly consortium: Digest;
  /** All members of the manifest, this one too. */
  readonly members: readonly TransportMember[];
  /** Seed of this node's Ed25519 transport key, 32 bytes. */
  readonly privateKeySeed: Uint8Array;
  /** `host:port` or a multiaddr; port 0 takes a free one, and null listens nowhere: this node only dials. */
  readonly listen: string | null;
  readonly settings: NetworkSettings;
  readonly logger: Logger;
}

/** The port, and what only a real network has. */
export interface Libp2pTransport extends Transport {
  /** Where this node listens, as multiaddrs without a peer id; empty unless started. */
  listenAddresses(): string[];
  /** Replaces where a member is dialled from now on. @throws {NetworkError} 'bad_address', 'not_a_member' */
  learnAddresses(member: NodeId, addresses: readonly string[]): void;
  /** How the links with all other members stand, and what is wrong with those that do not. */
  links(): MemberLink[];
  /**
   * One attempt to reach a member, and how far and fast it is if that succeeds; takes some seconds, or as long as a dial may.
   * A member that publishes no address is not dialled.
   *
   * @throws {NetworkError} 'not_a_member'
   */
  probe(member: NodeId): Promise<ProbeReport>;
}

/**
 * Makes the transport of one node; nothing listens before `start`. It can be started once.
 *
 * @throws {NetworkError} 'bad_setting', 'not_a_member', 'key_mismatch', 'bad_transport_key', 'bad_address'
 */
export async function openLibp2pTransport(init: Libp2pTransportInit): Promise<Libp2pTransport> {
  validateNetworkSettings(init.settings);
  const privateKey = await ownTransportKey(init.self, init.members, init.privateKeySeed);
  const directory = new MemberDirectory(init.members);
  const counter = new ByteCounter();
  const listen = init.listen === null ? null : toMultiaddr(init.listen);
  const accounts = new SenderAccounts(init.settings, init.logger);
  const host = await createHost({
    ...{ ...init, directory, privateKey, listen, counter },
    isHungUp: (member) => accounts.isHungUp(member),
    admitStream: async (member) => accounts.admitStream(member),
  });
  return new HostTransport(init, { host, directory, counter, accounts });
}

interface TransportParts {
  readonly host: Host;
  readonly directory: MemberDirectory;
  readonly counter: ByteCounter;
  readonly accounts: SenderAccounts;
}

class HostTransport implements Libp2pTransport {
  readonly self: NodeId;
  readonly #init: Libp2pTransportInit;
  readonly #host: Host;
  readonly #directory: MemberDirectory;
  readonly #counter: ByteCounter;
  readonly #accounts: SenderAccounts;
  readonly #gossip: GossipBroadcast;
  readonly #messenger: Messenger;
  readonly #members: MemberConnections;
  readonly #inbound: InboundStreams;
  #handler: MessageHandler = () => 'ignore';
  #provider: BlobProvider = () => Promise.resolve(null);
  #state: 'new' | 'starting' | 'started' | 'stopped' = 'new';
  /** Ends when the host listens. */
  #opening: Promise<void> = Promise.resolve();

  constructor(init: Libp2pTransportInit, { host, directory, counter, accounts }: TransportParts) {
    this.self = init.self;
    this.#init = init;
    this.#host = host;
    this.#directory = directory;
    this.#counter = counter;
    this.#accounts = accounts;
    const { settings, logger, consortium, self } = init;
    const handler: MessageHandler = (from, topic, bytes) => this.#judge(from, topic, bytes);
    const { gossip } = host.services;
    this.#gossip = new GossipBroadcast(gossip, {
      ...{ self, consortium, directory, settings, logger, handler },
      isPeer: (member) => this.#members.isPeer(member),
      isWanted: (member) => !accounts.isHungUp(member),
      admit: (author, bytes) => accounts.admitBroadcast(author, bytes),
      useless: (relay, reason) => {
        accounts.uselessBroadcast(relay, reason);
      },
    });
    this.#messenger = new Messenger({
      ...{ settings, logger, handler },
      admit: async (from, bytes) => accounts.admitDirect(from, bytes),
      open: async (to) => this.#members.openStream(to, messageProtocol),
    });
    this.#members = new MemberConnections(host, {
      ...{ self, consortium, directory, settings, logger, counter },
      isHungUp: (member) => accounts.isHungUp(member),
      onLost: (member) => {
        this.#messenger.drop(member);
      },
    });
    accounts.onHangUp((member) => {
      this.#members.cut(member);
    });
    this.#inbound = new InboundStreams({
      ...{ settings, logger, directory, accounts },
      members: this.#members,
      messenger: this.#messenger,
      provider: async (digest) => (digest === probeDigest ? probeBlob : this.#provider(digest)),
      isRunning: () => this.#state === 'started',
    });
  }

  peers(): readonly NodeId[] {
    return this.#members.peers();
  }

  listenAddresses(): string[] {
    return this.#host.getMultiaddrs().map((address) => address.decapsulate('/p2p').toString());
  }

  learnAddresses(member: NodeId, addresses: readonly string[]): void {
    const entry = this.#directory.ofNode(member);
    if (entry === null) throw new NetworkError({ code: 'not_a_member', member });
    entry.addresses = addresses.map(toMultiaddr);
    this.#members.learned(entry);
  }

  setMembers(members: readonly TransportMember[]): void {
    const { logger, members: first } = this.#init;
    const own = first.filter(({ id }) => id === this.self);
    const isMember = members.some(
      ({ id, transportKey }) =>
        id === this.self && own.some((one) => equalBytes(one.transportKey, transportKey)),
    );
    if (!isMember) logger.log('warn', 'no member under the transport key of this machine: alone');
    const changes = this.#directory.replace(isMember ? members.map(this.#dialable) : own);
    for (const { id } of changes.gone) {
      if (this.#directory.ofNode(id) === null) this.#accounts.forget(id);
    }
    this.#members.membersChanged(changes);
  }

  /** The member without addresses that nobody can dial: they were agreed on, and must not keep the others apart. */
  readonly #dialable = (member: TransportMember): TransportMember => {
    const addresses = member.addresses.filter((address) => {
      try {
        toMultiaddr(address);
        return true;
      } catch (error) {
        const facts = { member: member.id, reason: messageOf(error) };
        this.#init.logger.log('warn', 'a listed address is left out', facts);
        return false;
      }
    });
    return { ...member, addresses };
  };

  links(): MemberLink[] {
    return this.#members.links();
  }

  async probe(id: NodeId): Promise<ProbeReport> {
    const before = await this.#members.reach(id);
    if (before === null) throw new NetworkError({ code: 'not_a_member', member: id });
    if (!this.#members.isConnected(id)) {
      return { link: before, roundTripMs: null, bytesPerSecond: null };
    }
    const connection = this.#members.connection(id);
    const ms = await roundTripMs(connection);
    const speed = await transferSpeed((maxBytes, signal) =>
      this.fetch(id, probeDigest, { offset: 0, length: null, maxBytes, signal }),
    );
    const link = await this.#members.reach(id);
    return { link: link ?? before, roundTripMs: ms, bytesPerSecond: speed };
  }

  onMessage(handler: MessageHandler): void {
    this.#handler = handler;
  }

  charge(member: NodeId, cost: MessageCost): void {
    this.#accounts.charge(member, cost);
  }

  serveBlobs(provider: BlobProvider): void {
    this.#provider = provider;
  }

  onPeers(listener: (connected: readonly NodeId[]) => void): void {
    this.#members.onPeers(listener);
  }

  stats(): TransportStats {
    return this.#counter.counts();
  }

  broadcast(topic: Topic, bytes: Uint8Array): void {
    if (this.#state !== 'started' || !this.#fits(topic, bytes)) return;
    // Votes go the shortest way; where a pair has no link, gossip brings them past it.
    if (topic !== 'consensus' || !this.#gossip.reachesAll()) this.#gossip.send(topic, bytes);
    else for (const to of this.#members.peers()) this.#messenger.send(to, topic, bytes);
  }

  send(to: NodeId, topic: Topic, bytes: Uint8Array): void {
    if (this.#state !== 'started' || !this.#members.isConnected(to)) return;
    if (!this.#fits(topic, bytes)) return;
    this.#messenger.send(to, topic, bytes);
  }

  /** @throws {NetworkError} 'port_taken' or 'listen_failed'; the transport is then stopped for good. */
  async start(): Promise<void> {
    invariant(this.#state === 'new', 'a transport is started once');
    this.#state = 'starting';
    this.#opening = this.#inbound.register(this.#host).then(() => this.#host.start());
    try {
      await this.#opening;
    } catch (error) {
      await this.stop();
      throw listenError(this.#init.listen ?? 'no address', error);
    }
    if (this.#isStopped) return;
    this.#state = 'started';
    this.#gossip.start();
    this.#members.start();
    this.#init.logger.log('info', 'listening', { port: portOf(this.listenAddresses()) });
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#members.stop();
    this.#gossip.stop();
    this.#messenger.stop();
    this.#accounts.stop();
    // libp2p does not stop while it starts.
    await this.#opening.catch(() => undefined);
    await this.#host.stop();
  }

  fetch(from: NodeId, digest: Digest, options: FetchOptions): AsyncIterable<Uint8Array> {
    const open = async (): Promise<Stream> => this.#members.openStream(from, updateProtocol);
    return fetchBlob(from, open, digest, options, this.#init.settings);
  }

  get #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #fits(topic: Topic, { byteLength: sizeBytes }: Uint8Array): boolean {
    const maxBytes = limits.topicBytesMax[topic];
    if (sizeBytes <= maxBytes) return true;
    const facts = { topic, sizeBytes, maxBytes };
    this.#init.logger.log('error', 'a message is larger than its topic carries: not sent', facts);
    return false;
  }

  #judge(from: NodeId, topic: Topic, bytes: Uint8Array): Verdict {
    if (this.#state !== 'started') return 'ignore';
    try {
      const before = this.#accounts.refusedCount(from);
      const verdict = this.#handler(from, topic, bytes);
      // The handler may have said more than that it is refused.
      if (verdict === 'reject' && this.#accounts.refusedCount(from) === before) {
        this.#accounts.charge(from, { signatures: 0, refusal: `rejected on topic ${topic}` });
      }
      return verdict;
    } catch (error) {
      // gossipsub and the stream readers would swallow it. A broken promise of our own must stop the node.
      this.#init.logger.log('error', 'message handler threw', { topic, reason: messageOf(error) });
      if (error instanceof InvariantError) {
        queueMicrotask(() => {
          throw error;
        });
      }
      return 'ignore';
    }
  }
}
