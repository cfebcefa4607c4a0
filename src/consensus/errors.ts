/** What can be wrong with what consensus is given. */
import { AnnulusError } from '../base/index.ts';

/** Facts of a {@link ConsensusError}. */
export type ConsensusErrorFacts =
  /** Bytes that are not a message, record or certificate of this version. */
  | { readonly code: 'malformed'; readonly expected: string }
  /** A write-ahead log whose middle is damaged: the node must not vote. */
  | { readonly code: 'corrupt_wal'; readonly name: string; readonly offset: number }
  /** A write-ahead record of another consortium, epoch or key. */
  | { readonly code: 'foreign_record'; readonly height: number }
  /** A setting or member list outside its range. */
  | { readonly code: 'bad_setting'; readonly key: string };

/** Bad input to the consensus room. */
export class ConsensusError extends AnnulusError<ConsensusErrorFacts> {}
