/**
 * What peers say to each other beside votes and checkpoints: how far they are, and what the protocol of a round has them
 * say. Specified in docs/specs/peer-messages.md.
 */
import type { Digest, Height, RoundNumber } from '../base/index.ts';
import {
  decodeStrict,
  digest,
  encodeCanonical,
  height,
  int,
  limits,
  literal,
  obj,
  optional,
  roundNumber,
  unionBy,
  WireError,
  type Reader,
  type Topic,
} from '../wire/index.ts';
import {
  updateMessages,
  updateSignedKinds,
  type UpdatesMessage,
} from './rounds/update-messages.ts';
import {
  mixingMessages,
  mixingSignedKinds,
  type MixingMessage,
} from './rounds/mixing/mixing-messages.ts';
import {
  shardedMessages,
  shardedSignedKinds,
  type ShardedMessage,
} from './rounds/sharded/sharded-messages.ts';

/** "I am here, this far": sent every tick. */
export interface StatusMessage {
  readonly t: 'status';
  readonly h: Height;
  readonly r: RoundNumber;
  /** Size of the log under the last sealed checkpoint. */
  readonly s: number;
  /** The sender's clock, ms since 1970. A claim, for people: it decides nothing. */
  readonly at: number;
  /** Digest of the sender's program, and the version of the manifest that it has in force: as above. */
  readonly code: Digest;
  readonly m: number;
  /** The round under way, when the sender has no update for it: training failed. */
  readonly x?: RoundNumber;
}

/** "I have the next version of the manifest; fetch it by its hash": said while it waits to be decided. */
export interface ManifestMessage {
  readonly t: 'manifest';
  readonly version: number;
  /** SHA-256 of the signed envelope's bytes. */
  readonly digest: Digest;
}

/** A message of some round's protocol: all have the round's number as `r`, and kinds of their own as `t`. */
export type RoundMessage = UpdatesMessage | ShardedMessage | MixingMessage;

/** Everything that travels on the topics `status` and `updates`. */
export type PeerMessage = StatusMessage | ManifestMessage | RoundMessage;

const readMessage: Reader<PeerMessage> = unionBy<PeerMessage>('t', {
  status: obj({
    t: literal('status'),
    h: height,
    r: roundNumber,
    s: int(0, 2 ** 31 - 1),
    at: int(0, Number.MAX_SAFE_INTEGER),
    code: digest,
    m: int(0, 2 ** 31 - 1),
    x: optional(roundNumber),
  }),
  manifest: obj({ t: literal('manifest'), version: int(1, 2 ** 31 - 1), digest }),
  ...updateMessages,
  ...shardedMessages,
  ...mixingMessages,
});

const signedKinds: ReadonlySet<RoundMessage['t']> = new Set([
  ...updateSignedKinds,
  ...shardedSignedKinds,
  ...mixingSignedKinds,
]);

/** Whether only a member in the round of this message can check it: others do not pass it on. */
export function isCheckedInRound({ t }: RoundMessage): boolean {
  return signedKinds.has(t);
}

function topicOf({ t }: PeerMessage): Topic {
  return t === 'status' || t === 'manifest' ? 'status' : 'updates';
}

/** The topic and bytes of a message. */
export function writePeerMessage(message: PeerMessage): [Topic, Uint8Array] {
  return [topicOf(message), encodeCanonical(message)];
}

/** `null` for what is no message of this topic. */
export function readPeerMessage(topic: Topic, bytes: Uint8Array): PeerMessage | null {
  try {
    const message = readMessage(decodeStrict(bytes, { maxBytes: limits.topicBytesMax[topic] }));
    return topicOf(message) === topic ? message : null;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
