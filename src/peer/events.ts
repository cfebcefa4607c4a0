/**
 * What a peer tells the people who watch it: progress and the report. Nothing here is agreed. Where
 * asked to (`tellsHistory`) it tells again what its log holds when it starts; `atMs` is the time of the block that says so, ms since 1970.
 */
import type { Digest, NodeId } from '../base/index.ts';
import type { WorkProgress } from './trainer.ts';

/** A round that ended with a model that a quorum has sealed. */
export interface SealedRound {
  readonly round: number;
  readonly stage: string;
  readonly model: Digest;
  readonly participants: readonly {
    readonly node: NodeId;
    readonly weight: number;
    readonly metricsMilli: Readonly<Record<string, number>>;
    /** Encrypted size of its update; 0 when its envelope is not here. */
    readonly updateBytes: number;
  }[];
  /** Participants of the OPEN that are not in the cut. */
  readonly excluded: readonly NodeId[];
  /** Of a round that was mixed: exchanges, and how far the model may be from anybody's own who voted for it. */
  readonly mixed?: { readonly steps: number; readonly epsilon: number };
  /** Height of the SEAL block, and entries of the log after it. */
  readonly height: number;
  readonly logSize: number;
  readonly atMs: number;
}

/** A member's own words, of its last heartbeat. */
export interface MemberClaims {
  /** Its last applied height. */
  readonly height: number;
  /** By how much this node's clock is ahead of its, ms; what the heartbeat was under way counts in. */
  readonly aheadMs: number;
  /** Digest of its program. */
  readonly code: Digest;
  /** The version of the manifest that it has in force. */
  readonly version: number;
}

/** Progress of one peer, as it happens; `round` counts from 1 over all stages. */
export type PeerEvent =
  | {
      readonly kind: 'opened';
      readonly round: number;
      readonly stage: string;
      readonly participants: readonly NodeId[];
      readonly atMs: number;
    }
  | {
      readonly kind: 'working';
      readonly round: number;
      readonly work: 'prepare' | 'train' | 'mix';
      readonly progress: WorkProgress;
    }
  | { readonly kind: 'announced'; readonly round: number }
  /** A member's update, or this node's own, is here as far as this node needs it, and could be opened. */
  | { readonly kind: 'update-held'; readonly round: number; readonly member: NodeId }
  | { readonly kind: 'cut'; readonly round: number; readonly nodes: readonly NodeId[] }
  | ({ readonly kind: 'sealed' } & SealedRound)
  | {
      readonly kind: 'void';
      readonly round: number;
      readonly reason: string;
      readonly height: number;
      readonly atMs: number;
    }
  /** A version of the manifest is in force from the height after this one. */
  | {
      readonly kind: 'membership';
      readonly version: number;
      readonly height: number;
      readonly atMs: number;
      readonly members: readonly NodeId[];
      readonly joined: readonly NodeId[];
      readonly left: readonly NodeId[];
      /** Members whose node has other keys, addresses or labels. */
      readonly renewed: readonly NodeId[];
      /** Members with another org key. */
      readonly rerooted: readonly NodeId[];
    }
  /** A restart that was handed in waits for this node's log to come to `height`, which it names, or is not taken after all. */
  | {
      readonly kind: 'restart';
      readonly version: number;
      readonly height: number;
      /** Why it is not taken, and what to do; null while it waits. */
      readonly refusal: { readonly reason: string; readonly advice: string } | null;
    }
  /** A member's signed checkpoint contradicts this node's log: there are two histories. */
  | { readonly kind: 'fork'; readonly member: NodeId }
  /** This hospital is no member any more since the version that the block of this height put in force: its peer stops. */
  | { readonly kind: 'left'; readonly version: number; readonly height: number }
  /** A member broke the rules of consensus: its key has no vote after this height. */
  | { readonly kind: 'suspended'; readonly member: NodeId; readonly height: number }
  /** A member signed a sum of a shard that is not the sum of this round's updates, or two different ones. */
  | { readonly kind: 'false-sum'; readonly member: NodeId; readonly round: number }
  /** This node's own key must not vote any more: it signed what this disk does not have. */
  | { readonly kind: 'retired' }
  /** What a member says of itself, when it says something new. Claims: they are shown to people and decide nothing. */
  | ({ readonly kind: 'heard'; readonly member: NodeId } & MemberClaims)
  | { readonly kind: 'caught-up'; readonly height: number }
  | { readonly kind: 'done'; readonly treeSize: number; readonly root: string };
