/** The errors of this room. */
import { AnnulusError } from '../base/index.ts';

/** Why an update, a blob or a message from a peer was not taken, or a graph cannot be mixed over. */
export type GossipErrorFacts =
  /** A topology that cannot be drawn for so many nodes. */
  | { readonly code: 'bad_topology'; readonly kind: string }
  /** A file that holds no graph; `line` from 1, 0 when it is about the whole file. */
  | { readonly code: 'bad_graph_file'; readonly line: number }
  /** Bytes or a vector of a neighbour that are not what the rule says. */
  | { readonly code: 'bad_mixing_message'; readonly reason: string }
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
