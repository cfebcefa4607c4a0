/**
 * Nodes in one process, joined by wires that delay, lose, repeat, narrow, cut and die as told: the `Transport` of
 * simulations and tests. Everything follows from the clock and the seed. In one file because the wires and their ends are two
 * halves of one thing, each useless without the other.
 */
import {
  equalBytes,
  invariant,
  type Clock,
  type Digest,
  type NodeId,
  type Random,
} from '../base/index.ts';
import {
  limits,
  TransportError,
  type BlobProvider,
  type FetchOptions,
  type MessageHandler,
  type Topic,
  type Transport,
  type TransportErrorFacts,
  type TransportMember,
  type TransportStats,
} from '../wire/index.ts';
import { Process } from './process.ts';

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
  /** What one node sends in a second, all its receivers together, bytes; Infinity: no limit. */
  readonly bytesPerSecond: number;
}

/** 5 to 50 ms and nothing else goes wrong. */
export const calmNetwork: NetworkFaults = Object.freeze({
  latencyMsMin: 5,
  latencyMsMax: 50,
  dropRate: 0,
  duplicateRate: 0,
  breakRate: 0,
  bytesPerSecond: Infinity,
});

/** What has passed over all wires. */
export interface NetworkCounts {
  /** Messages given to the network, one for each receiver. */
  readonly sent: number;
  /** Messages that came to a running program. */
  readonly delivered: number;
}

/** The wires and the hand that cuts them. */
export interface VirtualNetwork {
  readonly counts: NetworkCounts;
  /**
   * A node's end of the network, for one run of its program; its former end is dead from now on. It is taken for who it says it
   * is unless it shows a key: then those who were told another (`setMembers`) do not speak to it.
   */
  join(id: NodeId, process?: Process, transportKey?: Uint8Array): Transport;
  /** Takes a node off: nothing more comes or goes, running fetches break. Its `Transport` stays usable. */
  kill(id: NodeId): void;
  /** Undoes `kill`. What was sent meanwhile stays lost. */
  revive(id: NodeId): void;
  /** Only nodes of one group reach each other; nodes in no group are alone. `null` heals. */
  partition(groups: readonly (readonly NodeId[])[] | null): void;
  /**
   * Loses what `from` send to `to`, one way only, until the returned function is called. Nobody notices: connections
   * stay, and fetches stall.
   */
  cut(from: readonly NodeId[], to: readonly NodeId[]): () => void;
  /** Changes the faults from now on. */
  setFaults(faults: Partial<NetworkFaults>): void;
}

const pieceBytes = 64 * 1024;
/** A stalled stream is given up after so long, ms. */
const stallMsMax = 30_000;
/** A stalled stream is looked at so often, ms. */
const stallStepMs = 1_000;

/** A network of nodes in this process. */
export function virtualNetwork(options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: Partial<NetworkFaults>;
}): VirtualNetwork {
  return new Wires(options.clock, options.random, { ...calmNetwork, ...options.faults });
}

class Wires implements VirtualNetwork {
  readonly clock: Clock;
  readonly counts: { sent: number; delivered: number } = { sent: 0, delivered: 0 };
  readonly #random: Random;
  #faults: NetworkFaults;
  readonly #ends = new Map<NodeId, End>();
  #groupOf: ReadonlyMap<NodeId, number> | null = null;
  #cuts: readonly { readonly from: ReadonlySet<NodeId>; readonly to: ReadonlySet<NodeId> }[] = [];
  /** Grows with all that may change who reaches whom. */
  change = 0;

  constructor(clock: Clock, random: Random, faults: NetworkFaults) {
    this.clock = clock;
    this.#random = random;
    this.#faults = faults;
  }

  join(id: NodeId, process: Process = new Process(), transportKey?: Uint8Array): Transport {
    this.#ends.get(id)?.setOnline(false);
    const end = new End(this, id, process, transportKey ?? null);
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

  cut(from: readonly NodeId[], to: readonly NodeId[]): () => void {
    const one = { from: new Set(from), to: new Set(to) };
    this.#cuts = [...this.#cuts, one];
    return () => {
      this.#cuts = this.#cuts.filter((other) => other !== one);
    };
  }

  setFaults(faults: Partial<NetworkFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
  }

  announcePeers(): void {
    this.change += 1;
    for (const end of this.#ends.values()) end.announcePeers();
  }

  /** The end of `to`, if `from` is connected to it now. */
  reach(from: End, to: NodeId): End | null {
    const end = this.#ends.get(to);
    if (end === undefined || end === from || !end.isLive || !from.isLive) return null;
    if (this.#ends.get(from.self) !== from || !from.admits(end) || !end.admits(from)) return null;
    const groups = this.#groupOf;
    if (groups !== null && (groups.get(from.self) ?? -1) !== (groups.get(to) ?? -2)) return null;
    return end;
  }

  /** Whether what `from` sends to `to` is lost. */
  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cuts.some((one) => one.from.has(from) && one.to.has(to));
  }

  /** Whom `from` is connected to, ascending. */
  reachable(from: End): NodeId[] {
    return [...this.#ends.keys()].filter((id) => this.reach(from, id) !== null).sort();
  }

  /** Sends one message; all chance is drawn here, in the order of sending. */
  deliver(from: End, to: NodeId, topic: Topic, bytes: Uint8Array): void {
    this.counts.sent += 1;
    const copies = 1 + Number(this.#random.uniform() < this.#faults.duplicateRate);
    const dropped = this.#random.uniform() < this.#faults.dropRate;
    const target = this.reach(from, to);
    const leavesInMs = this.leaveMs(from, bytes.byteLength);
    if (target === null || dropped || this.isCut(from.self, to)) return;
    const { life } = target;
    for (let copy = 0; copy < copies; copy++) {
      // At whole milliseconds: what comes to many nodes at one time is one step of the clock.
      const nowMs = this.clock.nowMs();
      const inMs = Math.ceil(nowMs + leavesInMs + this.latencyMs()) - nowMs;
      this.clock.setTimer(inMs, () => {
        // A connection that ended meanwhile has taken its messages with it.
        if (target.life !== life || !target.isLive || !target.admits(from)) return;
        target.receive(from.self, topic, bytes);
      });
    }
  }

  /** When so many bytes of a node have left, after all that it sent before: ms from now. */
  leaveMs(from: End, bytes: number): number {
    const { bytesPerSecond } = this.#faults;
    if (bytesPerSecond === Infinity) return 0;
    const nowMs = this.clock.nowMs();
    from.freeAtMs = Math.max(from.freeAtMs, nowMs) + (bytes * 1000) / bytesPerSecond;
    return from.freeAtMs - nowMs;
  }

  latencyMs(): number {
    const { latencyMsMin, latencyMsMax } = this.#faults;
    return latencyMsMin + (latencyMsMax - latencyMsMin) * this.#random.uniform();
  }

  breaks(): boolean {
    return this.#random.uniform() < this.#faults.breakRate;
  }

  #endOf(id: NodeId): End {
    const end = this.#ends.get(id);
    invariant(end !== undefined, `${id} has joined the network`);
    return end;
  }
}

/** One node's end of the wires. */
class End implements Transport {
  readonly self: NodeId;
  readonly #wires: Wires;
  readonly #process: Process;
  /** The key it shows; null when nobody asks for one. */
  readonly #key: Uint8Array | null;
  /** Members by name; null when it was never told. */
  #members: ReadonlyMap<NodeId, TransportMember> | null = null;
  #handler: MessageHandler | null = null;
  #listener: ((connected: readonly NodeId[]) => void) | null = null;
  #provider: BlobProvider | null = null;
  #started = false;
  #online = true;
  #announced = '';
  #reachable: { readonly change: number; readonly peers: readonly NodeId[] } | null = null;
  #sentBytes = 0;
  #receivedBytes = 0;
  /** When its line has sent all it was given, ms. */
  freeAtMs = 0;
  /** Grows whenever connections end, so that what was under way is recognised as lost. */
  life = 0;

  constructor(wires: Wires, self: NodeId, process: Process, key: Uint8Array | null) {
    this.#wires = wires;
    this.self = self;
    this.#process = process;
    this.#key = key;
  }

  get isLive(): boolean {
    return this.#started && this.#online && this.#process.isAlive;
  }

  setOnline(online: boolean): void {
    if (!online) this.life++;
    this.#online = online;
  }

  peers(): readonly NodeId[] {
    if (!this.isLive) return [];
    const { change } = this.#wires;
    if (this.#reachable?.change !== change) {
      this.#reachable = { change, peers: this.#wires.reachable(this) };
    }
    return this.#reachable.peers;
  }

  broadcast(topic: Topic, bytes: Uint8Array): void {
    if (!this.#maySend(topic, bytes)) return;
    const copy = bytes.slice();
    for (const to of this.peers()) this.#give(to, topic, copy);
  }

  send(to: NodeId, topic: Topic, bytes: Uint8Array): void {
    if (this.#maySend(topic, bytes)) this.#give(to, topic, bytes.slice());
  }

  receive(from: NodeId, topic: Topic, bytes: Uint8Array): void {
    // What does not arrive is lost like any other.
    this.#process.deliver(() => {
      this.#wires.counts.delivered += 1;
      this.#receivedBytes += bytes.byteLength;
      this.#handler?.(from, topic, bytes);
    });
  }

  async *fetch(from: NodeId, digest: Digest, options: FetchOptions): AsyncIterable<Uint8Array> {
    const { offset, length, maxBytes, signal } = options;
    const provider = this.#connect(from);
    const [life, otherLife] = [this.life, provider.life];
    const wait = async (bytes = 0): Promise<void> => {
      await this.#pause(signal, this.#wires.latencyMs() + this.#wires.leaveMs(provider, bytes));
      for (let stalledMs = 0; this.#isStalled(from) && stalledMs < stallMsMax;) {
        if (signal?.aborted === true) break;
        await this.#pause(signal, stallStepMs);
        stalledMs += stallStepMs;
      }
      const isCut = this.#wires.reach(this, from) !== provider || this.#isStalled(from);
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
      await wait(piece?.byteLength);
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

  setMembers(members: readonly TransportMember[]): void {
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.#wires.announcePeers();
  }

  /** Whether `other` is a member here, under the key that it shows, and so is this node. */
  admits(other: End): boolean {
    return this.#isListed(other) && this.#isListed(this);
  }

  #isListed(end: End): boolean {
    if (this.#members === null) return true;
    const key = end.#key;
    const member = this.#members.get(end.self);
    return member !== undefined && (key === null || equalBytes(key, member.transportKey));
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
    if (this.#listener === null) return;
    const peers = this.peers();
    const text = peers.join(' ');
    if (text === this.#announced) return;
    this.#announced = text;
    this.#process.wake(() => this.#listener?.(peers));
  }

  #maySend(topic: Topic, bytes: Uint8Array): boolean {
    return this.isLive && bytes.byteLength <= limits.topicBytesMax[topic];
  }

  /** `bytes` are nobody else's: receivers share them and change nothing. */
  #give(to: NodeId, topic: Topic, bytes: Uint8Array): void {
    this.#sentBytes += bytes.byteLength;
    this.#wires.deliver(this, to, topic, bytes);
  }

  #connect(to: NodeId): End {
    const end = this.#wires.reach(this, to);
    if (end === null) throw failure({ code: 'unreachable', peer: to });
    return end;
  }

  /** Whether a stream between this node and `other` makes no way. */
  #isStalled(other: NodeId): boolean {
    return this.#wires.isCut(this.self, other) || this.#wires.isCut(other, this.self);
  }

  /** So long, or until `signal` says stop; the program goes on when it runs. */
  #pause(signal: AbortSignal | undefined, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        cancel();
        this.#process.wake(resolve);
      };
      const cancel = this.#wires.clock.setTimer(delayMs, done);
      signal?.addEventListener('abort', done);
    });
  }
}

function failure(facts: TransportErrorFacts): TransportError {
  return new TransportError(facts, `${facts.code.replace('_', ' ')}: ${facts.peer}`);
}
