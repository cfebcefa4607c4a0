/**
 * What the decided blocks say so far, and what may follow them. Pure: every node folds the same blocks to the
 * same state. Life of a round: OPEN → CUT → SEAL, or VOID at either step; the next OPEN follows from the plan.
 */
import { invariant, type Digest, type Height, type RoundNumber } from '../base/index.ts';
import {
  bodyDigest,
  genesisEpoch,
  genesisPrev,
  hyperparametersOf,
  membershipOf,
  noPace,
  paceAfterCut,
  paceAfterLack,
  roundTimeMs,
  type BlockBody,
  type Cut,
  type Evid,
  type Manifest,
  type Open,
  type Pace,
  type Plan,
  type PlanStage,
  type RoundOp,
  type Seal,
  type SignedManifest,
} from '../wire/index.ts';

/** Where a round stands. */
export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'open'; readonly open: Open }
  | { readonly kind: 'cut'; readonly open: Open; readonly cut: Cut }
  | { readonly kind: 'done' };

/** What the decided blocks add up to. */
export interface ChainState {
  /** Of the membership: the version of the manifest in force at the next height. */
  readonly epoch: number;
  /** Last decided height, 0 before the first. */
  readonly height: Height;
  readonly prev: Digest;
  readonly ts: number;
  /** Last opened round, 0 before the first. */
  readonly round: RoundNumber;
  readonly phase: Phase;
  /** Position in `plan.stages`. */
  readonly stageIndex: number;
  /** Sealed rounds of the stage under way. */
  readonly roundsSealed: number;
  /** Latest sealed model by stage id. */
  readonly models: ReadonlyMap<string, Digest>;
  /** What each of these models came from: the base of the round that sealed it. */
  readonly bases: ReadonlyMap<string, Digest>;
  /** What the rounds of the stage under way took. */
  readonly pace: Pace;
  /** By index in the manifest, the first height at which a convicted member's key has no vote. */
  readonly suspendedFrom: ReadonlyMap<number, number>;
}

/** The state before height 1. */
export function genesisChain(plan: Plan): ChainState {
  const stageIndex = stageFrom(plan, 0);
  return {
    epoch: genesisEpoch,
    height: 0 as Height,
    prev: genesisPrev,
    ts: 0,
    round: 0 as RoundNumber,
    phase: { kind: stageIndex < plan.stages.length ? 'idle' : 'done' },
    stageIndex,
    roundsSealed: 0,
    models: new Map(),
    bases: new Map(),
    pace: noPace,
    suspendedFrom: new Map(),
  };
}

/** The stage under way, or null when the plan is carried out. */
export function stageOf(state: ChainState, plan: Plan): PlanStage | null {
  return plan.stages[state.stageIndex] ?? null;
}

/**
 * Folds one decided body into the state. The body has been judged: a wrong one is our own fault.
 *
 * @param versions of the manifest by number: that of the state's epoch, and the next one if the body puts it in force
 */
export function advance(
  state: ChainState,
  body: BlockBody,
  versions: readonly Pick<SignedManifest, 'manifest'>[],
): ChainState {
  invariant(body.h === state.height + 1, 'blocks are applied in order of height');
  invariant(body.e === state.epoch, 'a decided block is of the epoch under way');
  invariant(body.prev === state.prev, 'a decided block names the one before it');
  const inForce = versions[state.epoch]?.manifest;
  invariant(inForce !== undefined, 'the version in force is here');
  const place = { height: body.h, prev: bodyDigest(body), ts: body.ts };
  const change = membershipOf(body);
  if (change === null) return { ...withOps(state, body, inForce.plan), ...place };
  const next = versions[change.version]?.manifest;
  const isNext = change.version === state.epoch + 1 && body.ops.length === 1;
  invariant(isNext && next !== undefined, 'the next version is here');
  return { ...enterEpoch(state, inForce, next), ...place };
}

function withOps(state: ChainState, { ops, ts }: BlockBody, plan: Plan): ChainState {
  return ops.reduce<ChainState>((current, op) => {
    invariant(op.op !== 'MEMBER', 'a MEMBER stands alone in its block');
    const next = applyOp(current, op, plan);
    const stage = stageOf(current, plan);
    if (op.op !== 'CUT' || current.phase.kind !== 'open' || stage === null) return next;
    return { ...next, pace: paceAfterCut(current.pace, stage, current.phase.open, op, ts) };
  }, state);
}

/**
 * The state under the next version of the manifest. A suspension follows the consensus key: to its new index, or away with
 * it. A plan that was carried out goes on when the next version adds to it. A restart ends the round under way without a model.
 */
function enterEpoch(state: ChainState, before: Manifest, after: Manifest): ChainState {
  const isBetween = state.phase.kind === 'idle' || state.phase.kind === 'done';
  invariant(isBetween || after.restart !== undefined, 'no round spans two epochs');
  const stageIndex = stageFrom(after.plan, state.stageIndex);
  const suspended = [...state.suspendedFrom].flatMap(([index, from]) => {
    const key = before.members[index]?.consensusKey;
    const now = after.members.findIndex(({ consensusKey }) => consensusKey === key);
    return now < 0 ? [] : [[now, from] as const];
  });
  return {
    ...{ ...state, epoch: after.version, stageIndex, suspendedFrom: new Map(suspended) },
    pace: noPace,
    phase: { kind: stageIndex < after.plan.stages.length ? 'idle' : 'done' },
  };
}

/** Folds one operation; used on its own to see what an OPEN in the same block must say. */
export function applyOp(state: ChainState, op: RoundOp | Evid, plan: Plan): ChainState {
  const { phase } = state;
  switch (op.op) {
    case 'OPEN':
      invariant(phase.kind === 'idle', 'a round opens when none is open');
      return { ...state, round: op.r, phase: { kind: 'open', open: op } };
    case 'CUT':
      invariant(phase.kind === 'open' || isMixed(phase), 'a cut closes an open round');
      return { ...state, phase: { kind: 'cut', open: phase.open, cut: op } };
    case 'SEAL':
      invariant(phase.kind === 'cut', 'a seal follows a cut');
      return sealed(state, phase.open, op, plan);
    case 'VOID':
      invariant(phase.kind === 'open' || phase.kind === 'cut', 'a round that is under way is void');
      // Of a round that was cut, the CUT has said whom it lacked.
      return {
        ...{ ...state, phase: { kind: 'idle' } },
        pace: phase.kind === 'open' ? paceAfterLack(state.pace) : state.pace,
      };
    case 'EVID': {
      const culprit = op.pair.a.i;
      invariant(!state.suspendedFrom.has(culprit), 'a member is suspended once');
      // `state.height` is that of the block before.
      const suspendedFrom = new Map(state.suspendedFrom).set(culprit, state.height + 2);
      return { ...state, suspendedFrom };
    }
  }
}

/** Whether a cut may follow a cut, with fewer updates: while its updates are mixed. */
function isMixed(phase: Phase): phase is Extract<Phase, { readonly kind: 'cut' }> {
  return phase.kind === 'cut' && phase.open.rule.kind === 'mixing';
}

/** Indices of the members whose keys a decided block suspends from the next height on. */
export function suspendedBy(body: Pick<BlockBody, 'ops'>): number[] {
  return body.ops.flatMap((op) => (op.op === 'EVID' ? [op.pair.a.i] : []));
}

function sealed(state: ChainState, open: Open, seal: Seal, plan: Plan): ChainState {
  const models = new Map(state.models).set(open.stage, seal.agg);
  const bases = new Map(state.bases).set(open.stage, open.base);
  const roundsSealed = state.roundsSealed + 1;
  const isStageDone = roundsSealed >= (stageOf(state, plan)?.rounds ?? 0);
  const stageIndex = isStageDone ? stageFrom(plan, state.stageIndex + 1) : state.stageIndex;
  const isPlanDone = stageIndex >= plan.stages.length;
  return {
    ...state,
    ...{ models, bases },
    stageIndex,
    pace: isStageDone ? noPace : state.pace,
    roundsSealed: isStageDone ? 0 : roundsSealed,
    phase: { kind: isPlanDone ? 'done' : 'idle' },
  };
}

/** The first stage from `index` on that has rounds; the number of stages when none has. */
function stageFrom(plan: Plan, index: number): number {
  const found = plan.stages.findIndex(({ rounds }, at) => at >= index && rounds > 0);
  return found < 0 ? plan.stages.length : found;
}

/**
 * The one OPEN that may come next, or null when none may or its base is not known here yet.
 *
 * @param ts time of the block that will hold it, ms since 1970
 * @param initialDigest digest of a stage's initial model, null while this node still computes it
 */
export function nextOpen(
  state: ChainState,
  plan: Plan,
  ts: number,
  code: Digest,
  initialDigest: (stage: PlanStage) => Digest | null,
): Open | null {
  const stage = stageOf(state, plan);
  if (state.phase.kind !== 'idle' || stage === null) return null;
  const base = state.models.get(stage.id) ?? initialDigest(stage);
  if (base === null) return null;
  return {
    op: 'OPEN',
    r: (state.round + 1) as RoundNumber,
    stage: stage.id,
    base,
    code,
    hp: hyperparametersOf(plan, stage, state.roundsSealed),
    rule: stage.rule,
    deadline: ts + roundTimeMs(stage, state.pace),
    minParticipants: stage.minParticipants,
    participants: stage.participants,
  };
}
