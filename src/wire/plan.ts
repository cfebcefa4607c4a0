/** The plan of a consortium: agreed in the manifest, so that every OPEN follows from it. */
import { parseNodeId, type NodeId } from '../base/index.ts';
import type { Json } from './canonical.ts';
import { membersMax } from './limits.ts';
import {
  arr,
  checked,
  int,
  isAscending,
  json,
  literal,
  nodeId,
  obj,
  optional,
  record,
  str,
  type Reader,
} from './readers.ts';

/** One stage of training: a teacher of one task, or the student of all. */
export interface PlanStage {
  /** For instance `teacher-hps`, `student`; unique in the plan. */
  readonly id: string;
  readonly kind: 'teacher' | 'student';
  /** The task a teacher learns; absent for the student. */
  readonly task?: string;
  /** The model's specification, read by the room of models. */
  readonly model: Json;
  /** Who trains, ascending. Others still vote. */
  readonly participants: readonly NodeId[];
  readonly rounds: number;
  /** Optimiser steps each participant makes in a round. */
  readonly stepsPerRound: number;
  /** Peak learning rate × 10^6. */
  readonly learningRateMicro: number;
  /** Most samples a node may claim as its weight. */
  readonly samplesCap: number;
  /** From OPEN to the deadline of updates, in milliseconds. */
  readonly roundTimeoutMs: number;
  /** A round with fewer updates at its deadline is VOID. */
  readonly minParticipants: number;
  /** Further agreed hyper-parameters (batch, patch, schedule …): integers and short texts. */
  readonly options: Readonly<Record<string, number | string>>;
}

/** All stages in order, and the seed of everything agreed that is drawn by chance. */
export interface Plan {
  readonly seed: number;
  readonly stages: readonly PlanStage[];
}

/** A short lower-case name: of a stage, a task, a metric. */
export const shortName: Reader<string> = str(32, /^[a-z0-9][a-z0-9-]*$/);

const optionKey = /^[a-zA-Z][a-zA-Z0-9]{0,31}$/;
const intOrText: Reader<number | string> = (value, path) =>
  typeof value === 'string'
    ? str(64)(value, path)
    : int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)(value, path);

/** Hyper-parameters: integers and texts of at most 64 characters, at most 64 of them. */
export const readOptions: Reader<Readonly<Record<string, number | string>>> = record(
  optionKey,
  intOrText,
  64,
);

/** Names of members, ascending and without repetition. */
export const readParticipants: Reader<readonly NodeId[]> = checked(
  arr(nodeId, membersMax, 1),
  (ids) => (isAscending(ids) ? null : 'names in ascending order'),
);

const count = int(1, 2 ** 31 - 1);

const readStage: Reader<PlanStage> = checked(
  obj({
    id: shortName,
    kind: literal('teacher', 'student'),
    task: optional(shortName),
    model: json,
    participants: readParticipants,
    rounds: int(0, 100_000),
    stepsPerRound: count,
    learningRateMicro: count,
    samplesCap: count,
    roundTimeoutMs: count,
    minParticipants: int(1, membersMax),
    options: readOptions,
  }),
  (stage) => {
    if ((stage.kind === 'teacher') !== (stage.task !== undefined)) {
      return 'a task for a teacher and none for the student';
    }
    return stage.minParticipants > stage.participants.length
      ? 'minParticipants not above the number of participants'
      : null;
  },
);

/** Reads a plan. @throws {WireError} 'malformed' */
export const readPlan: Reader<Plan> = checked(
  obj({ seed: int(0, Number.MAX_SAFE_INTEGER), stages: arr(readStage, 32, 1) }),
  (plan) =>
    new Set(plan.stages.map((stage) => stage.id)).size === plan.stages.length
      ? null
      : 'stages with different ids',
);

/** `null` when all who take part in `plan` are among `members`, else the first stranger. */
export function strangerIn(plan: Plan, members: readonly NodeId[]): NodeId | null {
  const known = new Set<string>(members);
  const all = plan.stages.flatMap((stage) => stage.participants);
  return parseNodeId(all.find((id) => !known.has(id)));
}
