/** What one step of the machine wants done, in order, and how much may be said to whom. */
import type { NodeId } from '../base/index.ts';
import { limits } from '../wire/index.ts';
import { encodeMessage, type ConsensusMessage } from './messages.ts';
import type { Effect } from './ports.ts';

/** Effects of the step under way, and answers given since the last retransmission. */
export class Outbox {
  /** While records are read back nothing is said: all of it was said, or will be said again. */
  isMuted = false;
  #effects: Effect[] = [];
  readonly #replies = new Map<NodeId, number>();
  readonly #repliesMax: number;

  /** `repliesMax`: answers to one peer between two retransmissions. */
  constructor(repliesMax: number) {
    this.#repliesMax = repliesMax;
  }

  /** A step begins. */
  begin(): void {
    this.#effects = [];
  }

  /** What the step wants done so far. */
  get effects(): Effect[] {
    return this.#effects;
  }

  /** Adds an effect behind those before it. */
  push(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** `from` sent what no honest member sends. */
  refuse(from: NodeId, reason: string): void {
    this.push({ kind: 'refused', from, reason });
  }

  /** Says something to everybody. */
  broadcast(message: ConsensusMessage): void {
    const bytes = this.#encode(message);
    if (bytes !== null) this.push({ kind: 'broadcast', bytes });
  }

  /** Says something to one peer. */
  send(to: NodeId, message: ConsensusMessage): void {
    const bytes = this.#encode(message);
    if (bytes !== null) this.push({ kind: 'send', to, bytes });
  }

  /** An answer, as long as the peer has not had too many since the last retransmission. */
  reply(to: NodeId, message: ConsensusMessage): void {
    if (this.mayReply(to)) this.send(to, message);
  }

  /** Whether the peer may have one more answer, which is then counted. */
  mayReply(to: NodeId): boolean {
    const count = this.#replies.get(to) ?? 0;
    if (count >= this.#repliesMax) return false;
    this.#replies.set(to, count + 1);
    return true;
  }

  /** A retransmission begins: everybody may ask again. */
  forgetReplies(): void {
    this.#replies.clear();
  }

  /** `null` for what is not said: while muted, or because nobody would take it. */
  #encode(message: ConsensusMessage): Uint8Array | null {
    if (this.isMuted) return null;
    const bytes = encodeMessage(message);
    const sizeBytes = bytes.byteLength;
    if (sizeBytes <= limits.consensusBytesMax[message.t]) return bytes;
    this.push({ kind: 'oversized', what: message.t, sizeBytes });
    return null;
  }
}
