/**
 * Broadcasts over gossipsub. A gossip message is `sequence (8 bytes, big endian) || reach (1 byte) || payload`, signed by its
 * author (StrictSign). The validator lets through members only, each number once, and each author at its
 * rate; then the node's handler judges, before anything is passed on. What its author has sent to every member itself is
 * passed on by nobody.
 */
import { TopicValidatorResult, type GossipSub, type Message } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import { concatBytes, messageOf, type Digest, type Logger, type NodeId } from '../base/index.ts';
import { topics, type MessageHandler, type Topic, type Verdict, limits } from '../wire/index.ts';
import { BroadcastQueue } from './broadcast-queue.ts';
import { takeTurns } from './gossip-turns.ts';
import { HeardMembers } from './heard-members.ts';
import type { MemberDirectory } from './member-directory.ts';
import { gossipTopic } from './protocol-ids.ts';
import { ReplayWindow } from './replay-window.ts';
import type { NetworkSettings } from './settings.ts';
import { TokenBucket } from './token-bucket.ts';

const sequenceBytes = 8;
const headBytes: number = sequenceBytes + 1;
/** Whom the author has sent it to: some members, so that the others need it passed on, or all. */
const reaches = { some: 0, all: 1 } as const;
const replayWindowSize = 4_096;
/** Own pace below the others' limit: their clocks and ours do not tick alike. */
const ownPace = 0.9;

const verdicts: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/** What the broadcaster needs of its node. */
export interface BroadcastPorts {
  readonly self: NodeId;
  readonly consortium: Digest;
  readonly directory: MemberDirectory;
  readonly settings: NetworkSettings;
  readonly logger: Logger;
  readonly handler: MessageHandler;
  /** Whether a member is connected and hears this node's gossip. */
  readonly isPeer: (member: NodeId) => boolean;
  /** Whether a member is listened to now. */
  readonly isWanted: (member: NodeId) => boolean;
  /** Whether a broadcast of `bytes` by `author` is to be read. */
  readonly admit: (author: NodeId, bytes: number) => boolean;
  /** A member passed on what no honest relay passes on often, and why it is of no use. */
  readonly useless: (relay: NodeId, reason: string) => void;
}

/** Sends and receives broadcasts of one node. */
export class GossipBroadcast {
  readonly #gossip: GossipSub;
  readonly #ports: BroadcastPorts;
  readonly #windows = new Map<NodeId, ReplayWindow>();
  readonly #heard = new HeardMembers(performance.now());
  readonly #queue: BroadcastQueue;
  readonly #ownBucket: TokenBucket;
  #sequence: bigint;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  /** Own broadcasts dropped since the queue was last empty. */
  #dropped = 0;

  constructor(gossip: GossipSub, ports: BroadcastPorts) {
    this.#gossip = gossip;
    this.#ports = ports;
    const { broadcastsPerSecond, broadcastBurst, broadcastQueueMax } = ports.settings;
    this.#queue = new BroadcastQueue(broadcastQueueMax);
    this.#ownBucket = new TokenBucket({
      perSecond: broadcastsPerSecond * ownPace,
      burst: Math.max(1, Math.floor(broadcastBurst * ownPace)),
      nowMs: performance.now(),
    });
    // Rises across restarts as long as the clock does; 2^20 broadcasts a millisecond are out of reach.
    this.#sequence = BigInt(Date.now()) << 20n;
  }

  start(): void {
    takeTurns(this.#gossip, (neighbour) => {
      const member = this.#ports.directory.ofPeer(neighbour)?.id;
      return member !== undefined && this.#ports.isWanted(member);
    });
    for (const topic of topics) {
      const name = gossipTopic(this.#ports.consortium, topic);
      this.#gossip.topicValidators.set(name, (relay, message) =>
        this.#validate(topic, message, relay),
      );
      this.#gossip.subscribe(name);
    }
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queue.clear();
  }

  /** Queues one broadcast; it leaves at once unless this node is above its rate. */
  send(topic: Topic, bytes: Uint8Array): void {
    if (!this.#queue.push(topic, bytes)) {
      this.#dropped += 1;
      if (this.#dropped === 1) {
        this.#ports.logger.log('warn', 'broadcasts are dropped: too many wait', { topic });
      }
      return;
    }
    this.#pump();
  }

  /** Whether nobody needs to pass on what this node says: every other member is connected, or silent for so long that it is off. */
  reachesAll(): boolean {
    const { self, directory, isPeer } = this.#ports;
    const nowMs = performance.now();
    return directory
      .all()
      .every(({ id }) => id === self || isPeer(id) || this.#heard.isSilent(id, nowMs));
  }

  #pump(): void {
    if (this.#stopped || this.#timer !== null) return;
    while (this.#queue.length > 0) {
      if (!this.#ownBucket.take(performance.now())) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.#pump();
        }, this.#ownBucket.waitMs(performance.now()));
        return;
      }
      const next = this.#queue.shift();
      if (next !== null) this.#publish(next.topic, next.bytes);
    }
    this.#dropped = 0;
  }

  #publish(topic: Topic, bytes: Uint8Array): void {
    this.#sequence += 1n;
    const head = new Uint8Array(headBytes);
    new DataView(head.buffer).setBigUint64(0, this.#sequence);
    head[sequenceBytes] = this.reachesAll() ? reaches.all : reaches.some;
    const name = gossipTopic(this.#ports.consortium, topic);
    this.#gossip.publish(name, concatBytes(head, bytes)).catch((error: unknown) => {
      this.#ports.logger.log('warn', 'broadcast failed', { topic, reason: messageOf(error) });
    });
  }

  #validate(topic: Topic, message: Message, relay: PeerId): TopicValidatorResult {
    if (message.type !== 'signed') return TopicValidatorResult.Reject;
    const author = this.#ports.directory.ofPeer(message.from)?.id;
    if (author === undefined) {
      // No reject: the relay may have heard of a change of the members before us, or not yet.
      this.#blameRelay(relay, 'broadcasts of authors that are no members');
      return TopicValidatorResult.Ignore;
    }
    if (author === this.#ports.self) return TopicValidatorResult.Ignore;
    this.#heard.heard(author, performance.now());
    const { data } = message;
    const reach = data[sequenceBytes];
    const isFormed = reach === reaches.some || reach === reaches.all;
    if (!isFormed || data.byteLength > headBytes + limits.topicBytesMax[topic]) {
      return TopicValidatorResult.Reject;
    }
    const sequence = new DataView(data.buffer, data.byteOffset).getBigUint64(0);
    // First: who sends again what another signed must not use up that author's share.
    if (!this.#window(author).admit(sequence)) {
      this.#blameRelay(relay, 'broadcasts that came before');
      return TopicValidatorResult.Ignore;
    }
    if (!this.#ports.admit(author, data.byteLength)) return TopicValidatorResult.Ignore;
    const verdict = this.#ports.handler(author, topic, data.subarray(headBytes));
    return verdicts[verdict === 'accept' && reach === reaches.all ? 'ignore' : verdict];
  }

  #blameRelay(relay: PeerId, reason: string): void {
    const member = this.#ports.directory.ofPeer(relay)?.id;
    if (member !== undefined) this.#ports.useless(member, reason);
  }

  #window(author: NodeId): ReplayWindow {
    let window = this.#windows.get(author);
    if (window === undefined) {
      window = new ReplayWindow(replayWindowSize);
      this.#windows.set(author, window);
    }
    return window;
  }
}
