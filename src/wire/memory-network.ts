/**
 * Nodes in one process, joined by wires that delay, lose, repeat, cut and die as told: the `Transport` of
 * simulations and tests. Everything follows from the clock and the seed.
 */
import { invariant, type Clock, type Digest, type NodeId, type Random } from '../base/index.ts';
import { TransportError, type TransportErrorFacts } from './errors.ts';
import { topicBytesMax } from './limits.ts';
import type {
  BlobProvider,
  FetchOptions,
  MessageHandler,
  Topic,
  Transport,
  TransportStats,
} from './transport.ts';

/** How bad the network is. Each message to each receiver draws for itself. */
export interface NetworkFaults {
  /** Shortest delay of a message. */
  readonly latencyMsMin: number;
  /** Longest delay; different delays reorder. */
  readonly latencyMsMax: number;
  /** Chance that a message is lost, 0 to 1. Fetches run over a reliable stream and lose nothing. */
  readonly dropRate: number;
  /** Chance that a message comes twice. */
  readonly duplicateRate: number;
  /** Chance that a fetch breaks off before a piece. */
  readonly breakRate: number;
}

/** 5 to 50 ms and nothing else goes wrong. */
export const calmNetwork: NetworkFaults = Object.freeze({
  latencyMsMin: 5,
  latencyMsMax: 50,
  dropRate: 0,
  duplicateRate: 0,
  breakRate: 0,
});

/** The wires and the hand that cuts them. */
export interface MemoryNetwork {
  /** A node's end of the network; a former end of the same node is dead from now on. */
  join(id: NodeId): Transport;
  /** Takes a node off: nothing more comes or goes, running fetches break. Its `Transport` stays usable. */
  kill(id: NodeId): void;
  /** Undoes `kill`. What was sent meanwhile stays lost. */
  revive(id: NodeId): void;
  /** Only nodes of one group reach each other; nodes in no group are alone. `null` heals. */
  partition(groups: readonly (readonly NodeId[])[] | null): void;
  /** Changes the faults from now on. */
  setFaults(faults: Partial<NetworkFaults>): void;
}

const pieceBytes = 64 * 1024;

/** A network of nodes in this process. */
export function memoryNetwork(options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: Partial<NetworkFaults>;
}): MemoryNetwork {
  return new Wires(options.clock, options.random, { ...calmNetwork, ...options.faults });
}

class Wires implements MemoryNetwork {
  readonly clock: Clock;
  readonly #random: Random;
  #faults: NetworkFaults;
  readonly #ends = new Map<NodeId, MemoryTransport>();
  #groupOf: ReadonlyMap<NodeId, number> | null = null;

  constructor(clock: Clock, random: Random, faults: NetworkFaults) {
    this.clock = clock;
    this.#random = random;
    this.#faults = faults;
  }

  join(id: NodeId): Transport {
    this.#ends.get(id)?.setOnline(false);
    const end = new MemoryTransport(this, id);
    this.#ends.set(id, end);
    this.announcePeers();
    return end;
  }

  kill(id: NodeId): void {
    this.#endOf(id).setOnline(false);
    this.announcePeers();
  }

  revive(id: NodeId): void {
    this.#endOf(id).setOnline(true);
    this.announcePeers();
  }

  partition(groups: readonly (readonly NodeId[])[] | null): void {
    this.#groupOf =
      groups === null
        ? null
        : new Map(groups.flatMap((ids, index) => ids.map((id) => [id, index] as const)));
    this.announcePeers();
  }

  setFaults(faults: Partial<NetworkFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
  }

  announcePeers(): void {
    for (const end of this.#ends.values()) end.announcePeers();
  }

  /** The end of `to`, if `from` reaches it now. */
  reach(from: MemoryTransport, to: NodeId): MemoryTransport | null {
    const end = this.#ends.get(to);
    if (end === undefined || end === from || !end.isLive || !from.isLive) return null;
    if (this.#ends.get(from.self) !== from) return null;
    const groups = this.#groupOf;
    if (groups !== null && (groups.get(from.self) ?? -1) !== (groups.get(to) ?? -2)) return null;
    return end;
  }

  /** Whom `from` reaches, ascending. */
  reachable(from: MemoryTransport): NodeId[] {
    return [...this.#ends.keys()].filter((id) => this.reach(from, id) !== null).sort();
  }

  /** Sends one message; all chance is drawn here, in the order of sending. */
  deliver(from: MemoryTransport, to: NodeId, topic: Topic, bytes: Uint8Array): void {
    const copies = 1 + Number(this.#random.uniform() < this.#faults.duplicateRate);
    const dropped = this.#random.uniform() < this.#faults.dropRate;
    const target = this.reach(from, to);
    if (target === null || dropped) return;
    const life = target.life;
    for (let copy = 0; copy < copies; copy++) {
      this.clock.setTimer(this.latencyMs(), () => {
        // A connection that ended meanwhile has taken its messages with it.
        if (target.life === life && target.isLive) target.receive(from.self, topic, bytes.slice());
      });
    }
  }

  latencyMs(): number {
    const { latencyMsMin, latencyMsMax } = this.#faults;
    return latencyMsMin + (latencyMsMax - latencyMsMin) * this.#random.uniform();
  }

  breaks(): boolean {
    return this.#random.uniform() < this.#faults.breakRate;
  }

  #endOf(id: NodeId): MemoryTransport {
    const end = this.#ends.get(id);
    invariant(end !== undefined, `${id} has joined the network`);
    return end;
  }
}

class MemoryTransport implements Transport {
  readonly self: NodeId;
  readonly #wires: Wires;
  #handler: MessageHandler | null = null;
  #listener: ((connected: readonly NodeId[]) => void) | null = null;
  #provider: BlobProvider | null = null;
  #started = false;
  #online = true;
  #lastPeers = '';
  #sentBytes = 0;
  #receivedBytes = 0;
  /** Grows whenever connections end, so that what was under way is recognised as lost. */
  life = 0;

  constructor(wires: Wires, self: NodeId) {
    this.#wires = wires;
    this.self = self;
  }

  get isLive(): boolean {
    return this.#started && this.#online;
  }

  setOnline(online: boolean): void {
    if (!online) this.life++;
    this.#online = online;
  }

  peers(): readonly NodeId[] {
    return this.isLive ? this.#wires.reachable(this) : [];
  }

  broadcast(topic: Topic, bytes: Uint8Array): void {
    for (const to of this.peers()) this.send(to, topic, bytes);
  }

  send(to: NodeId, topic: Topic, bytes: Uint8Array): void {
    if (!this.isLive || bytes.byteLength > topicBytesMax[topic]) return;
    this.#sentBytes += bytes.byteLength;
    this.#wires.deliver(this, to, topic, bytes.slice());
  }

  receive(from: NodeId, topic: Topic, bytes: Uint8Array): void {
    this.#receivedBytes += bytes.byteLength;
    this.#handler?.(from, topic, bytes);
  }

  async *fetch(from: NodeId, digest: Digest, options: FetchOptions): AsyncIterable<Uint8Array> {
    const { offset, length, maxBytes, signal } = options;
    const provider = this.#connect(from);
    const [life, otherLife] = [this.life, provider.life];
    const wait = async (): Promise<void> => {
      await this.#pause(signal);
      const isCut = this.#wires.reach(this, from) !== provider;
      const isOver = this.life !== life || provider.life !== otherLife || signal?.aborted === true;
      if (isCut || isOver) throw failure({ code: 'interrupted', peer: from });
    };
    await wait();
    const blob = (await provider.#provider?.(digest)) ?? null;
    await wait();
    if (blob === null || offset > blob.totalBytes) {
      throw failure({ code: 'not_found', peer: from });
    }
    const end = Math.min(blob.totalBytes, offset + (length ?? blob.totalBytes));
    if (end - offset > maxBytes) throw failure({ code: 'too_large', peer: from, maxBytes });
    for (let at = offset; at < end; at += pieceBytes) {
      const piece = await blob.read(at, Math.min(pieceBytes, end - at));
      await wait();
      if (piece === null || this.#wires.breaks()) {
        throw failure({ code: 'interrupted', peer: from });
      }
      provider.#sentBytes += piece.byteLength;
      this.#receivedBytes += piece.byteLength;
      yield piece;
    }
  }

  /** Costs nothing here: what members may cost one another is the real network's to limit. */
  charge(): void {
    return;
  }

  onMessage(handler: MessageHandler): void {
    this.#handler = handler;
  }

  serveBlobs(provider: BlobProvider): void {
    this.#provider = provider;
  }

  onPeers(listener: (connected: readonly NodeId[]) => void): void {
    this.#listener = listener;
  }

  stats(): TransportStats {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  start(): Promise<void> {
    this.#started = true;
    this.#wires.announcePeers();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#started = false;
    this.life++;
    this.#wires.announcePeers();
    return Promise.resolve();
  }

  announcePeers(): void {
    const peers = this.peers();
    const text = peers.join(' ');
    if (text === this.#lastPeers) return;
    this.#lastPeers = text;
    this.#listener?.(peers);
  }

  #connect(to: NodeId): MemoryTransport {
    const end = this.#wires.reach(this, to);
    if (end === null) throw failure({ code: 'unreachable', peer: to });
    return end;
  }

  /** One way over the wire, or until `signal` says stop. */
  #pause(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        cancel();
        resolve();
      };
      const cancel = this.#wires.clock.setTimer(this.#wires.latencyMs(), done);
      signal?.addEventListener('abort', done);
    });
  }
}

function failure(facts: TransportErrorFacts): TransportError {
  return new TransportError(facts, `${facts.code.replace('_', ' ')}: ${facts.peer}`);
}
