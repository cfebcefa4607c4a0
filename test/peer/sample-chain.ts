/** A plan of two stages, and the operations of its rounds. */
import {
  utf8,
  type Digest,
  type Height,
  type NodeId,
  type RoundNumber,
} from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { advance, genesisChain, type ChainState } from '../../src/peer/index.ts';
import type {
  Cut,
  CutUpdate,
  Manifest,
  Op,
  Open,
  Plan,
  PlanStage,
  Seal,
  SignedManifest,
} from '../../src/wire/index.ts';
import { plainImages, plainRule, sampleStage, studentTraining } from '../wire/sample-stage.ts';

export const three: readonly NodeId[] = ['L1', 'L2', 'L3'] as NodeId[];
export const code: Digest = digestOf(utf8('code'));

export function stage(id: string, other: Partial<PlanStage> = {}): PlanStage {
  return sampleStage({ id, participants: three, stepsPerRound: 3, minParticipants: 2, ...other });
}

export const plan: Plan = {
  seed: 7,
  images: plainImages,
  stages: [stage('teacher-hps', { rounds: 2 }), stage('student')],
};

/** The genesis with that plan, as far as the chain looks at it. */
export const versions: readonly Pick<SignedManifest, 'manifest'>[] = [
  { manifest: { plan } as Manifest },
];

/** Digest of a stage's initial model. */
export function initial({ id }: PlanStage): Digest {
  return digestOf(utf8(`initial ${id}`));
}

/** Hyper-parameters of a round at this rate. */
export function hpOf(lrMicro: number): Open['hp'] {
  return { ...studentTraining, seed: 7, steps: 3, lrMicro };
}

/** The OPEN of round `r`, of the first stage unless told otherwise, in a block of time 1000. */
export function openOf(r: number, other: Partial<Open> = {}): Open {
  return {
    op: 'OPEN',
    r: r as RoundNumber,
    stage: 'teacher-hps',
    base: initial(stage(other.stage ?? 'teacher-hps')),
    code,
    hp: hpOf(1000),
    rule: plainRule,
    deadline: 61_000,
    minParticipants: 2,
    participants: three,
    ...other,
  };
}

export function updateBy(peer: string): CutUpdate {
  const env = digestOf(utf8(`envelope of ${peer}`));
  return { peer: peer as NodeId, env, upd: digestOf(utf8(`bulk of ${peer}`)), n: 10 };
}

export function cutOf(r: number, ...peers: string[]): Cut {
  const all = peers.length === 0 ? three : peers;
  return { op: 'CUT', r: r as RoundNumber, updates: all.map(updateBy) };
}

export function sealOf(r: number, model: string, total = 30): Seal {
  return { op: 'SEAL', r: r as RoundNumber, agg: digestOf(utf8(model)), W: total, metrics: {} };
}

/** The state after blocks of these operations, all of time 1000. */
export function chainAfter(...blocks: readonly (readonly Op[])[]): ChainState {
  return blocks.reduce((state, ops) => {
    const h = (state.height + 1) as Height;
    const log = { size: h, root: digestOf() };
    const body = { v: 1, cid: digestOf(), e: 0, h, prev: state.prev, ts: 1000, ops, log } as const;
    return advance(state, body, versions);
  }, genesisChain(plan));
}
