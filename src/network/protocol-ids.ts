/** Names and numbers on the wire; docs/specs/network.md says what follows them. */
import type { Digest } from '../base/index.ts';
import { topics, type Topic } from '../wire/index.ts';

/** libp2p's own name for 32 bytes that come back. */
export const pingProtocol = '/ipfs/ping/1.0.0';
/** The first words on a connection: which consortium. */
export const helloProtocol = '/annulus/hello/1.0.0';
/** The first words on a connection that carries bulk alone. */
export const bulkProtocol = '/annulus/bulk/1.0.0';
/** Direct messages. */
export const messageProtocol = '/annulus/message/1.0.0';
/** Blobs by their digest. */
export const updateProtocol = '/annulus/update/1.0.0';

/** One byte that names a topic in a direct message. */
export function topicByte(topic: Topic): number {
  return topics.indexOf(topic) + 1;
}

/** `null` for a byte that names none. */
export function topicOfByte(byte: number | undefined): Topic | null {
  return byte === undefined ? null : (topics[byte - 1] ?? null);
}

/** The gossipsub topic: it carries the consortium, so that two never mix. */
export function gossipTopic(consortium: Digest, topic: Topic): string {
  return `/annulus/gossip/1.0.0/${consortium}/${topic}`;
}
