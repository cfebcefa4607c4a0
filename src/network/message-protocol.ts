/**
 * Direct messages: one long-lived stream per direction and pair, so they keep their order. A frame is
 * `varint length || topic (1 byte) || payload`. A flood is held back by reading no faster than its
 * sender's account allows, which stops the stream; nothing of an honest sender is lost to the limit.
 */
import { pipe } from 'it-pipe';
import { decode, encode } from 'it-length-prefixed';
import type { Stream } from '@libp2p/interface';
import { concatBytes, messageOf, type Logger, type NodeId } from '../base/index.ts';
import { type MessageHandler, type Topic, limits } from '../wire/index.ts';
import { BoundedReader } from './bounded-reader.ts';
import { writeDrained } from './drained-writer.ts';
import { NetworkError } from './errors.ts';
import { topicByte, topicOfByte } from './protocol-ids.ts';
import type { NetworkSettings } from './settings.ts';

/** Direct messages wait for their reader in at most so many bytes. */
const highWaterBytes = 256 * 1024;

/** What the decoder of frames says to one that is too long, or cut short in the middle. */
const frameErrors: ReadonlySet<string> = new Set([
  'InvalidMessageLengthError',
  'InvalidDataLengthError',
  'InvalidDataLengthLengthError',
  'UnexpectedEOFError',
]);

/** What the messenger needs of its node. */
export interface MessagePorts {
  readonly settings: NetworkSettings;
  readonly logger: Logger;
  readonly handler: MessageHandler;
  /** Waits until a message of `bytes` has its turn; false when it is not to be read. */
  readonly admit: (from: NodeId, bytes: number) => Promise<boolean>;
  /** Opens a message stream to a connected member. */
  readonly open: (to: NodeId) => Promise<Stream>;
}

/** Sends and receives the direct messages of one node. */
export class Messenger {
  readonly #ports: MessagePorts;
  readonly #outboxes = new Map<NodeId, Outbox>();

  constructor(ports: MessagePorts) {
    this.#ports = ports;
  }

  /** Queues one message; the caller checked that `to` is connected. */
  send(to: NodeId, topic: Topic, bytes: Uint8Array): void {
    let outbox = this.#outboxes.get(to);
    if (outbox === undefined) {
      outbox = new Outbox(to, this.#ports);
      this.#outboxes.set(to, outbox);
    }
    outbox.push(concatBytes(Uint8Array.of(topicByte(topic)), bytes));
  }

  /** Forgets what waits for a member that left. */
  drop(member: NodeId): void {
    this.#outboxes.get(member)?.close();
    this.#outboxes.delete(member);
  }

  stop(): void {
    for (const outbox of this.#outboxes.values()) outbox.close();
    this.#outboxes.clear();
  }

  /** Reads one inbound stream to its end. A frame that is no message ends it. */
  async receive(from: NodeId, stream: Stream): Promise<void> {
    try {
      await pipe(
        new BoundedReader(stream, { highWaterBytes, idleMs: 0 }),
        (source) => decode(source, { maxDataLength: limits.messageBytesMax + 1 }),
        async (frames) => {
          for await (const frame of frames) {
            const bytes = frame.slice();
            const topic = topicOfByte(bytes[0]);
            if (topic === null) {
              throw new NetworkError({ code: 'protocol_broken', expected: 'a topic from 1 to 4' });
            }
            if (!(await this.#ports.admit(from, bytes.byteLength))) return;
            this.#ports.handler(from, topic, bytes.subarray(1));
          }
        },
      );
    } catch (error) {
      if (!(error instanceof Error) || !frameErrors.has(error.name)) throw error;
      const facts = { code: 'protocol_broken', expected: 'frames of the right length' } as const;
      throw new NetworkError(facts, { cause: error });
    }
  }
}

/** What waits for one member, and the stream it goes over. */
class Outbox {
  readonly #to: NodeId;
  readonly #ports: MessagePorts;
  readonly #queue: Uint8Array[] = [];
  #stream: Stream | null = null;
  #pumping = false;
  #closed = false;
  /** Messages dropped since the queue was last empty. */
  #dropped = 0;

  constructor(to: NodeId, ports: MessagePorts) {
    this.#to = to;
    this.#ports = ports;
  }

  push(frame: Uint8Array): void {
    if (this.#queue.length >= this.#ports.settings.messageQueueMax) {
      this.#dropped += 1;
      // Once for each time that the queue fills, however many are lost.
      if (this.#dropped === 1) {
        this.#ports.logger.log('warn', 'messages are dropped: too many wait', { to: this.#to });
      }
      return;
    }
    this.#queue.push(frame);
    if (!this.#pumping) void this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#stream?.abort(new NetworkError({ code: 'stream_cut' }));
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      for (let frame = this.#queue[0]; frame !== undefined; frame = this.#queue[0]) {
        if (this.#stream?.writeStatus !== 'writable')
          this.#stream = await this.#ports.open(this.#to);
        await writeDrained(this.#stream, encode.single(frame), this.#ports.settings.transferIdleMs);
        this.#queue.shift();
      }
    } catch (error) {
      // Best effort: what waited is lost with the stream, and the next message opens a new one.
      this.#queue.length = 0;
      this.#stream?.abort(new NetworkError({ code: 'stream_cut' }));
      this.#stream = null;
      const facts = { to: this.#to, reason: messageOf(error) };
      if (!this.#closed) this.#ports.logger.log('debug', 'direct messages lost', facts);
    } finally {
      this.#pumping = false;
      this.#dropped = 0;
    }
  }
}
