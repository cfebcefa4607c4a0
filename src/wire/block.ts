/** What is agreed at each height: the block body and its operations. docs/specs/wire.md */
import type { Digest, Height, NodeId, RoundNumber } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import { readEvidence, type EvidencePair } from './evidence.ts';
import { bodyBytesMax, membersMax, mixingStepsMax } from './limits.ts';
import { readParticipants, shortName } from './plan.ts';
import {
  arr,
  checked,
  digest,
  height,
  int,
  isAscending,
  literal,
  nodeId,
  obj,
  optional,
  record,
  roundNumber,
  unionBy,
  type Reader,
} from './readers.ts';
import { readRule, type RoundRule } from './rule.ts';
import { readHyperparameters, type Hyperparameters } from './training.ts';

/** Starts a round: everything a participant must know to train. */
export interface Open {
  readonly op: 'OPEN';
  readonly r: RoundNumber;
  /** The stage of the plan. */
  readonly stage: string;
  /** Digest of the model the round starts from. */
  readonly base: Digest;
  /** Digest of the program that trains. */
  readonly code: Digest;
  readonly hp: Hyperparameters;
  /** The stage's rule. */
  readonly rule: RoundRule;
  /** Updates after this time (ms since 1970) need not be taken. */
  readonly deadline: number;
  readonly minParticipants: number;
  readonly participants: readonly NodeId[];
}

/** One update that enters the average. Whoever votes for the cut holds it and could open it. */
export interface CutUpdate {
  readonly peer: NodeId;
  /** Digest of the signed envelope. */
  readonly env: Digest;
  /** Digest of the ciphertext. */
  readonly upd: Digest;
  /** Weight: samples, capped. */
  readonly n: number;
}

/** Fixes the set of updates, ascending by peer. */
export interface Cut {
  readonly op: 'CUT';
  readonly r: RoundNumber;
  readonly updates: readonly CutUpdate[];
}

/** Ends a round with a new model. */
export interface Seal {
  readonly op: 'SEAL';
  readonly r: RoundNumber;
  /** Digest of the new model (`modelDigest`). */
  readonly agg: Digest;
  /** Sum of the weights. */
  readonly W: number;
  /** Agreed numbers about the round, integers. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Of a round that was mixed, and of no other. */
  readonly mixed?: MixedSeal;
}

/** What stands behind the model of a mixing round. */
export interface MixedSeal {
  /** ε × 10^9: no parameter is further than this from the model of anybody who voted for it. */
  readonly epsilonNano: number;
  /** Exchanges that were made. */
  readonly steps: number;
  /** Everybody's signed report, ascending by peer: one for each update of the CUT. */
  readonly reports: readonly { readonly peer: NodeId; readonly report: Digest }[];
}

/** Why a round was given up. */
export type VoidReason =
  | 'too_few_updates'
  | 'rejected_model'
  | 'aggregation_failed'
  /** The models of a mixing round are further apart than its rule allows. */
  | 'models_apart';

/** Ends a round without a new model. */
export interface Void {
  readonly op: 'VOID';
  readonly r: RoundNumber;
  readonly reason: VoidReason;
}

/** Proves that a member broke the rules of consensus: its key has no vote from the next height on. */
export interface Evid {
  readonly op: 'EVID';
  readonly pair: EvidencePair;
}

/**
 * Puts the next version of the manifest in force, from the next height on. The version itself is too large for an entry of
 * the log: it is a file beside it, found by its hash.
 */
export interface Membership {
  readonly op: 'MEMBER';
  /** Of the manifest: one more than that in force. */
  readonly version: number;
  /** SHA-256 of the signed envelope's bytes. */
  readonly manifest: Digest;
}

/** What a round consists of. */
export type RoundOp = Open | Cut | Seal | Void;

/** Operations of a round; EVID and MEMBER stand alone in their blocks. */
export type Op = RoundOp | Evid | Membership;

/** The value decided at one height. */
export interface BlockBody {
  readonly v: 1;
  readonly cid: Digest;
  /** Epoch of the membership: the version of the manifest by whose members this block is decided. */
  readonly e: number;
  readonly h: Height;
  /** Digest of the previous body; `genesisPrev` at height 1. */
  readonly prev: Digest;
  /** Proposer's clock, ms since 1970, never falling. */
  readonly ts: number;
  readonly ops: readonly Op[];
  /** The consortium log after this height's leaves. */
  readonly log: { readonly size: number; readonly root: Digest };
}

/** The epoch of the membership that a manifest begins with. */
export const genesisEpoch = 0;

/** `prev` of the block at height 1. */
export const genesisPrev: Digest = '0'.repeat(64) as Digest;

const time = int(0, Number.MAX_SAFE_INTEGER);
const weight = int(1, 2 ** 31 - 1);

const readOpen: Reader<Open> = obj({
  op: literal('OPEN'),
  r: roundNumber,
  stage: shortName,
  base: digest,
  code: digest,
  hp: readHyperparameters,
  rule: readRule,
  deadline: time,
  minParticipants: int(1, membersMax),
  participants: readParticipants,
});

const readCut: Reader<Cut> = obj({
  op: literal('CUT'),
  r: roundNumber,
  updates: checked(
    arr(obj({ peer: nodeId, env: digest, upd: digest, n: weight }), membersMax, 1),
    (list) => (isAscending(list.map((update) => update.peer)) ? null : 'updates ascending by peer'),
  ),
});

const readMixed: Reader<MixedSeal> = obj({
  epsilonNano: int(1, 1_000_000_000),
  steps: int(0, mixingStepsMax),
  reports: checked(arr(obj({ peer: nodeId, report: digest }), membersMax, 1), (list) =>
    isAscending(list.map(({ peer }) => peer)) ? null : 'reports ascending by peer',
  ),
});

const readSeal: Reader<Seal> = obj({
  op: literal('SEAL'),
  r: roundNumber,
  agg: digest,
  W: int(1, Number.MAX_SAFE_INTEGER),
  metrics: record(
    /^[a-zA-Z][a-zA-Z0-9]{0,31}$/,
    int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    32,
  ),
  mixed: optional(readMixed),
});

const readVoid: Reader<Void> = obj({
  op: literal('VOID'),
  r: roundNumber,
  reason: literal('too_few_updates', 'rejected_model', 'aggregation_failed', 'models_apart'),
});

const readEvid: Reader<Evid> = obj({ op: literal('EVID'), pair: readEvidence });

const readMembership: Reader<Membership> = obj({
  op: literal('MEMBER'),
  version: int(1, 2 ** 31 - 1),
  manifest: digest,
});

/** Reads one operation; whether it may follow is not judged here. */
export const readOp: Reader<Op> = unionBy<Op>('op', {
  OPEN: readOpen,
  CUT: readCut,
  SEAL: readSeal,
  VOID: readVoid,
  EVID: readEvid,
  MEMBER: readMembership,
});

/** Reads the structure of a body; whether it may follow the last block is not judged here. */
export const readBlockBody: Reader<BlockBody> = obj({
  v: literal(1),
  cid: digest,
  e: int(0, 2 ** 31 - 1),
  h: height,
  prev: digest,
  ts: time,
  ops: arr(readOp, 4, 1),
  log: obj({ size: int(1, Number.MAX_SAFE_INTEGER), root: digest }),
});

/** The change of membership that a block decides; null for every other block. */
export function membershipOf({ ops }: Pick<BlockBody, 'ops'>): Membership | null {
  return ops.find((op) => op.op === 'MEMBER') ?? null;
}

const cutDigests = new WeakMap<Cut, Digest>();

/** SHA-256 of a CUT's canonical bytes: what the statements of its mixing, and the sums of its shards, are of. Each CUT is hashed once. */
export function cutDigest(cut: Cut): Digest {
  const known = cutDigests.get(cut);
  if (known !== undefined) return known;
  const made = digestOf(encodeCanonical(cut));
  cutDigests.set(cut, made);
  return made;
}

const openDigests = new WeakMap<Open, Digest>();

/** SHA-256 of an OPEN's canonical bytes: what the updates of its round name. Each OPEN is hashed once. */
export function openDigest(open: Open): Digest {
  const known = openDigests.get(open);
  if (known !== undefined) return known;
  const made = digestOf(encodeCanonical(open));
  openDigests.set(open, made);
  return made;
}

/** Canonical bytes of a body: what votes name by digest. */
export function encodeBlockBody(body: BlockBody): Uint8Array {
  return encodeCanonical(body);
}

/** @throws {WireError} 'too_large' or 'malformed' */
export function decodeBlockBody(bytes: Uint8Array): BlockBody {
  return readBlockBody(decodeStrict(bytes, { maxBytes: bodyBytesMax }));
}

const bodyDigests = new WeakMap<BlockBody, Digest>();

/** Digest of a body: SHA-256 of its canonical bytes. Each body is hashed once. */
export function bodyDigest(body: BlockBody): Digest {
  const known = bodyDigests.get(body);
  if (known !== undefined) return known;
  const made = digestOf(encodeBlockBody(body));
  bodyDigests.set(body, made);
  return made;
}

const blockLeaves = new WeakMap<Omit<BlockBody, 'log'>, Uint8Array>();

/** The body's own log entry: its canonical bytes without `log`, which depends on this entry. Nobody changes them. */
export function blockLeaf(body: Omit<BlockBody, 'log'>): Uint8Array {
  const known = blockLeaves.get(body);
  if (known !== undefined) return known;
  const { v, cid, e, h, prev, ts, ops } = body;
  const made = encodeCanonical({ v, cid, e, h, prev, ts, ops });
  blockLeaves.set(body, made);
  return made;
}
