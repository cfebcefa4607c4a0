/**
 * What is known of a node, from its events alone: `reduce(view, event)` is the next view. It reads no clock and keeps no
 * more than `viewLimits` says, however long the node runs.
 */
import type { PeerEvent } from '../peer/index.ts';
import { journalLine } from './journal.ts';
import { changeMembers, memberViews, withClaims, withLink } from './member-view.ts';
import type { NodeFact, Notice, RoundError } from './node-facts.ts';
import type { NodeEvent, NodeView } from './node-view.ts';
import { historyNotice, restartCode } from './restart-notices.ts';
import {
  cutRound,
  endedRounds,
  heldUpdate,
  leftOut,
  openedRound,
  sealedRound,
  voidRound,
  withError,
  type RoundView,
} from './round-view.ts';
import { bounded, viewLimits } from './view-limits.ts';

/** The view after `event`. Pure; an event that says nothing new may give the same view. */
export function reduce(view: NodeView, event: NodeEvent): NodeView {
  const next = isPeerEvent(event)
    ? afterDecision(afterPeerEvent(view, event), event)
    : afterFact(view, event);
  const line = next === view ? null : journalLine(view, event);
  if (line === null) return next;
  const entry = { ...line, number: (view.journal.at(-1)?.number ?? 0) + 1 };
  return { ...next, journal: bounded([...next.journal, entry], viewLimits.journal) };
}

const peerKinds: Readonly<Record<PeerEvent['kind'], true>> = {
  ...{ opened: true, working: true, announced: true, 'update-held': true, cut: true },
  ...{ sealed: true, void: true, 'caught-up': true, done: true },
  ...{ membership: true, left: true, restart: true, fork: true },
  ...{ suspended: true, retired: true, heard: true, 'false-sum': true },
};

function isPeerEvent(event: NodeEvent): event is PeerEvent {
  return event.kind in peerKinds;
}

/** Events of blocks have the block's time. */
function afterDecision(view: NodeView, event: PeerEvent): NodeView {
  const isLater = 'atMs' in event && event.atMs > view.decidedMs;
  return isLater ? { ...view, decidedMs: event.atMs } : view;
}

function afterPeerEvent(view: NodeView, event: PeerEvent): NodeView {
  switch (event.kind) {
    case 'opened':
      // A log's history is told again at each start: what is known stays as it is.
      if (isKnown(view, event.round)) return view;
      return { ...view, round: openedRound(event), work: null, deadlineMs: null };
    case 'working': {
      const { round, work, progress } = event;
      return { ...view, work: { round, work, progress } };
    }
    case 'announced': {
      const round = heldUpdate(view.round, event.round, view.identity?.self);
      return { ...view, round, work: { round: event.round, work: 'announced', progress: null } };
    }
    case 'update-held':
      return { ...view, round: heldUpdate(view.round, event.round, event.member) };
    case 'cut':
      return { ...view, round: cutRound(view.round, event, view.members) };
    case 'sealed':
      return afterSealed(view, event);
    case 'void': {
      if (isEnded(view, event.round)) return view;
      const counts = { ...view.roundCounts, void: view.roundCounts.void + 1 };
      return { ...afterRound(view, voidRound(view.round, event)), roundCounts: counts };
    }
    case 'caught-up':
      return { ...view, height: Math.max(view.height, event.height) };
    case 'restart':
    case 'fork':
      return withNotice(view, historyNotice(event, view.nowMs));
    case 'membership': {
      // What the members are, the fact `members` tells.
      const notices = view.notices.filter(({ code }) => code !== restartCode);
      return { ...view, notices, height: Math.max(view.height, event.height) };
    }
    case 'left':
      return { ...view, height: Math.max(view.height, event.height) };
    case 'suspended': {
      const { member: id, height } = event;
      const members = view.members.map((member) =>
        member.id === id ? { ...member, suspendedAtHeight: height } : member,
      );
      return { ...view, members };
    }
    case 'false-sum': // the journal tells it
      return { ...view };
    case 'retired':
      return { ...view, isRetired: true };
    case 'heard':
      return { ...view, members: withClaims(view.members, event.member, event, view.nowMs) };
    case 'done':
      return { ...view, round: null, work: null, deadlineMs: null, isDone: true };
  }
}

function afterSealed(view: NodeView, event: Extract<PeerEvent, { kind: 'sealed' }>): NodeView {
  if (isEnded(view, event.round)) return view;
  const round = sealedRound(view.round, event, view.members);
  const { loss, stage } = round;
  const point = loss === null ? [] : [{ round: event.round, stage, loss }];
  const ids = new Set(event.participants.map(({ node }) => node));
  const excluded = new Set(event.excluded);
  return {
    ...afterRound(view, round),
    roundCounts: { ...view.roundCounts, sealed: view.roundCounts.sealed + 1 },
    losses: bounded([...view.losses, ...point], viewLimits.curvePoints),
    members: view.members.map((member) => ({
      ...member,
      contributedRound: ids.has(member.id) ? event.round : member.contributedRound,
      contributedCount: member.contributedCount + (ids.has(member.id) ? 1 : 0),
      excludedCount: member.excludedCount + (excluded.has(member.id) ? 1 : 0),
    })),
  };
}

/** `round` has ended. */
function afterRound(view: NodeView, round: RoundView): NodeView {
  const isUnderWay = view.round !== null && view.round.round > round.round;
  return {
    ...view,
    rounds: endedRounds(view.rounds, round),
    height: Math.max(view.height, round.height ?? 0),
    ...(isUnderWay ? {} : { round: null, work: null, deadlineMs: null }),
  };
}

function isEnded(view: NodeView, round: number): boolean {
  return round <= (view.rounds.at(-1)?.round ?? 0);
}

function isKnown(view: NodeView, round: number): boolean {
  return isEnded(view, round) || round <= (view.round?.round ?? 0);
}

function afterFact(view: NodeView, fact: NodeFact): NodeView {
  switch (fact.kind) {
    case 'started': {
      const { self, version, code, clockSkewMs, atMs } = fact;
      const { members, consortium, quorum, stages } = fact;
      const own = { self, version, code, clockSkewMs, atMs };
      const identity = { ...own, consortium, quorum, stages };
      const nowMs = Math.max(view.nowMs, fact.atMs);
      return { ...view, identity, nowMs, members: memberViews(members) };
    }
    case 'clock':
      return { ...view, nowMs: fact.nowMs };
    case 'manifest':
      return { ...view, manifestVersion: fact.version };
    case 'link':
      return { ...view, members: withLink(view.members, fact.member, fact.link) };
    case 'traffic': {
      const { sentBytes, receivedBytes } = fact;
      return { ...view, traffic: { sentBytes, receivedBytes } };
    }
    case 'chunks': {
      const { asked, arrived, askedAgain, refused } = fact;
      return { ...view, chunks: { asked, arrived, askedAgain, refused } };
    }
    case 'disk': {
      const { freeBytes, usedBytes } = fact;
      return { ...view, disk: { freeBytes, usedBytes } };
    }
    case 'log-head': {
      const { size, root, height, cosigners, quorum } = fact;
      const log = { size, root, height, cosigners, quorum };
      return { ...view, log, height: Math.max(view.height, height) };
    }
    case 'outside-witnesses':
      return { ...view, witnesses: fact.witnesses };
    case 'deadline':
      return fact.round === view.round?.round ? { ...view, deadlineMs: fact.atMs } : view;
    case 'left-out':
      return leftOutIn(view, fact);
    case 'members': {
      const { members, formerMembers } = changeMembers(view, fact);
      const identity = view.identity && { ...view.identity, quorum: fact.quorum };
      return { ...view, identity, members, formerMembers };
    }
    case 'round-error': {
      const { round, task, unit, value } = fact;
      const point = { round, task, unit, value };
      const isOther = (error: RoundError): boolean =>
        error.round !== round || error.task !== task || error.unit !== unit;
      const errors = bounded([...view.errors.filter(isOther), point], viewLimits.curvePoints);
      return { ...view, errors, rounds: withError(view.rounds, point) };
    }
    case 'notice':
      return withNotice(view, fact);
    case 'notice-over': {
      const notices = view.notices.filter(({ code }) => code !== fact.code);
      return notices.length === view.notices.length ? view : { ...view, notices };
    }
    case 'prediction': {
      const { caption, png, atMs } = fact;
      const isShown = png !== null && isPng(png) && png.byteLength <= viewLimits.pictureBytes;
      const number = (view.prediction?.number ?? 0) + 1;
      const prediction = { caption: clipped(caption), png: isShown ? png : null, atMs, number };
      return { ...view, prediction };
    }
  }
}

function leftOutIn(view: NodeView, fact: Extract<NodeFact, { kind: 'left-out' }>): NodeView {
  const { round, member } = fact;
  const why = clipped(fact.why);
  return {
    ...view,
    round: view.round === null ? null : leftOut(view.round, round, member, why),
    rounds: view.rounds.map((ended) => leftOut(ended, round, member, why)),
  };
}

function withNotice(view: NodeView, fact: Notice): NodeView {
  const { code, level, atMs } = fact;
  const notice = {
    ...{ code: clipped(code), level, atMs, text: clipped(fact.text) },
    remedy: fact.remedy === null ? null : clipped(fact.remedy),
  };
  const others = view.notices.filter((other) => other.code !== notice.code);
  return { ...view, notices: bounded([...others, notice], viewLimits.notices) };
}

const pngStart = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

function isPng(bytes: Uint8Array): boolean {
  return pngStart.every((byte, index) => bytes[index] === byte);
}

function clipped(text: string): string {
  return text.length <= viewLimits.textLength ? text : `${text.slice(0, viewLimits.textLength)}…`;
}
