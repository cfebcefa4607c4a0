/** The errors of this room. */
import { AnnulusError } from '../base/index.ts';

/** Why an update or a blob from a peer was not taken. */
export type GossipErrorFacts =
  | { readonly code: 'blob_unavailable'; readonly digest: string; readonly asked: number }
  | { readonly code: 'blob_mismatch'; readonly digest: string; readonly from: string }
  | {
      readonly code: 'bad_update';
      readonly author: string;
      readonly round: number;
      readonly reason: string;
    };

/** Bad input from a peer, or none where some was needed. */
export class GossipError extends AnnulusError<GossipErrorFacts> {}
