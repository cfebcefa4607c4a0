/**
 * Which blocks may be proposed and which are accepted: the deterministic part by the chain's state, the local part by
 * what this node holds and has computed (its `LocalView`). Pure apart from that view.
 */
import { equalBytes, type Digest, type NodeId } from '../base/index.ts';
import {
  encodeCanonical,
  planRefusal,
  verifyEvidence,
  type BlockBody,
  type Cut,
  type CutUpdate,
  type EpochContext,
  type Evid,
  type Membership,
  type Op,
  type Open,
  type Plan,
  type RoundOp,
  type Void,
} from '../wire/index.ts';
import { applyOp, nextOpen, type ChainState } from './chain.ts';
import type { Judgement, LocalView } from './local-view.ts';

/** What is the same for every block. */
export interface RuleContext {
  readonly plan: Plan;
  readonly code: Digest;
  /** The keys that evidence is checked against. */
  readonly epoch: EpochContext;
  /** How long an update may be certified before leaving it out counts as censorship. */
  readonly censorAfterMs: number;
}

/** The operations this node would propose now, or null while there is nothing to decide. */
export function dueOps(
  state: ChainState,
  ts: number,
  view: LocalView,
  context: RuleContext,
): Op[] | null {
  const { phase } = state;
  const [convicting] = view.evidence().filter(({ a }) => !state.suspendedFrom.has(a.i));
  if (convicting !== undefined && phase.kind !== 'done') return [{ op: 'EVID', pair: convicting }];
  switch (phase.kind) {
    case 'done': {
      const change = changeDue(state, view, context);
      return change === null ? null : [change];
    }
    case 'idle':
      return withOpen(state, [], ts, view, context);
    case 'open': {
      if (isOverdue(phase.open, ts, context.plan)) {
        return withOpen(state, [voidOf(phase.open, 'too_few_updates')], ts, view, context);
      }
      const updates = view.round.certified();
      const here = peersOf(updates);
      const isComplete = phase.open.participants.every(
        (peer) => here.has(peer) || mayOmit(phase.open, peer, ts, view),
      );
      if (!isComplete) return null;
      if (updates.length >= phase.open.minParticipants) {
        // Only who holds them all votes for them: asking before a quorum does would use up a view.
        return view.round.areHeldTogether(updates)
          ? [{ op: 'CUT', r: phase.open.r, updates }]
          : null;
      }
      if (ts < phase.open.deadline) return null;
      return withOpen(state, [voidOf(phase.open, 'too_few_updates')], ts, view, context);
    }
    case 'cut': {
      const aggregate = view.round.aggregate();
      const isLate = isOverdue(phase.open, ts, context.plan);
      if (aggregate === null && !isLate) {
        const updates = view.round.smallerCut();
        if (updates === null || updates.length < phase.open.minParticipants) return null;
        return [{ op: 'CUT', r: phase.open.r, updates }];
      }
      let end: RoundOp;
      if (aggregate === null) end = voidOf(phase.open, 'aggregation_failed');
      else if (aggregate.isRefused) end = voidOf(phase.open, 'rejected_model');
      // Overdue, members are of two minds: whoever leads ends the round, or each who would seal it costs a longer view.
      else if (isLate) end = voidOf(phase.open, lateReason(phase.open));
      else end = aggregate.seal;
      return withOpen(state, [end], ts, view, context);
    }
  }
}

/** By list: it is asked for after every message, and the same list comes until one more update is certified. */
const peerSets = new WeakMap<readonly CutUpdate[], ReadonlySet<NodeId>>();

function peersOf(updates: readonly CutUpdate[]): ReadonlySet<NodeId> {
  const known = peerSets.get(updates);
  if (known !== undefined) return known;
  const made = new Set(updates.map(({ peer }) => peer));
  peerSets.set(updates, made);
  return made;
}

/** Judges the operations of another's proposal; `ts` is the body's time. */
export function judgeOps(
  state: ChainState,
  body: BlockBody,
  view: LocalView,
  context: RuleContext,
): Judgement {
  const [first, second, ...more] = body.ops;
  if (first === undefined || more.length > 0) return 'reject';
  const { phase } = state;
  if (first.op === 'MEMBER') {
    return second === undefined ? judgeMember(state, first, view, context) : 'reject';
  }
  if (phase.kind === 'done') return 'reject';
  if (first.op === 'EVID') {
    return second === undefined ? judgeEvid(state, first, body, context) : 'reject';
  }
  if (phase.kind === 'idle') {
    return second === undefined ? judgeOpen(state, first, body.ts, view, context) : 'reject';
  }
  if (second !== undefined && second.op !== 'OPEN') return 'reject';
  if (first.op === 'OPEN' || first.r !== phase.open.r) return 'reject';
  if (first.op === 'CUT') {
    if (second !== undefined) return 'reject';
    return phase.kind === 'open'
      ? judgeCut(phase.open, first, body.ts, view, context)
      : judgeSmallerCut(phase, first, view);
  }
  if (first.op === 'SEAL' && phase.kind !== 'cut') return 'reject';
  const after = applyOp(state, first, context.plan);
  // The end of a round may stand alone: a MEMBER can come before the next OPEN.
  if (second !== undefined && after.phase.kind !== 'idle') return 'reject';
  const ended =
    first.op === 'SEAL'
      ? view.round.judgeSeal(first)
      : judgeVoid(first, phase, body.ts, view, context);
  if (ended !== 'accept' || second === undefined) return ended;
  return judgeOpen(after, second, body.ts, view, context);
}

function withOpen(
  state: ChainState,
  ops: readonly RoundOp[],
  ts: number,
  view: LocalView,
  context: RuleContext,
): Op[] | null {
  const after = ops.reduce((current, op) => applyOp(current, op, context.plan), state);
  if (after.phase.kind === 'done') return [...ops];
  const change = changeDue(after, view, context);
  if (change !== null) return ops.length === 0 ? [change] : [...ops];
  const open = nextOpen(after, context.plan, ts, context.code, (stage) =>
    view.initialDigest(stage),
  );
  return open === null ? null : [...ops, open];
}

/** The first of the next versions that may take the place of the one in force now. */
function changeDue(
  { epoch, stageIndex }: ChainState,
  view: LocalView,
  { plan }: RuleContext,
): Membership | null {
  const found = view.pending().find(({ signed: { manifest } }) => {
    return manifest.version === epoch + 1 && planRefusal(plan, manifest.plan, stageIndex) === null;
  });
  return found === undefined ? null : { op: 'MEMBER', version: epoch + 1, manifest: found.digest };
}

/** Between two rounds, or when the plan is carried out. */
function judgeMember(
  { phase, epoch, stageIndex }: ChainState,
  change: Membership,
  view: LocalView,
  { plan }: RuleContext,
): Judgement {
  if (phase.kind !== 'idle' && phase.kind !== 'done') return 'reject';
  if (change.version !== epoch + 1) return 'reject';
  const next = view.successor(change);
  if (typeof next === 'string') return next;
  return planRefusal(plan, next.manifest.plan, stageIndex) === null ? 'accept' : 'reject';
}

/** By the keys alone: every honest member says the same, whether it has seen the offence or not. */
function judgeEvid(
  state: ChainState,
  { pair }: Evid,
  body: BlockBody,
  { epoch }: RuleContext,
): Judgement {
  const { suspendedFrom } = state;
  const culprit = verifyEvidence(pair, { ...epoch, suspendedFrom });
  // Who has a vote at a later height is not decided yet.
  const isKnown = pair.a.h <= body.h;
  return culprit !== null && isKnown && !suspendedFrom.has(culprit) ? 'accept' : 'reject';
}

function judgeOpen(
  state: ChainState,
  op: Op,
  ts: number,
  view: LocalView,
  context: RuleContext,
): Judgement {
  if (op.op !== 'OPEN') return 'reject';
  const expected = nextOpen(state, context.plan, ts, context.code, (stage) =>
    view.initialDigest(stage),
  );
  if (expected === null) return 'wait';
  return isSame(op, expected) ? 'accept' : 'reject';
}

function judgeCut(
  open: Open,
  cut: Cut,
  ts: number,
  view: LocalView,
  context: RuleContext,
): Judgement {
  if (cut.updates.length < open.minParticipants) return 'reject';
  if (!cut.updates.every((update) => open.participants.includes(update.peer))) return 'reject';
  const verdicts = cut.updates.map((update) => view.round.judgeUpdate(update));
  if (verdicts.includes('reject')) return 'reject';
  for (const peer of open.participants) {
    if (cut.updates.some((update) => update.peer === peer)) continue;
    const heldMs = view.round.certifiedForMs(peer);
    // Leaving out an update that a quorum holds is censorship, unless the proposer may not have heard of that yet.
    if (heldMs !== null && heldMs > context.censorAfterMs) return 'reject';
    if (heldMs === null && !mayOmit(open, peer, ts, view)) return 'wait';
  }
  return verdicts.includes('wait') ? 'wait' : 'accept';
}

/** A mixing goes on without members who keep it from its end: the same updates, but for theirs. */
function judgeSmallerCut(
  { open, cut: decided }: { readonly open: Open; readonly cut: Cut },
  { updates }: Cut,
  view: LocalView,
): Judgement {
  if (open.rule.kind !== 'mixing') return 'reject';
  const isSmaller = updates.length < decided.updates.length;
  if (!isSmaller || updates.length < open.minParticipants) return 'reject';
  const isIn = (update: CutUpdate, list: readonly CutUpdate[]): boolean =>
    list.some(({ peer, env, upd, n }) => {
      return peer === update.peer && env === update.env && upd === update.upd && n === update.n;
    });
  if (!updates.every((update) => isIn(update, decided.updates))) return 'reject';
  const left = decided.updates.filter((update) => !isIn(update, updates));
  return left.every(({ peer }) => view.round.mayLeaveOut(peer)) ? 'accept' : 'wait';
}

function judgeVoid(
  op: Void,
  phase: { readonly kind: 'open' | 'cut'; readonly open: Open },
  ts: number,
  view: LocalView,
  context: RuleContext,
): Judgement {
  if (phase.kind === 'open') {
    const isTooFew = view.round.certified().length < phase.open.minParticipants;
    const isLate = ts >= phase.open.deadline;
    const mayEnd = (isTooFew && isLate) || isOverdue(phase.open, ts, context.plan);
    return op.reason === 'too_few_updates' && mayEnd ? 'accept' : 'reject';
  }
  if (op.reason === 'too_few_updates') return 'reject';
  if (isOverdue(phase.open, ts, context.plan)) return 'accept';
  if (op.reason !== 'rejected_model') return 'reject';
  const own = view.round.aggregate();
  if (own === null) return 'wait';
  return own.isRefused ? 'accept' : 'wait';
}

/**
 * Whether a round goes on a whole round's time beyond its deadline. No quorum may hold the same updates, or hold-outs
 * may be of two minds: neither CUT, SEAL nor VOID then finds a quorum by its merits, and the round must end all the same.
 */
function isOverdue(open: Open, ts: number, plan: Plan): boolean {
  const stage = plan.stages.find(({ id }) => id === open.stage);
  return stage !== undefined && ts >= open.deadline + stage.roundTimeoutMs;
}

function mayOmit(open: Open, peer: NodeId, ts: number, view: LocalView): boolean {
  return ts >= open.deadline || view.round.isSilent(peer);
}

function lateReason({ rule }: Open): Void['reason'] {
  return rule.kind === 'mixing' ? 'models_apart' : 'rejected_model';
}

function voidOf(open: Open, reason: Void['reason']): Void {
  return { op: 'VOID', r: open.r, reason };
}

function isSame(a: Op, b: Op): boolean {
  return equalBytes(encodeCanonical(a), encodeCanonical(b));
}
