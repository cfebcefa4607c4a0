/**
 * The `Transport` port over libp2p: TCP, Noise, yamux, gossipsub for broadcasts, own protocols for direct
 * messages and bulk. One class, read top to bottom; each protocol is a file of its own.
 */
import type { Connection, Stream } from '@libp2p/interface';
import {
  InvariantError,
  invariant,
  messageOf,
  type Digest,
  type Logger,
  type NodeId,
} from '../base/index.ts';
import {
  limits,
  TransportError,
  topics,
  type BlobProvider,
  type FetchOptions,
  type MessageHandler,
  type Topic,
  type Transport,
  type TransportErrorFacts,
  type TransportStats,
  type Verdict,
} from '../wire/index.ts';
import { ByteCounter } from './byte-counter.ts';
import { DialKeeper } from './dial-keeper.ts';
import { NodeError } from './errors.ts';
import { GossipBroadcast } from './gossip-broadcast.ts';
import { answerHello, sayHello } from './hello-protocol.ts';
import { createHost, type Host } from './libp2p-host.ts';
import { listenError, portOf } from './listen-address.ts';
import {
  MemberDirectory,
  ownTransportKey,
  toMultiaddr,
  type DirectoryEntry,
  type TransportMember,
} from './member-directory.ts';
import { MemberLinks } from './member-links.ts';
import { Messenger } from './message-protocol.ts';
import { gossipTopic, helloProtocol, messageProtocol, updateProtocol } from './protocol-ids.ts';
import { validateNetworkSettings, type NetworkSettings } from './settings.ts';
import {
  answerOnly,
  openTransfer,
  serveTransfer,
  transferStatus,
  type OpenTransfer,
} from './update-protocol.ts';

/** Pause between looks at a pair whose gossip streams are not both open yet. */
const lookAgainMs = 50;
/** Looks in a row that found a pair deaf before it is hung up. */
const deafCountMax = 3;

/** Everything one node's transport needs. */
export interface Libp2pTransportInit {
  readonly self: NodeId;
  /** SHA-256 of the manifest. */
  readonly consortium: Digest;
  /** All members of the manifest, this one too. */
  readonly members: readonly TransportMember[];
  /** Seed of this node's Ed25519 transport key, 32 bytes. */
  readonly privateKeySeed: Uint8Array;
  /** `host:port` or a multiaddr; port 0 takes a free one. */
  readonly listen: string;
  readonly settings: NetworkSettings;
  readonly logger: Logger;
}

/** The port, and what only a real network has. */
export interface Libp2pTransport extends Transport {
  /** Where this node listens, as multiaddrs without a peer id; empty unless started. */
  listenAddresses(): string[];
  /** Replaces where a member is dialled from now on. @throws {NodeError} 'bad_address', 'not_a_member' */
  learnAddresses(member: NodeId, addresses: readonly string[]): void;
}

/**
 * Makes the transport of one node; nothing listens before `start`. It can be started once.
 *
 * @throws {NodeError} 'bad_setting', 'not_a_member', 'key_mismatch', 'bad_transport_key', 'bad_address'
 */
export async function openLibp2pTransport(init: Libp2pTransportInit): Promise<Libp2pTransport> {
  validateNetworkSettings(init.settings);
  const privateKey = await ownTransportKey(init.self, init.members, init.privateKeySeed);
  const directory = new MemberDirectory(init.members);
  const counter = new ByteCounter();
  const listen = toMultiaddr(init.listen);
  const host = await createHost({ ...init, directory, privateKey, listen, counter });
  return new HostTransport(init, host, directory, counter);
}

class HostTransport implements Libp2pTransport {
  readonly self: NodeId;
  readonly #init: Libp2pTransportInit;
  readonly #host: Host;
  readonly #directory: MemberDirectory;
  readonly #counter: ByteCounter;
  readonly #links = new MemberLinks();
  readonly #gossip: GossipBroadcast;
  readonly #messenger: Messenger;
  readonly #keeper: DialKeeper;
  readonly #servedTo = new Map<NodeId, number>();
  #handler: MessageHandler = () => 'ignore';
  #provider: BlobProvider = () => Promise.resolve(null);
  #state: 'new' | 'started' | 'stopped' = 'new';
  #healthTimer: NodeJS.Timeout | null = null;
  #lookAgain: NodeJS.Timeout | null = null;

  constructor(
    init: Libp2pTransportInit,
    host: Host,
    directory: MemberDirectory,
    counter: ByteCounter,
  ) {
    this.self = init.self;
    this.#init = init;
    this.#host = host;
    this.#directory = directory;
    this.#counter = counter;
    const { settings, logger, consortium, self } = init;
    const handler: MessageHandler = (from, topic, bytes) => this.#judge(from, topic, bytes);
    const { gossip } = host.services;
    this.#gossip = new GossipBroadcast(gossip, {
      ...{ self, consortium, directory, settings, logger, handler },
    });
    this.#messenger = new Messenger({
      ...{ settings, logger, handler },
      open: async (to) => this.#openStream(to, messageProtocol),
    });
    const own = directory.ofNode(self);
    invariant(own !== null, 'own key was checked against the manifest');
    const others = directory.all().filter(({ id }) => id !== self);
    this.#keeper = new DialKeeper(own, others, {
      ...{ settings, logger },
      isConnected: (member) => this.#links.get(member.id) !== null,
      dial: async (member) => this.#dial(member),
    });
  }

  peers(): readonly NodeId[] {
    return this.#links.peers();
  }

  listenAddresses(): string[] {
    return this.#host.getMultiaddrs().map((address) => address.decapsulate('/p2p').toString());
  }

  learnAddresses(member: NodeId, addresses: readonly string[]): void {
    const entry = this.#directory.ofNode(member);
    if (entry === null) throw new NodeError({ code: 'not_a_member', member });
    entry.addresses = addresses.map(toMultiaddr);
    if (this.#state === 'started') this.#keeper.learned(entry);
  }

  onMessage(handler: MessageHandler): void {
    this.#handler = handler;
  }

  serveBlobs(provider: BlobProvider): void {
    this.#provider = provider;
  }

  onPeers(listener: (connected: readonly NodeId[]) => void): void {
    this.#links.onChange(listener);
  }

  stats(): TransportStats {
    return this.#counter.counts();
  }

  broadcast(topic: Topic, bytes: Uint8Array): void {
    refuseLarge(bytes);
    if (this.#state === 'started') this.#gossip.send(topic, bytes);
  }

  send(to: NodeId, topic: Topic, bytes: Uint8Array): void {
    refuseLarge(bytes);
    if (this.#state !== 'started' || this.#links.get(to) === null) return;
    this.#messenger.send(to, topic, bytes);
  }

  /** @throws {NodeError} 'port_taken' or 'listen_failed'; the transport is then stopped for good. */
  async start(): Promise<void> {
    invariant(this.#state === 'new', 'a transport is started once');
    const { settings } = this.#init;
    await this.#host.handle(helloProtocol, this.#onHello, { maxInboundStreams: 2 });
    await this.#host.handle(messageProtocol, this.#onMessageStream, { maxInboundStreams: 2 });
    await this.#host.handle(updateProtocol, this.#onUpdateStream, {
      // One above our own limit, which answers 'busy' instead of a bare reset.
      maxInboundStreams: settings.transfersPerPeerMax + 1,
    });
    this.#host.addEventListener('connection:open', (event) => {
      this.#onConnection(event.detail);
    });
    this.#host.addEventListener('connection:close', (event) => {
      this.#onDisconnection(event.detail);
    });
    this.#host.services.gossip.addEventListener('subscription-change', () => {
      this.#lookOverGossip();
    });
    try {
      await this.#host.start();
    } catch (error) {
      await this.stop();
      throw listenError(this.#init.listen, error);
    }
    this.#state = 'started';
    this.#gossip.start();
    this.#keeper.start();
    this.#healthTimer = setInterval(() => {
      this.#checkHealth();
    }, settings.healthIntervalMs);
    this.#init.logger.log('info', 'listening', { port: portOf(this.listenAddresses()) });
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    if (this.#healthTimer !== null) clearInterval(this.#healthTimer);
    if (this.#lookAgain !== null) clearTimeout(this.#lookAgain);
    this.#links.onChange(() => undefined);
    this.#keeper.stop();
    this.#gossip.stop();
    this.#messenger.stop();
    await this.#host.stop();
    this.#links.clear();
  }

  async *fetch(
    from: NodeId,
    digest: Digest,
    options: FetchOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { settings } = this.#init;
    const fail = (facts: TransportErrorFacts, cause?: unknown): TransportError =>
      new TransportError(facts, `fetch from ${from}: ${facts.code}`, { cause });
    const cancelled = (): TransportError =>
      fail({ code: 'interrupted', peer: from }, new NodeError({ code: 'cancelled' }));
    const isCancelled = (): boolean => options.signal?.aborted === true;
    if (isCancelled()) throw cancelled();
    let stream: Stream;
    try {
      stream = await this.#openStream(from, updateProtocol);
    } catch (error) {
      throw fail({ code: 'unreachable', peer: from }, error);
    }
    const onAbort = (): void => {
      stream.abort(new NodeError({ code: 'cancelled' }));
    };
    options.signal?.addEventListener('abort', onAbort);
    try {
      if (isCancelled()) throw cancelled();
      const transfer = await openTransfer(stream, { digest, ...options }, settings);
      const refused = refusal(from, options, transfer);
      if (refused !== null) throw fail(...refused);
      yield* transfer.chunks();
    } catch (error) {
      if (isCancelled()) throw cancelled();
      throw error instanceof TransportError
        ? error
        : fail({ code: 'interrupted', peer: from }, error);
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
      if (stream.status === 'open') stream.abort(new NodeError({ code: 'stream_cut' }));
    }
  }

  // Inbound streams. A handler that throws resets its stream; libp2p logs nothing of it.

  readonly #onHello = async (stream: Stream, connection: Connection): Promise<void> => {
    const { consortium, settings } = this.#init;
    try {
      const same = await answerHello(stream, consortium, settings.helloTimeoutMs);
      this.#helloDone(connection, same);
    } catch (error) {
      this.#dropStream(stream, 'hello', error);
    }
  };

  readonly #onMessageStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const from = await this.#welcomed(connection);
    if (from === null) {
      stream.abort(new NodeError({ code: 'stream_cut' }));
      return;
    }
    try {
      await this.#messenger.receive(from, stream);
      await stream.close();
    } catch (error) {
      this.#dropStream(stream, 'messages', error);
    }
  };

  readonly #onUpdateStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const { settings } = this.#init;
    const from = await this.#welcomed(connection);
    if (from === null) {
      stream.abort(new NodeError({ code: 'stream_cut' }));
      return;
    }
    const open = this.#servedTo.get(from) ?? 0;
    this.#servedTo.set(from, open + 1);
    try {
      if (open >= settings.transfersPerPeerMax) {
        await answerOnly(stream, transferStatus.busy, 0, settings);
      } else {
        await serveTransfer(stream, async (digest) => this.#provider(digest), settings);
      }
    } catch (error) {
      this.#dropStream(stream, 'transfer', error);
    } finally {
      this.#servedTo.set(from, (this.#servedTo.get(from) ?? 1) - 1);
    }
  };

  #dropStream(stream: Stream, what: string, error: unknown): void {
    stream.abort(new NodeError({ code: 'stream_cut' }));
    if (this.#state === 'started') {
      this.#init.logger.log('debug', 'stream ended early', { what, reason: messageOf(error) });
    }
  }

  async #welcomed(connection: Connection): Promise<NodeId | null> {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null) return null;
    const said = await this.#links.helloWithin(member.id, this.#init.settings.helloTimeoutMs);
    return said ? member.id : null;
  }

  #judge(from: NodeId, topic: Topic, bytes: Uint8Array): Verdict {
    if (this.#state !== 'started') return 'ignore';
    try {
      return this.#handler(from, topic, bytes);
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

  // Connections.

  async #dial(member: DirectoryEntry): Promise<void> {
    const signal = AbortSignal.timeout(this.#init.settings.dialTimeoutMs);
    const suffix = `/p2p/${member.peerId.toString()}`;
    const addresses = member.addresses.map((address) => address.encapsulate(suffix));
    const connection = await this.#host.dial(addresses, { signal });
    // On a connection the other side dialled meanwhile, the hello is its to say.
    if (connection.direction === 'inbound' || this.#links.get(member.id) !== null) return;
    const { consortium, settings } = this.#init;
    const same = await sayHello(connection, consortium, settings.helloTimeoutMs);
    this.#helloDone(connection, same);
    if (!same) throw new NodeError({ code: 'protocol_broken', expected: 'the same consortium' });
  }

  #helloDone(connection: Connection, sameConsortium: boolean): void {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null || connection.status !== 'open' || this.#state !== 'started') return;
    if (!sameConsortium) {
      this.#init.logger.log('warn', 'peer is of another consortium', { peer: member.id });
      this.#hangUp(member);
      return;
    }
    this.#links.saidHello(member.id, connection.id);
    this.#keeper.reached(member);
    this.#lookOverGossip();
  }

  #onConnection(connection: Connection): void {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null) {
      connection.abort(new NodeError({ code: 'stream_cut' }));
      return;
    }
    if (this.#host.getConnections(connection.remotePeer).length > 1) {
      // Closing one of two breaks gossip on the other: hang up both, the keeper dials again.
      this.#init.logger.log('debug', 'two connections, hanging up both', { peer: member.id });
      this.#hangUp(member);
      return;
    }
    setTimeout(() => {
      if (connection.status === 'open' && this.#links.get(member.id) === null) {
        connection.abort(new NodeError({ code: 'protocol_broken', expected: 'a hello in time' }));
      }
    }, this.#init.settings.helloTimeoutMs).unref();
  }

  #onDisconnection(connection: Connection): void {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null) return;
    if (this.#links.lost(member.id, connection.id)) this.#messenger.drop(member.id);
    if (this.#state === 'started') this.#keeper.lost(member);
  }

  #hangUp(member: DirectoryEntry): void {
    const signal = AbortSignal.timeout(1_000);
    this.#host.hangUp(member.peerId, { signal }).catch((error: unknown) => {
      for (const connection of this.#host.getConnections(member.peerId)) {
        connection.abort(new NodeError({ code: 'stream_cut' }, { cause: error }));
      }
    });
  }

  async #openStream(to: NodeId, protocol: string): Promise<Stream> {
    const member = this.#directory.ofNode(to);
    const link = this.#links.get(to);
    const connection = member === null ? [] : this.#host.getConnections(member.peerId);
    const usable = connection.find(
      ({ id, status }) => id === link?.connectionId && status === 'open',
    );
    if (usable === undefined) throw new NodeError({ code: 'not_connected', member: to });
    const signal = AbortSignal.timeout(this.#init.settings.dialTimeoutMs);
    return usable.newStream(protocol, {
      signal,
      maxOutboundStreams: protocol === updateProtocol ? 64 : 4,
    });
  }

  // Gossip: a member counts as a peer when it subscribed to every topic and we can speak to it.

  #lookOverGossip(): void {
    const { gossip } = this.#host.services;
    const { streamsOutbound } = gossip as unknown as { streamsOutbound?: Map<string, unknown> };
    const subscribed = topics.map((topic) => {
      const name = gossipTopic(this.#init.consortium, topic);
      return new Set(gossip.getSubscribers(name).map(String));
    });
    for (const [id] of this.#links.entries()) {
      const peer = this.#directory.ofNode(id)?.peerId.toString() ?? '';
      const hears =
        subscribed.every((set) => set.has(peer)) && streamsOutbound?.has(peer) !== false;
      this.#links.setHearsGossip(id, hears);
    }
    // gossipsub tells when it hears a peer, not when it can speak to it: look again soon.
    const isWaiting = this.#links.entries().some(([, link]) => !link.hearsGossip);
    if (isWaiting) this.#lookAgain ??= setTimeout(this.#onLookAgain, lookAgainMs);
  }

  readonly #onLookAgain = (): void => {
    this.#lookAgain = null;
    if (this.#state === 'started') this.#lookOverGossip();
  };

  /** An oversize message or a full buffer can leave a pair deaf for ever: hang up and start afresh. */
  #checkHealth(): void {
    this.#lookOverGossip();
    for (const [id, link] of this.#links.entries()) {
      link.deafCount = link.hearsGossip ? 0 : link.deafCount + 1;
      const member = this.#directory.ofNode(id);
      if (link.deafCount >= deafCountMax && member !== null) {
        this.#init.logger.log('warn', 'peer is deaf to gossip, hanging up', { peer: id });
        this.#hangUp(member);
      }
    }
  }
}

/** Why the head of an answer ends a fetch; `null` when its bytes may come. */
function refusal(
  peer: NodeId,
  { offset, maxBytes }: FetchOptions,
  { status, totalBytes, bytesAhead }: OpenTransfer,
): [TransportErrorFacts, NodeError?] | null {
  switch (status) {
    case transferStatus.ok:
      return bytesAhead <= maxBytes ? null : [{ code: 'too_large', peer, maxBytes }];
    case transferStatus.notHeld:
      return [{ code: 'not_found', peer }];
    case transferStatus.badRange: {
      const cause = new NodeError({ code: 'blob_range', offset, totalBytes });
      return [{ code: 'not_found', peer }, cause];
    }
    case transferStatus.busy:
      return [{ code: 'interrupted', peer }, new NodeError({ code: 'busy' })];
    default: {
      const cause = new NodeError({ code: 'protocol_broken', expected: 'a status from 0 to 3' });
      return [{ code: 'interrupted', peer }, cause];
    }
  }
}

function refuseLarge(bytes: Uint8Array): void {
  invariant(bytes.byteLength <= limits.messageBytesMax, 'a message is not larger than its limit');
}
