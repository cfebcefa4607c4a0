/**
 * Connections to the other members, from dial to hang-up, and which of them are peers. A member counts as a
 * peer when it said hello, is subscribed to every topic, and we can speak gossip to it. `HelloTurns` sees to it that
 * of two connections of a pair one has a hello, `BulkConnections` to a further one for bulk.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { invariant, type Digest, type Logger, type NodeId } from '../base/index.ts';
import { BulkConnections } from './bulk-connections.ts';
import type { ByteCounter } from './byte-counter.ts';
import { DialKeeper } from './dial-keeper.ts';
import { NetworkError } from './errors.ts';
import { gateGossip } from './gossip-gate.ts';
import { GossipHealth } from './gossip-health.ts';
import { answerHello, sayHello, type HelloOutcome } from './hello-protocol.ts';
import { HelloTurns } from './hello-turns.ts';
import type { Host } from './libp2p-host.ts';
import { LinkBook, type MemberLink } from './link-book.ts';
import { DialTrace, linkProblems } from './link-problem.ts';
import type { DirectoryEntry, MemberChanges, MemberDirectory } from './member-directory.ts';
import { MemberLinks } from './member-links.ts';
import { updateProtocol } from './protocol-ids.ts';
import type { NetworkSettings } from './settings.ts';
import { SilenceWatch } from './silence-watch.ts';

/** What the connections need of their node. */
export interface ConnectionPorts {
  readonly self: NodeId;
  readonly consortium: Digest;
  readonly directory: MemberDirectory;
  readonly settings: NetworkSettings;
  readonly logger: Logger;
  readonly counter: ByteCounter;
  readonly isHungUp: (member: NodeId) => boolean;
  /** A peer's connection ended. */
  readonly onLost: (member: NodeId) => void;
}

/** See the file header. */
export class MemberConnections {
  readonly #host: Host;
  readonly #ports: ConnectionPorts;
  readonly #directory: MemberDirectory;
  readonly #links = new MemberLinks();
  readonly #hellos: HelloTurns;
  readonly #keeper: DialKeeper;
  readonly #gossipHealth: GossipHealth;
  readonly #book: LinkBook;
  readonly #silence: SilenceWatch;
  readonly #bulk: BulkConnections;
  #listener: (connected: readonly NodeId[]) => void = () => undefined;
  #isRunning = false;

  constructor(host: Host, ports: ConnectionPorts) {
    this.#host = host;
    this.#ports = ports;
    this.#directory = ports.directory;
    const { self, directory, settings, logger } = ports;
    const own = directory.ofNode(self);
    invariant(own !== null, 'own key was checked against the manifest');
    this.#hellos = new HelloTurns({
      ...{ own, logger, links: this.#links },
      connections: (member) => this.#of(member),
      hangUp: (member) => {
        this.#hangUp(member);
      },
      done: (member, connection, outcome) => {
        this.#helloDone(member, connection, outcome);
      },
    });
    this.#bulk = new BulkConnections({
      ...{ consortium: ports.consortium, settings, logger },
      dial: async (address, signal) => host.dial(address, { signal, force: true }),
      isLink: ({ id }, connection) => this.#isRunning && this.#links.isLink(id, connection.id),
    });
    this.#keeper = new DialKeeper(own, this.#others(), {
      ...{ settings, logger },
      isConnected: (member) => this.#links.get(member.id) !== null,
      dial: async (member) => this.#dial(member),
    });
    this.#book = new LinkBook({
      ...{ counter: ports.counter, links: this.#links, isHungUp: ports.isHungUp },
      others: () => this.#others(),
      isDialler: (member) => this.#keeper.isDialler(member),
      isDialable: () => own.addresses.length > 0,
    });
    this.#silence = new SilenceWatch({
      counter: ports.counter,
      connections: () => host.getConnections(),
      silenceMsMax: settings.silenceMsMax,
      intervalMs: settings.healthIntervalMs,
    });
    this.#gossipHealth = new GossipHealth(host, {
      ...{ consortium: ports.consortium, directory, links: this.#links, logger },
      intervalMs: settings.healthIntervalMs,
      hangUp: (member) => {
        this.#hangUp(member);
      },
    });
    this.#links.onChange((connected) => {
      this.#book.links(); // notes when they changed
      this.#listener(connected);
    });
    host.addEventListener('connection:open', (event) => {
      this.#onConnection(event.detail);
    });
    host.addEventListener('connection:close', (event) => {
      this.#onDisconnection(event.detail);
    });
    gateGossip(
      host.services.gossip,
      async (connection) => (await this.welcomed(connection)) !== null,
    );
    host.services.gossip.addEventListener('subscription-change', () => {
      this.#gossipHealth.look();
    });
  }

  /** Starts dialling; the host is started already. */
  start(): void {
    this.#isRunning = true;
    this.#keeper.start();
    this.#gossipHealth.start();
    this.#silence.start();
  }

  /** Stops dialling and forgets all peers without telling; the host is stopped after. */
  stop(): void {
    this.#isRunning = false;
    this.#keeper.stop();
    this.#gossipHealth.stop();
    this.#silence.stop();
    this.#listener = (): void => undefined;
    this.#links.clear();
  }

  peers(): NodeId[] {
    return this.#links.peers();
  }

  /** Whether a member said hello and hears gossip. */
  isPeer(id: NodeId): boolean {
    return this.#links.get(id)?.hearsGossip === true;
  }

  onPeers(listener: (connected: readonly NodeId[]) => void): void {
    this.#listener = listener;
  }

  /** How the links with all other members stand. */
  links(): MemberLink[] {
    return this.#book.links();
  }

  /** The link with a member, after a dial if it was not connected; `null` for who is no member. */
  async reach(id: NodeId): Promise<MemberLink | null> {
    const member = this.#directory.ofNode(id);
    if (member === null || id === this.#ports.self) return null;
    await this.#keeper.dialNow(member);
    return this.#book.link(member);
  }

  /** The connection that said hello with a member. @throws {NetworkError} 'not_connected' */
  connection(to: NodeId): Connection {
    const member = this.#directory.ofNode(to);
    const link = this.#links.get(to);
    const connections = member === null ? [] : this.#of(member);
    const usable = connections.find(
      ({ id, status }) => id === link?.connectionId && status === 'open',
    );
    if (usable === undefined) throw new NetworkError({ code: 'not_connected', member: to });
    return usable;
  }

  /** Whether the member said hello on a connection that is still there. */
  isConnected(member: NodeId): boolean {
    return this.#links.get(member) !== null;
  }

  /** A member's addresses changed. */
  learned(member: DirectoryEntry): void {
    if (this.#isRunning) this.#keeper.learned(member);
  }

  /** The directory has other members now. */
  membersChanged({ gone, moved }: MemberChanges): void {
    this.#keeper.follow(this.#others());
    this.#book.forget(gone.map(({ id }) => id));
    for (const member of gone) {
      // Here and not when the connections end: nobody knows then whose they were.
      this.#links.forget(member.id);
      this.#bulk.drop(member.id);
      this.#ports.onLost(member.id);
      this.#cutAll(member);
    }
    for (const member of moved) this.learned(member);
  }

  /** Ends all that connects us with a member, at once and without a word. */
  cut(id: NodeId): void {
    const member = this.#directory.ofNode(id);
    if (member !== null) this.#cutAll(member);
  }

  /** Who is at the other end, once it said hello on this connection; `null` when it does not in time. */
  async welcomed(connection: Connection): Promise<NodeId | null> {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null) return null;
    const { helloTimeoutMs } = this.#ports.settings;
    const said = await this.#links.helloWithin(member.id, connection.id, helloTimeoutMs);
    return said ? member.id : null;
  }

  /** The same on a connection for bulk, or where the link carries it too. */
  async welcomedBulk(connection: Connection): Promise<NodeId | null> {
    const id = this.#directory.ofPeer(connection.remotePeer)?.id ?? null;
    const isBulk = id !== null && (await this.#bulk.isFor(id, connection));
    return isBulk && this.isConnected(id) ? id : this.welcomed(connection);
  }

  async #dial(member: DirectoryEntry): Promise<void> {
    const { consortium, settings } = this.#ports;
    const signal = AbortSignal.timeout(settings.dialTimeoutMs);
    const suffix = `/p2p/${member.peerId.toString()}`;
    const addresses = member.addresses.map((address) => address.encapsulate(suffix));
    const trace = new DialTrace(addresses, settings.dialTimeoutMs);
    let connection: Connection;
    try {
      connection = await this.#host.dial(addresses, { signal, onProgress: trace.onProgress });
    } catch (error) {
      const problem = await trace.problem(error);
      if (this.#isUnreached(member)) this.#book.found(member, problem);
      throw error;
    }
    // On a connection the other side dialled meanwhile, the hello is its to say.
    if (connection.direction === 'inbound') return;
    let outcome: HelloOutcome;
    try {
      outcome = await this.#hellos.take(member, connection, async () =>
        sayHello(connection, consortium, settings.helloTimeoutMs),
      );
    } catch (error) {
      // The other decides, and may have taken its own connection instead.
      if (this.#links.get(member.id) !== null) return;
      const isSilent = error instanceof NetworkError && error.code === 'stalled';
      const problem = isSilent ? linkProblems.noHello : linkProblems.closedAfterKey;
      if (this.#isUnreached(member)) this.#book.found(member, problem);
      throw error;
    }
    if (outcome !== 'same') {
      throw new NetworkError({ code: 'protocol_broken', expected: 'the same consortium' });
    }
  }

  /** Whether a failed dial is all there is: no member that left meanwhile, no other connection. */
  #isUnreached(member: DirectoryEntry): boolean {
    const isMember = this.#directory.ofNode(member.id) === member;
    return isMember && !this.#of(member).some(({ status }) => status === 'open');
  }

  /** The other side, which dialled, says hello on `stream`. Rejects when the talk breaks off. */
  async answer(stream: Stream, connection: Connection): Promise<void> {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null) return;
    const { consortium, settings } = this.#ports;
    await this.#hellos.take(member, connection, async () =>
      answerHello(stream, consortium, settings.helloTimeoutMs),
    );
  }

  /** The other side, which dialled a second connection, says that it is for bulk. Rejects when the talk breaks off. */
  async answerBulk(stream: Stream, connection: Connection): Promise<void> {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member !== null) await this.#bulk.answer(stream, member.id, connection);
  }

  /** The other's hello is known: a peer, or one to hang up on. */
  #helloDone(member: DirectoryEntry, connection: Connection, outcome: HelloOutcome): void {
    if (connection.status !== 'open' || !this.#isRunning) return;
    // No member any more since the hello began.
    if (this.#directory.ofNode(member.id) !== member) return;
    if (outcome !== 'same') {
      const isVersion = outcome === 'other version';
      const problem = isVersion ? linkProblems.otherVersion : linkProblems.otherConsortium;
      this.#ports.logger.log('warn', problem.reason, { peer: member.id });
      this.#book.found(member, problem);
      // Who dialled hangs up, having read why; if it does not, the connection without a hello is closed in time.
      if (connection.direction === 'outbound') this.#hangUp(member);
      return;
    }
    this.#links.saidHello(member.id, connection.id);
    this.#keeper.reached(member);
    this.#book.found(member, null);
    this.#gossipHealth.look();
    void this.#bulk.keep(member, connection);
  }

  #onConnection(connection: Connection): void {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null) {
      connection.abort(new NetworkError({ code: 'stream_cut' }));
      return;
    }
    this.#book.opened(member, connection);
    for (const other of this.#of(member)) {
      // Who dials again gave up the dial before. So a member has four connections at most, two of them with a hello.
      const isOlder = other.id !== connection.id && other.direction === connection.direction;
      if (isOlder && !this.#saidHello(member, other)) {
        other.abort(new NetworkError({ code: 'stream_cut' }));
      }
    }
    setTimeout(() => {
      if (connection.status === 'open' && !this.#saidHello(member, connection)) {
        connection.abort(
          new NetworkError({ code: 'protocol_broken', expected: 'a hello in time' }),
        );
      }
    }, this.#ports.settings.helloTimeoutMs).unref();
  }

  #onDisconnection(connection: Connection): void {
    const member = this.#directory.ofPeer(connection.remotePeer);
    if (member === null) return;
    this.#bulk.ended(member.id, connection);
    if (this.#links.lost(member.id, connection.id)) {
      this.#bulk.drop(member.id);
      this.#ports.onLost(member.id);
    }
    this.#book.closed(member, connection);
    if (this.#isRunning) this.#keeper.lost(member);
  }

  /** Whether it is the link, or the connection for bulk. */
  #saidHello({ id }: DirectoryEntry, connection: Connection): boolean {
    return this.#links.isLink(id, connection.id) || this.#bulk.has(id, connection);
  }

  #of(member: DirectoryEntry): Connection[] {
    return this.#host.getConnections(member.peerId);
  }

  #others(): DirectoryEntry[] {
    return this.#directory.all().filter(({ id }) => id !== this.#ports.self);
  }

  #cutAll(member: DirectoryEntry): void {
    for (const connection of this.#of(member)) {
      connection.abort(new NetworkError({ code: 'stream_cut' }));
    }
  }

  #hangUp(member: DirectoryEntry): void {
    const signal = AbortSignal.timeout(1_000);
    this.#host.hangUp(member.peerId, { signal }).catch((error: unknown) => {
      for (const connection of this.#of(member)) {
        connection.abort(new NetworkError({ code: 'stream_cut' }, { cause: error }));
      }
    });
  }

  /** A stream on the connection that said hello, or for bulk on the one beside it. @throws {NetworkError} 'not_connected' */
  async openStream(to: NodeId, protocol: string): Promise<Stream> {
    const signal = AbortSignal.timeout(this.#ports.settings.dialTimeoutMs);
    const link = this.connection(to);
    if (protocol !== updateProtocol)
      return link.newStream(protocol, { signal, maxOutboundStreams: 4 });
    const connection = this.#bulk.of(to) ?? link;
    return connection.newStream(protocol, { signal, maxOutboundStreams: 64 });
  }
}
