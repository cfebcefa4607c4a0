/**
 * What a node tells of itself beside its peer's events: links, bytes, disk, log, deadlines, warnings. Together with
 * `PeerEvent` it is all that the page, `annulus status` and the metrics are made from.
 */
import type { Digest, NodeId } from '../base/index.ts';

/**
 * What a connection must pass through, in order; the first that fails says what to mend. `conduct`: this node hung up on the
 * member for what it sent.
 */
export type LinkLayer =
  'name' | 'tcp' | 'noise' | 'membership' | 'version' | 'hello' | 'gossip' | 'conduct';

/** One member as this node's network sees it. Bytes are since the start of this process. */
export interface LinkState {
  readonly state: 'connected' | 'dialing' | 'unreachable';
  /** What failed, of an unreachable member; null otherwise, or where it is not known. */
  readonly layer: LinkLayer | null;
  /** What was seen, in a few words: `connect ECONNREFUSED 10.0.4.7:4001`. Never a key, never bytes of a message. */
  readonly detail: string | null;
  /** What to do about it, where the network knows more than the layer says; null otherwise. */
  readonly remedy: string | null;
  /** Since when `state` is so, ms since 1970. */
  readonly sinceMs: number;
  /** When something of this member came last; null before. */
  readonly lastHeardMs: number | null;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Height that the member said last; null where it said none. */
  readonly height: number | null;
}

/** Chunks of blobs, of all members together. */
export interface ChunkTotals {
  /** Asked for; those of a request that broke off count again when they are asked for again. */
  readonly asked: number;
  /** Came and were checked. */
  readonly arrived: number;
  /** Asked for although they had arrived: the disk lost them. */
  readonly askedAgain: number;
  /** Came and were false. */
  readonly refused: number;
}

/** A member of the manifest in force. */
export interface MemberEntry {
  readonly id: NodeId;
  /** As the manifest has them; empty where the member only dials out. */
  readonly addresses: readonly string[];
}

/** A stage of the plan. */
export interface PlannedStage {
  readonly id: string;
  /** The task of a teacher; null for the student of all. */
  readonly task: string | null;
  readonly rounds: number;
}

/** How grave a message is: `error` stops this node's work, `warning` needs somebody's eye. */
export type MessageLevel = 'info' | 'warning' | 'error';

/** Something to say in plain words, with what to do about it. */
export interface Notice {
  /** Short, stable and unique among what is said at one time: `clock-skew`, `disk-low`. A second one replaces the first. */
  readonly code: string;
  readonly level: MessageLevel;
  readonly text: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
  /** Since when, ms since 1970; 0 where it is not known. */
  readonly atMs: number;
}

/** A loss or an error of a round's model, taken by this node on its own held-out cases. */
export interface RoundError {
  readonly round: number;
  readonly task: string;
  /** Median distance in mm, Dice from 0 to 1, or a loss. */
  readonly unit: 'mm' | 'dice' | 'loss';
  readonly value: number;
}

/** Facts of one node. Its `kind`s are none of `PeerEvent`'s. */
export type NodeFact =
  /** First of all facts. */
  | {
      readonly kind: 'started';
      readonly self: NodeId;
      /** Of the program. */
      readonly version: string;
      /** Digest of the program: rounds are trained by one program alone. */
      readonly code: Digest;
      /** How far a member's clock may be off before its blocks are refused, ms. */
      readonly clockSkewMs: number;
      readonly consortium: { readonly id: string; readonly name: string };
      readonly members: readonly MemberEntry[];
      /** How many members must agree. */
      readonly quorum: number;
      readonly stages: readonly PlannedStage[];
      readonly atMs: number;
    }
  /** Once a second: what the page measures every age against, and the sign that this process is alive. */
  | { readonly kind: 'clock'; readonly nowMs: number }
  /** The version of the manifest that is in force here. */
  | { readonly kind: 'manifest'; readonly version: number }
  | { readonly kind: 'link'; readonly member: NodeId; readonly link: LinkState }
  /** Bytes since the start of this process, all connections together. */
  | { readonly kind: 'traffic'; readonly sentBytes: number; readonly receivedBytes: number }
  /** Pieces of models and updates since the start of this process, as `ContentStore.counts` has them. */
  | ({ readonly kind: 'chunks' } & ChunkTotals)
  /** Free on the disk, and used by the node's folder. */
  | { readonly kind: 'disk'; readonly freeBytes: number; readonly usedBytes: number }
  | {
      readonly kind: 'log-head';
      readonly size: number;
      /** Hex. */
      readonly root: string;
      readonly height: number;
      readonly cosigners: readonly NodeId[];
      readonly quorum: number;
    }
  /** Witnesses outside the consortium that are asked to cosign this node's log. */
  | {
      readonly kind: 'outside-witnesses';
      readonly witnesses: readonly {
        readonly name: string;
        /** Entries of the largest head that it cosigned. */
        readonly size: number;
        readonly atMs: number | null;
        /** Why it has not cosigned the last; null when it has. */
        readonly problem: string | null;
      }[];
    }
  /** Until when the round under way waits; `atMs` null when it has none. */
  | { readonly kind: 'deadline'; readonly round: number; readonly atMs: number | null }
  /** Why a member is not in a round's cut, where the node knows it; told after the peer's `cut`. In words that follow "left out of round 3: ". */
  | {
      readonly kind: 'left-out';
      readonly round: number;
      readonly member: NodeId;
      readonly why: string;
    }
  /** The manifest changed: whoever is not among `members` any more was revoked. */
  | {
      readonly kind: 'members';
      readonly members: readonly MemberEntry[];
      readonly quorum: number;
      readonly height: number;
      readonly atMs: number;
    }
  | ({ readonly kind: 'round-error' } & RoundError)
  | ({ readonly kind: 'notice' } & Notice)
  | { readonly kind: 'notice-over'; readonly code: string }
  /** What the last model found in a case of this hospital. Stays on this machine: shown on loopback alone. */
  | {
      readonly kind: 'prediction';
      readonly caption: string;
      /** A PNG of at most `viewLimits.pictureBytes`; null for words alone. */
      readonly png: Uint8Array | null;
      readonly atMs: number;
    };
