/**
 * The status of a node as plain JSON: what `/status.json` gives, the page shows and `annulus status` prints.
 * docs/dashboard.md describes it.
 */
import { healthOf, type Health } from './health.ts';
import { memberStatuses, type MemberStatus } from './member-status.ts';
import { messagesOf } from './messages.ts';
import type { Notice, PlannedStage, RoundError } from './node-facts.ts';
import type { JournalEntry, NodeView, OwnWork } from './node-view.ts';
import type { RoundView } from './round-view.ts';

/** Of the shape below; a reader refuses another. */
export const statusVersion = 1;

/** Times are ms since 1970, sizes bytes, lists oldest first; null is "not known" or "none". */
export interface NodeStatus {
  readonly version: typeof statusVersion;
  /** The node's last sign of life: ages are told against it. */
  readonly nowMs: number;
  readonly node: {
    readonly id: string | null;
    readonly program: string | null;
    readonly startedAtMs: number | null;
    readonly height: number;
    readonly isDone: boolean;
  };
  readonly consortium: {
    readonly id: string | null;
    readonly name: string | null;
    /** How many must agree. */
    readonly quorum: number;
    readonly stages: readonly PlannedStage[];
  };
  readonly health: Health;
  readonly members: readonly MemberStatus[];
  /** The round under way. */
  readonly round: RoundView | null;
  readonly deadlineMs: number | null;
  /** What this node does in it. */
  readonly work: OwnWork | null;
  /** The last that ended; `roundCounts` counts all. */
  readonly rounds: readonly RoundView[];
  readonly roundCounts: { readonly sealed: number; readonly void: number };
  /** Mean training loss of sealed rounds. */
  readonly losses: NodeView['losses'];
  readonly errors: readonly RoundError[];
  readonly traffic: NodeView['traffic'];
  readonly chunks: NodeView['chunks'];
  readonly disk: NodeView['disk'];
  readonly log: NodeView['log'];
  /** Witnesses outside the consortium. */
  readonly witnesses: NodeView['witnesses'];
  /** What is wrong now, the gravest first. */
  readonly messages: readonly Notice[];
  readonly journal: readonly JournalEntry[];
  readonly prediction: {
    readonly caption: string;
    readonly atMs: number;
    /** Path of the picture on this server; null when there is none. */
    readonly picture: string | null;
  } | null;
}

/** @param showsPrediction false where somebody else may read along: it is about a patient */
export function statusOf(view: NodeView, showsPrediction: boolean): NodeStatus {
  const { identity, nowMs, height, isDone, round, deadlineMs, work, rounds, roundCounts } = view;
  const { losses, errors, traffic, chunks, disk, log, witnesses, journal } = view;
  const messages = messagesOf(view);
  return {
    ...{ version: statusVersion, nowMs },
    node: {
      ...{ id: identity?.self ?? null, program: identity?.version ?? null },
      ...{ startedAtMs: identity?.atMs ?? null, height, isDone },
    },
    consortium: {
      ...{ id: identity?.consortium.id ?? null, name: identity?.consortium.name ?? null },
      ...{ quorum: identity?.quorum ?? 0, stages: identity?.stages ?? [] },
    },
    ...{ health: healthOf(view), members: memberStatuses(view) },
    ...{ round, deadlineMs, work, rounds, roundCounts, losses, errors, traffic, disk, log },
    ...{ chunks, witnesses },
    ...{ messages, journal, prediction: showsPrediction ? pictureOf(view) : null },
  };
}

function pictureOf({ prediction }: NodeView): NodeStatus['prediction'] {
  if (prediction === null) return null;
  const { caption, atMs, png, number } = prediction;
  return { caption, atMs, picture: png === null ? null : `/prediction/${number}.png` };
}
