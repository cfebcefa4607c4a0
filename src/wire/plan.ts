/** The plan of a consortium: agreed in the manifest, so that every OPEN follows from it. */
import { equalBytes, parseNodeId, type Digest, type NodeId } from '../base/index.ts';
import { encodeCanonical, type Json } from './canonical.ts';
import { readImages, type PlanImages } from './images.ts';
import { membersMax } from './limits.ts';
import {
  arr,
  checked,
  digest,
  int,
  isAscending,
  json,
  literal,
  nodeId,
  obj,
  optional,
  str,
  type Reader,
} from './readers.ts';
import { readRule, type RoundRule } from './rule.ts';
import {
  readRateMicro,
  readSeed,
  readSteps,
  readTraining,
  type Hyperparameters,
  type Training,
} from './training.ts';

/** How the learning rate changes from round to round. */
export const schedules = ['constant', 'cosine', 'poly'] as const;

/** One of `schedules`. */
export type Schedule = (typeof schedules)[number];

/** One stage of training: a teacher of one task, or the student of all. */
export interface PlanStage {
  /** For instance `teacher-hps`, `student`; unique in the plan. */
  readonly id: string;
  readonly kind: 'teacher' | 'student';
  /** The task a teacher learns; absent for the student. */
  readonly task?: string;
  /** The model's specification, read by the room of models. */
  readonly model: Json;
  /** Digest of the model that the stage begins from; absent for weights that the seed draws. */
  readonly start?: Digest;
  /** Who trains, ascending. Others still vote. */
  readonly participants: readonly NodeId[];
  readonly rounds: number;
  /** Optimiser steps each participant makes in a round. */
  readonly stepsPerRound: number;
  /** Peak learning rate × 10^6, 1 to 1 000 000. */
  readonly learningRateMicro: number;
  /** From the peak to the rate of each round. */
  readonly schedule: Schedule;
  /** From OPEN to the deadline of updates, in milliseconds: the longest, where `deadlineFactorMicro` shortens it. */
  readonly roundTimeoutMs: number;
  /** How many times what its rounds took a round is waited for, × 10^6; absent for `roundTimeoutMs` always. */
  readonly deadlineFactorMicro?: number;
  /** A round with fewer updates at its deadline is VOID. */
  readonly minParticipants: number;
  /** How updates become the next model. */
  readonly rule: RoundRule;
  /** How participants train. */
  readonly training: Training;
}

/** All stages in order, what images are to their models, and the seed of everything agreed that is drawn by chance. */
export interface Plan {
  readonly seed: number;
  readonly images: PlanImages;
  readonly stages: readonly PlanStage[];
}

/** A short lower-case name: of a stage, a task, a metric. */
export const shortName: Reader<string> = str(32, /^[a-z0-9][a-z0-9-]*$/);

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
    start: optional(digest),
    participants: readParticipants,
    rounds: int(0, 100_000),
    stepsPerRound: readSteps,
    learningRateMicro: readRateMicro,
    schedule: literal(...schedules),
    roundTimeoutMs: count,
    deadlineFactorMicro: optional(int(1_000_000, 100_000_000)),
    minParticipants: int(1, membersMax),
    rule: readRule,
    training: readTraining,
  }),
  (stage) => {
    const isTeacher = stage.kind === 'teacher';
    if (isTeacher !== (stage.task !== undefined))
      return 'a task for a teacher and none for the student';
    if (isTeacher !== (stage.training.distillation === undefined)) {
      return 'distillation for the student and none for a teacher';
    }
    return stage.minParticipants > stage.participants.length
      ? 'minParticipants not above the number of participants'
      : null;
  },
);

/** Reads a plan. @throws {WireError} 'malformed' */
export const readPlan: Reader<Plan> = checked(
  obj({ seed: readSeed, images: readImages, stages: arr(readStage, 32, 1) }),
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

/**
 * Why `next` may not take the place of `previous` between two rounds; null when it may. What was carried out stands, and a
 * stage that has begun ends as it began: only who takes part in it may change. Stages after it are free.
 *
 * @param stageIndex of the stage under way; the number of stages when all are carried out
 */
export function planRefusal(previous: Plan, next: Plan, stageIndex: number): string | null {
  if (next.seed !== previous.seed) return `the plan's seed was ${previous.seed} and cannot change`;
  if (!equalBytes(encodeCanonical(previous.images), encodeCanonical(next.images))) {
    return 'what an image is to the models cannot change';
  }
  const changed = previous.stages.slice(0, stageIndex + 1).find((stage, at) => {
    const after = next.stages[at];
    return after === undefined || !isSameWork(stage, after);
  });
  if (changed === undefined) return null;
  return `the stage ${changed.id} has begun: only its participants and minParticipants may change`;
}

/** Whether two stages differ in nothing but who takes part. */
function isSameWork(one: PlanStage, other: PlanStage): boolean {
  const { participants, minParticipants } = one;
  const asOne = { ...other, participants, minParticipants };
  return equalBytes(encodeCanonical(one), encodeCanonical(asOne));
}

/** nnU-Net's exponent. */
const polyExponent = 0.9;

/**
 * The learning rate of round k of K, from 0, × 10^6: the peak; or peak · (1 + cos(πk/K)) / 2 (Loshchilov & Hutter 2017);
 * or peak · (1 - k/K)^0.9, as nnU-Net by epochs. Never 0.
 */
export function learningRateMicro(
  stage: Pick<PlanStage, 'rounds' | 'learningRateMicro' | 'schedule'>,
  roundsSealed: number,
): number {
  const done = roundsSealed / stage.rounds;
  const share = {
    constant: () => 1,
    cosine: () => (1 + Math.cos(Math.PI * done)) / 2,
    poly: () => (1 - done) ** polyExponent,
  }[stage.schedule]();
  return Math.max(1, Math.round(stage.learningRateMicro * share));
}

/** What OPEN tells the participants of a round, `roundsSealed` rounds of the stage before it. */
export function hyperparametersOf(
  { seed }: Pick<Plan, 'seed'>,
  stage: PlanStage,
  roundsSealed: number,
): Hyperparameters {
  const lrMicro = learningRateMicro(stage, roundsSealed);
  return { ...stage.training, seed, steps: stage.stepsPerRound, lrMicro };
}
