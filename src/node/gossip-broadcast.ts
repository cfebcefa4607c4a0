/**
 * Broadcasts over gossipsub. A gossip message is `sequence (8 bytes, big endian) || payload`, signed by its
 * author (StrictSign). The validator lets through members only, each number once, and each author at its
 * rate; then the node's handler judges, before anything is passed on.
 */
import { TopicValidatorResult, type GossipSub, type Message } from '@libp2p/gossipsub';
import { concatBytes, messageOf, type Digest, type Logger, type NodeId } from '../base/index.ts';
import { limits, topics, type MessageHandler, type Topic, type Verdict } from '../wire/index.ts';
import type { MemberDirectory } from './member-directory.ts';
import { gossipTopic } from './protocol-ids.ts';
import { ReplayWindow } from './replay-window.ts';
import type { NetworkSettings } from './settings.ts';
import { TokenBucket } from './token-bucket.ts';

const sequenceBytes = 8;
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
}

interface Author {
  readonly bucket: TokenBucket;
  readonly window: ReplayWindow;
}

/** Sends and receives broadcasts of one node. */
export class GossipBroadcast {
  readonly #gossip: GossipSub;
  readonly #ports: BroadcastPorts;
  readonly #authors = new Map<NodeId, Author>();
  readonly #queue: { topic: Topic; bytes: Uint8Array }[] = [];
  readonly #ownBucket: TokenBucket;
  #sequence: bigint;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(gossip: GossipSub, ports: BroadcastPorts) {
    this.#gossip = gossip;
    this.#ports = ports;
    const { broadcastsPerSecond, broadcastBurst } = ports.settings;
    this.#ownBucket = new TokenBucket({
      perSecond: broadcastsPerSecond * ownPace,
      burst: Math.max(1, Math.floor(broadcastBurst * ownPace)),
      nowMs: performance.now(),
    });
    // Rises across restarts as long as the clock does; 2^20 broadcasts a millisecond are out of reach.
    this.#sequence = BigInt(Date.now()) << 20n;
  }

  start(): void {
    for (const topic of topics) {
      const name = gossipTopic(this.#ports.consortium, topic);
      this.#gossip.topicValidators.set(name, (_relay, message) => this.#validate(topic, message));
      this.#gossip.subscribe(name);
    }
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  /** Queues one broadcast; it leaves at once unless this node is above its rate. */
  send(topic: Topic, bytes: Uint8Array): void {
    if (this.#queue.length >= this.#ports.settings.broadcastQueueMax) {
      this.#ports.logger.log('warn', 'broadcast dropped: too many are waiting', { topic });
      return;
    }
    this.#queue.push({ topic, bytes });
    this.#pump();
  }

  #pump(): void {
    if (this.#stopped || this.#timer !== null) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (!this.#ownBucket.take(performance.now())) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.#pump();
        }, this.#ownBucket.waitMs(performance.now()));
        return;
      }
      this.#queue.shift();
      this.#publish(next.topic, next.bytes);
    }
  }

  #publish(topic: Topic, bytes: Uint8Array): void {
    this.#sequence += 1n;
    const head = new Uint8Array(sequenceBytes);
    new DataView(head.buffer).setBigUint64(0, this.#sequence);
    const name = gossipTopic(this.#ports.consortium, topic);
    this.#gossip.publish(name, concatBytes(head, bytes)).catch((error: unknown) => {
      this.#ports.logger.log('warn', 'broadcast failed', { topic, reason: messageOf(error) });
    });
  }

  #validate(topic: Topic, message: Message): TopicValidatorResult {
    if (message.type !== 'signed') return TopicValidatorResult.Reject;
    const author = this.#ports.directory.ofPeer(message.from)?.id;
    if (author === undefined) return TopicValidatorResult.Reject;
    if (author === this.#ports.self) return TopicValidatorResult.Ignore;
    const { data } = message;
    if (
      data.byteLength < sequenceBytes ||
      data.byteLength > sequenceBytes + limits.topicBytesMax[topic]
    ) {
      return TopicValidatorResult.Reject;
    }
    const sequence = new DataView(data.buffer, data.byteOffset).getBigUint64(0);
    const { bucket, window } = this.#author(author);
    if (!bucket.take(performance.now()) || !window.admit(sequence)) {
      return TopicValidatorResult.Ignore;
    }
    return verdicts[this.#ports.handler(author, topic, data.subarray(sequenceBytes))];
  }

  #author(id: NodeId): Author {
    let author = this.#authors.get(id);
    if (author === undefined) {
      const { broadcastsPerSecond: perSecond, broadcastBurst: burst } = this.#ports.settings;
      author = {
        bucket: new TokenBucket({ perSecond, burst, nowMs: performance.now() }),
        window: new ReplayWindow(replayWindowSize),
      };
      this.#authors.set(id, author);
    }
    return author;
  }
}
