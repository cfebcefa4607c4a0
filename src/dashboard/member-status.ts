/** One word for each member, and the reason in a sentence: what an operator asks first. */
import type { NodeId } from '../base/index.ts';
import { differencesOf } from './member-differences.ts';
import { linkRemedy, linkWords } from './link-words.ts';
import type { FormerMember, MemberView } from './member-view.ts';
import type { LinkLayer, LinkState } from './node-facts.ts';
import type { NodeView } from './node-view.ts';
import type { RoundView } from './round-view.ts';

/**
 * How far a member has come: `registered` in the manifest; `configured`: heard of since this node started, but not connected
 * now; `connected`; `training`: asked by the round under way; `contributed` to the last agreed cut; `excluded` from it, or
 * suspended, or revoked.
 */
export type MemberState =
  'registered' | 'configured' | 'connected' | 'training' | 'contributed' | 'excluded';

/** A member as the page and `annulus status` show it. Times are ms since 1970; null is "not known". */
export interface MemberStatus {
  readonly id: NodeId;
  /** Whether it is this node. */
  readonly isSelf: boolean;
  /** False of one that was revoked. */
  readonly isMember: boolean;
  readonly state: MemberState;
  /** Why it is in this state: a sentence without a full stop. */
  readonly reason: string;
  /** What to do about a link that does not stand; null where nothing is known, or nothing to be done. */
  readonly remedy: string | null;
  /** `self`: this node; `unknown`: the network said nothing yet. */
  readonly link: LinkState['state'] | 'self' | 'unknown';
  readonly layer: LinkLayer | null;
  readonly linkSinceMs: number | null;
  readonly lastHeardMs: number | null;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** The last sealed round that has its update. */
  readonly round: number | null;
  readonly height: number | null;
  readonly contributedCount: number;
  readonly excludedCount: number;
}

/** All members in the manifest's order, then those that are none any more. */
export function memberStatuses(view: NodeView): readonly MemberStatus[] {
  return [
    ...view.members.map((member) => memberStatus(view, member)),
    ...view.formerMembers.map(formerStatus),
  ];
}

function memberStatus(view: NodeView, member: MemberView): MemberStatus {
  const { id, link, contributedRound, contributedCount, excludedCount } = member;
  const isSelf = id === view.identity?.self;
  const [state, why] = stateOf(view, member, isSelf);
  const reason = [why, ...differencesOf(view, id)].join('; ');
  const own = isSelf ? view.traffic : null;
  return {
    ...{
      id,
      isSelf,
      isMember: true,
      state,
      reason,
      contributedCount,
      excludedCount,
      round: contributedRound,
    },
    link: isSelf ? 'self' : (link?.state ?? 'unknown'),
    layer: isSelf ? null : (link?.layer ?? null),
    remedy: isSelf || link?.layer == null ? null : linkRemedy(link),
    linkSinceMs: isSelf ? view.identity.atMs : (link?.sinceMs ?? null),
    lastHeardMs: isSelf ? view.nowMs : (link?.lastHeardMs ?? null),
    sentBytes: (own ?? link)?.sentBytes ?? 0,
    receivedBytes: (own ?? link)?.receivedBytes ?? 0,
    height: isSelf ? view.height : (member.said?.height ?? link?.height ?? null),
  };
}

type Judged = readonly [MemberState, string];

function stateOf(view: NodeView, member: MemberView, isSelf: boolean): Judged {
  const { suspendedAtHeight, id } = member;
  if (suspendedAtHeight !== null) {
    const why = 'it broke the rules of consensus, and its key has no vote any more';
    return ['excluded', `suspended at height ${suspendedAtHeight}: ${why}`];
  }
  const isUp = isSelf || member.link?.state === 'connected';
  const part = view.round === null ? null : partIn(view.round, id);
  const past = part === null ? lastPart(view, id) : null;
  const found = part ?? past;
  if (found !== null) return [found[0], isUp ? found[1] : withLink(found[1], member.link)];
  const round = view.round;
  const isAsked = round?.participants.includes(id) === true;
  if (isSelf) return ownState(view, isAsked);
  if (!isUp) return unconnected(member.link, isAsked ? round : null);
  if (round === null)
    return [
      'connected',
      `connected; ${view.isDone ? 'the plan is carried out' : 'no round is under way'}`,
    ];
  if (!isAsked)
    return ['connected', `connected; round ${round.round} of ${round.stage} does not ask for it`];
  const isHeld = round.held.includes(id);
  return [
    'training',
    `takes part in round ${round.round}; its update ${isHeld ? 'is here, and waits for the cut' : 'is not here yet'}`,
  ];
}

/** What the cut of the round under way says of a member; null before the cut, and of whom it did not ask. */
function partIn({ round, state, contributors, excluded }: RoundView, id: NodeId): Judged | null {
  const isOver = state === 'sealed';
  if (contributors.some(({ node }) => node === id)) {
    return [
      'contributed',
      isOver ? `contributed to round ${round}` : `its update is in the cut of round ${round}`,
    ];
  }
  const left = excluded.find(({ node }) => node === id);
  return left === undefined ? null : ['excluded', `left out of round ${round}: ${left.why}`];
}

/** Between two rounds: what the last one says. */
function lastPart({ round, rounds }: NodeView, id: NodeId): Judged | null {
  const last = rounds.at(-1);
  return round !== null || last?.state !== 'sealed' ? null : partIn(last, id);
}

function ownState(view: NodeView, isAsked: boolean): Judged {
  const { identity, members, round, work } = view;
  const up = members.filter(({ link }) => link?.state === 'connected').length;
  const quorum = identity?.quorum ?? 0;
  if (round !== null && isAsked) return ['training', ownWork(view)];
  if (up === 0 && members.length > 1) return ['configured', 'runs, and is connected to nobody'];
  if (up + 1 < quorum) {
    return [
      'connected',
      `connected to ${up}: with itself ${up + 1} of the ${quorum} that must agree`,
    ];
  }
  if (round !== null)
    return ['connected', `round ${round.round} of ${round.stage} does not ask for it`];
  if (view.isDone) return ['connected', 'the plan is carried out'];
  return ['connected', work === null ? 'waits for the next round' : ownWork(view)];
}

function ownWork({ round, work }: NodeView): string {
  const number = round?.round ?? 0;
  if (work === null) return `takes part in round ${number}`;
  if (work.work === 'announced')
    return `its update of round ${number} is on its way, and waits for the cut`;
  const { progress } = work;
  const what = { train: 'trains for', prepare: 'prepares', mix: 'exchanges models of' }[work.work];
  const steps = progress === null ? '' : `: ${progress.done} of ${progress.total}`;
  return `${what} round ${number}${steps}`;
}

function unconnected(link: LinkState | null, round: RoundView | null): Judged {
  const asked = round === null ? '' : `; round ${round.round} asks for it`;
  const how = link === null ? 'the network said nothing of it yet' : linkWords(link);
  return link?.lastHeardMs == null
    ? ['registered', `never heard of since this node started; ${how}${asked}`]
    : ['configured', `heard before; ${how}${asked}`];
}

/** A reason, and the link as it is now where the reason does not say it already. */
function withLink(reason: string, link: LinkState | null): string {
  if (link === null) return reason;
  const words = linkWords(link);
  return reason.endsWith(words) ? reason : `${reason}; now ${words}`;
}

function formerStatus({ id, revokedAtHeight }: FormerMember): MemberStatus {
  return {
    ...{ id, isSelf: false, isMember: false, state: 'excluded', link: 'unknown', layer: null },
    remedy: null,
    reason: `revoked: not in the manifest any more since height ${revokedAtHeight}`,
    ...{ linkSinceMs: null, lastHeardMs: null, sentBytes: 0, receivedBytes: 0 },
    ...{ round: null, height: null, contributedCount: 0, excludedCount: 0 },
  };
}
