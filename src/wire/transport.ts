/** The port to other nodes. The virtual network and libp2p both pass `transportSuite`. */
import type { Digest, NodeId } from '../base/index.ts';

/** Message kinds, each a topic of its own. */
export type Topic = 'consensus' | 'updates' | 'log' | 'status';

/** All topics. */
export const topics: readonly Topic[] = ['consensus', 'updates', 'log', 'status'];

/** What a handler thinks of a message: `ignore` is not worth passing on, `reject` is the sender's fault. */
export type Verdict = 'accept' | 'ignore' | 'reject';

/** `from` is the author of a broadcast (signature checked), or the neighbour that sent directly. */
export type MessageHandler = (from: NodeId, topic: Topic, bytes: Uint8Array) => Verdict;

/** A blob that a node holds. Its bytes are read in parts: it may be larger than a node's memory. */
export interface HeldBlob {
  readonly totalBytes: number;
  /** Bytes `[offset, offset + length)`, which lie inside; `null` when it was removed meanwhile. */
  read(offset: number, length: number): Promise<Uint8Array | null>;
}

/** Gives a blob this node holds, or `null`. */
export type BlobProvider = (digest: Digest) => Promise<HeldBlob | null>;

/** What a message of a member cost beyond its bytes. */
export interface MessageCost {
  /** Signatures that were verified; known ones cost nothing. */
  readonly signatures: number;
  /** Why it was refused, where that is its sender's fault: something no honest member sends. */
  readonly refusal?: string;
}

/** Which part of a blob is fetched, and until when. */
export interface FetchOptions {
  /** First byte wanted; a resumed fetch starts where the last one ended. */
  readonly offset: number;
  /** How many bytes, or `null` for the rest. */
  readonly length: number | null;
  /** More than this from `offset` on is refused before it is read. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** Bytes since the start, of all connections together; over libp2p those that TCP carries. */
export interface TransportStats {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What a transport needs of one line of the manifest. */
export interface TransportMember {
  readonly id: NodeId;
  /** Raw Ed25519 public key, 32 bytes: who shows another is not this member. */
  readonly transportKey: Uint8Array;
  /** `host:port` or a multiaddr; empty for a member that can only dial out. */
  readonly addresses: readonly string[];
}

/** One node's connection to the others. Nothing is delivered before `start` or after `stop`. */
export interface Transport {
  readonly self: NodeId;
  /** Members connected now. */
  peers(): readonly NodeId[];
  /**
   * To all members, best effort: may be lost, repeated, reordered. Never comes back to the sender. What is larger than
   * its topic carries (`limits.topicBytesMax`) is not sent, here and in `send`: nobody would take it.
   */
  broadcast(topic: Topic, bytes: Uint8Array): void;
  /** To one member, best effort. */
  send(to: NodeId, topic: Topic, bytes: Uint8Array): void;
  /**
   * Streams a blob from one member. It may take long: whoever has other work to do does not wait for it there. Content is not checked against `digest` here: a resumed part cannot be.
   * @throws {TransportError} when it is unreachable, does not have the blob, or breaks off
   */
  fetch(from: NodeId, digest: Digest, options: FetchOptions): AsyncIterable<Uint8Array>;
  /** Puts a cost to a member's account: whoever costs too much is slowed down, then hung up on for a while. */
  charge(member: NodeId, cost: MessageCost): void;
  /**
   * Who may be spoken to from now on, this node too; before or after `start`, again and again. Who is no member any more is
   * hung up on at once and refused; a new member is dialled and let in; one with another key is met under that key alone,
   * and one with other addresses is dialled there unless it is connected. A set in which this node is absent, or has another
   * key than it runs with, leaves it alone.
   */
  setMembers(members: readonly TransportMember[]): void;
  /** Sets the one handler. */
  onMessage(handler: MessageHandler): void;
  /** Sets the one provider that answers others' fetches. */
  serveBlobs(provider: BlobProvider): void;
  /** Sets the one listener for changes of `peers()`. */
  onPeers(listener: (connected: readonly NodeId[]) => void): void;
  stats(): TransportStats;
  start(): Promise<void>;
  stop(): Promise<void>;
}
