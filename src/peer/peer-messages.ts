/** What peers say to each other beside votes and checkpoints. Specified in docs/specs/peer-messages.md. */
import type { Digest, Height, RoundNumber } from '../base/index.ts';
import {
  arr,
  b64,
  decodeStrict,
  digest,
  encodeCanonical,
  height,
  int,
  literal,
  obj,
  optional,
  roundNumber,
  sealedKeyBytes,
  str,
  unionBy,
  WireError,
  type Reader,
  type Topic,
  limits,
} from '../wire/index.ts';

/** "I am here, this far": sent every tick. */
export interface StatusMessage {
  readonly t: 'status';
  readonly h: Height;
  readonly r: RoundNumber;
  /** Size of the log under the last sealed checkpoint. */
  readonly s: number;
  /** The round under way, when the sender has no update for it: training failed. */
  readonly x?: RoundNumber;
}

/** A signed update envelope, whole. Its ciphertext is fetched by hash. */
export interface UpdateMessage {
  readonly t: 'update';
  readonly r: RoundNumber;
  /** The envelope's canonical bytes, as text. */
  readonly envelope: string;
}

/** What the sender has of one round. The transport says who it is; nothing is signed, for the votes on a cut are. */
export interface HoldsMessage {
  readonly t: 'holds';
  readonly r: RoundNumber;
  /** Envelopes of updates that it holds and could open. */
  readonly open: readonly Digest[];
  /** Envelopes of updates whose bulk it holds, without a key that opens it. */
  readonly locked: readonly Digest[];
}

/** To one member that said `locked`: the key of that update, sealed to it by the sender, who could open it. */
export interface KeyMessage {
  readonly t: 'key';
  readonly r: RoundNumber;
  readonly env: Digest;
  /** Base64 of `handOverKey`. */
  readonly sealed: string;
}

/** What is said about the updates of a round. */
export type RoundMessage = UpdateMessage | HoldsMessage | KeyMessage;

export type PeerMessage = StatusMessage | RoundMessage;

/** Two updates of each participant: more than an honest member ever has. */
const holdingsMax = 2 * limits.membersMax;

const topicOf: Readonly<Record<PeerMessage['t'], Topic>> = {
  status: 'status',
  update: 'updates',
  holds: 'updates',
  key: 'updates',
};

const readMessage: Reader<PeerMessage> = unionBy<PeerMessage>('t', {
  status: obj({
    t: literal('status'),
    h: height,
    r: roundNumber,
    s: int(0, 2 ** 31 - 1),
    x: optional(roundNumber),
  }),
  update: obj({ t: literal('update'), r: roundNumber, envelope: str(limits.entryBytesMax) }),
  holds: obj({
    t: literal('holds'),
    r: roundNumber,
    open: arr(digest, holdingsMax),
    locked: arr(digest, holdingsMax),
  }),
  key: obj({
    t: literal('key'),
    r: roundNumber,
    env: digest,
    sealed: b64(sealedKeyBytes, sealedKeyBytes),
  }),
});

/** The topic and bytes of a message. */
export function writePeerMessage(message: PeerMessage): [Topic, Uint8Array] {
  return [topicOf[message.t], encodeCanonical(message)];
}

/** `null` for what is no message of this topic. */
export function readPeerMessage(topic: Topic, bytes: Uint8Array): PeerMessage | null {
  try {
    const message = readMessage(decodeStrict(bytes, { maxBytes: limits.topicBytesMax[topic] }));
    return topicOf[message.t] === topic ? message : null;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
