import { AnnulusError } from '../base/index.ts';

/** What can go wrong with a peer that is not a broken promise of our own code. */
export type PeerErrorFacts =
  | { readonly code: 'not_a_member'; readonly node: string }
  | { readonly code: 'must_not_vote' }
  /** Something is asked of a peer that has not started, or has stopped. */
  | { readonly code: 'not_running' };

/** A peer that cannot be made, or must stop. */
export class PeerError extends AnnulusError<PeerErrorFacts> {}
