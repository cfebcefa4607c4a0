/** All that is known of a node, as data: what `reduce` makes of its events. */
import type { PeerEvent, WorkProgress } from '../peer/index.ts';
import type { FormerMember, MemberView } from './member-view.ts';
import type { ChunkTotals, MessageLevel, NodeFact, Notice, RoundError } from './node-facts.ts';
import type { RoundView } from './round-view.ts';

/** All that the reducer takes. */
export type NodeEvent = PeerEvent | NodeFact;

/** What the node itself is doing in the round under way. */
export interface OwnWork {
  readonly round: number;
  readonly work: 'prepare' | 'train' | 'mix' | 'announced';
  readonly progress: WorkProgress | null;
}

/** The last prediction in an own case. */
export interface Prediction {
  readonly caption: string;
  readonly png: Uint8Array | null;
  readonly atMs: number;
  /** Counts predictions from 1: the picture's address changes with it. */
  readonly number: number;
}

/** One line of what happened. */
export interface JournalEntry {
  /** Counts lines from 1. */
  readonly number: number;
  readonly atMs: number;
  readonly level: MessageLevel;
  readonly text: string;
}

/** What `started` says. */
export type NodeIdentity = Omit<Extract<NodeFact, { kind: 'started' }>, 'kind' | 'members'>;

/** Everything known of a node. Lists are oldest first. */
export interface NodeView {
  /** Null before `started`. */
  readonly identity: NodeIdentity | null;
  /** Of the last `clock`, ms since 1970; 0 before. */
  readonly nowMs: number;
  /** Highest agreed height heard of. */
  readonly height: number;
  /** Time of the latest block heard of, ms since 1970; 0 before one. */
  readonly decidedMs: number;
  readonly members: readonly MemberView[];
  readonly formerMembers: readonly FormerMember[];
  /** The round under way. */
  readonly round: RoundView | null;
  readonly deadlineMs: number | null;
  readonly work: OwnWork | null;
  /** Those that ended. */
  readonly rounds: readonly RoundView[];
  /** Counts over all rounds heard of, also those not kept any more. */
  readonly roundCounts: { readonly sealed: number; readonly void: number };
  /** Errors of the models on this node's held-out cases. */
  readonly errors: readonly RoundError[];
  /** Mean training loss of each sealed round. */
  readonly losses: readonly {
    readonly round: number;
    readonly stage: string;
    readonly loss: number;
  }[];
  readonly traffic: { readonly sentBytes: number; readonly receivedBytes: number } | null;
  readonly chunks: ChunkTotals | null;
  readonly disk: { readonly freeBytes: number; readonly usedBytes: number } | null;
  readonly log: Omit<Extract<NodeFact, { kind: 'log-head' }>, 'kind'> | null;
  readonly witnesses: Extract<NodeFact, { kind: 'outside-witnesses' }>['witnesses'];
  readonly notices: readonly Notice[];
  readonly journal: readonly JournalEntry[];
  readonly prediction: Prediction | null;
  /** Whether the plan is carried out. */
  readonly isDone: boolean;
  /** In force here; null before that is known. */
  readonly manifestVersion: number | null;
  /** Whether this node's own key must not vote any more. */
  readonly isRetired: boolean;
}

/** Before the first event. */
export const emptyView: NodeView = Object.freeze({
  ...{ identity: null, nowMs: 0, height: 0, decidedMs: 0, members: [], formerMembers: [] },
  ...{ round: null, deadlineMs: null, work: null, rounds: [] },
  ...{ roundCounts: { sealed: 0, void: 0 }, errors: [], losses: [] },
  ...{
    traffic: null,
    chunks: null,
    disk: null,
    log: null,
    witnesses: [],
    notices: [],
    journal: [],
  },
  ...{ prediction: null, isDone: false, isRetired: false },
  manifestVersion: null,
});
