/** What members say to each other about the updates of a round. Specified in docs/specs/peer-messages.md. */
import type { Digest, RoundNumber } from '../../base/index.ts';
import { envelopesPerAuthorMax } from '../../gossip/index.ts';
import {
  arr,
  b64,
  digest,
  limits,
  literal,
  obj,
  roundNumber,
  sealedKeyBytes,
  str,
  type Reader,
} from '../../wire/index.ts';

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

/** Everything that is said about the updates of a round. */
export type UpdatesMessage = UpdateMessage | HoldsMessage | KeyMessage;

/** As many as a member can claim (`UpdateBook.claimsMax`), in the largest consortium. */
const holdingsMax = envelopesPerAuthorMax * limits.membersMax;

/** Reads each kind; all travel on the topic `updates`. */
export const updateMessages: {
  readonly [T in UpdatesMessage['t']]: Reader<UpdatesMessage & { t: T }>;
} = {
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
};

/** The kinds that only a member in that round can check. Others do not pass them on. */
export const updateSignedKinds: readonly UpdatesMessage['t'][] = ['update'];

/** Whether a message is about updates, in whatever kind of round. */
export function isOfUpdates(message: { readonly t: string }): message is UpdatesMessage {
  return Object.hasOwn(updateMessages, message.t);
}
