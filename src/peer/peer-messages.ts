/** What peers say to each other beside votes and checkpoints. Specified in docs/specs/peer-messages.md. */
import type { Digest, Height, NodeId, RoundNumber } from '../base/index.ts';
import { signatureBytes } from '../crypto/index.ts';
import {
  arr,
  b64,
  decodeStrict,
  digest,
  encodeCanonical,
  height,
  int,
  limits,
  literal,
  nodeId,
  obj,
  optional,
  roundNumber,
  str,
  unionBy,
  WireError,
  type Reader,
  type Topic,
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

/** Receipts of the sender for updates of one round that it holds and could open. */
export interface ReceiptsMessage {
  readonly t: 'receipts';
  readonly r: RoundNumber;
  readonly receipts: readonly {
    readonly peer: NodeId;
    readonly env: Digest;
    readonly upd: Digest;
    readonly sig: string;
  }[];
}

export type PeerMessage = StatusMessage | UpdateMessage | ReceiptsMessage;

const topicOf: Readonly<Record<PeerMessage['t'], Topic>> = {
  status: 'status',
  update: 'updates',
  receipts: 'updates',
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
  receipts: obj({
    t: literal('receipts'),
    r: roundNumber,
    receipts: arr(
      obj({ peer: nodeId, env: digest, upd: digest, sig: b64(signatureBytes, signatureBytes) }),
      limits.membersMax,
    ),
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
