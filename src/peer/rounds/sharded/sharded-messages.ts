/** What members say to each other in a round that is averaged in shards, beside what `exact` says of updates and keys. */
import type { Digest, RoundNumber } from '../../../base/index.ts';
import { envelopesPerAuthorMax } from '../../../gossip/index.ts';
import {
  arr,
  digest,
  int,
  limits,
  literal,
  obj,
  readSignedSums,
  roundNumber,
  type Reader,
  type SignedSums,
} from '../../../wire/index.ts';

/** Which shards of which updates the sender has. The transport says who it is; it decides when asking for votes is worth while. */
export interface PiecesMessage {
  readonly t: 'pieces';
  readonly r: RoundNumber;
  /** Numbers of shards that it adds up. */
  readonly shards: readonly number[];
  /** Envelopes of updates of which it holds all these shards and has checked them. */
  readonly open: readonly Digest[];
  /** Envelopes of updates for which it has no key that opens them. */
  readonly locked: readonly Digest[];
}

/** What a reducer came to: signed, so it may be passed on by anybody. */
export interface SumsMessage {
  readonly t: 'sums';
  readonly r: RoundNumber;
  readonly said: SignedSums;
}

/** Everything that is said in a round in shards and in no other. */
export type ShardedMessage = PiecesMessage | SumsMessage;

const updatesMax = envelopesPerAuthorMax * limits.membersMax;

/** Reads each kind; all travel on the topic `updates`. */
export const shardedMessages: {
  readonly [T in ShardedMessage['t']]: Reader<ShardedMessage & { t: T }>;
} = {
  pieces: obj({
    t: literal('pieces'),
    r: roundNumber,
    shards: arr(int(0, limits.membersMax - 1), limits.membersMax),
    open: arr(digest, updatesMax),
    locked: arr(digest, updatesMax),
  }),
  sums: obj({ t: literal('sums'), r: roundNumber, said: readSignedSums }),
};

/** The kinds that only a member in that round can check. Others do not pass them on. */
export const shardedSignedKinds: readonly ShardedMessage['t'][] = ['sums'];
