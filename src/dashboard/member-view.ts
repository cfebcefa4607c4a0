/** What is known of each member: its link, its part in the rounds, and whether it is still one. */
import type { NodeId } from '../base/index.ts';
import type { MemberClaims } from '../peer/index.ts';
import type { LinkState, MemberEntry } from './node-facts.ts';
import { bounded, viewLimits } from './view-limits.ts';

/** A member of the manifest in force. */
export interface MemberView {
  readonly id: NodeId;
  readonly addresses: readonly string[];
  /** Null before the network said anything, and for this node itself. */
  readonly link: LinkState | null;
  /** What it last said of itself, and since when it says this program and version, ms since 1970; null before. */
  readonly said: (MemberClaims & { readonly sinceMs: number }) | null;
  /** The last sealed round that has its update; null for none. */
  readonly contributedRound: number | null;
  /** Rounds that have its update, and rounds that left it out. */
  readonly contributedCount: number;
  readonly excludedCount: number;
  /** Height at which its key lost its vote; null while it has one. */
  readonly suspendedAtHeight: number | null;
}

/** One that is not a member any more. */
export interface FormerMember {
  readonly id: NodeId;
  readonly revokedAtHeight: number;
}

/** Members of whom nothing is known yet. */
export function memberViews(members: readonly MemberEntry[]): readonly MemberView[] {
  return members.map(({ id, addresses }) => ({
    ...{ id, addresses, link: null, said: null, contributedRound: null },
    ...{ contributedCount: 0, excludedCount: 0, suspendedAtHeight: null },
  }));
}

/** Members after news of one's link; news of somebody who is no member are passed over. */
export function withLink(
  members: readonly MemberView[],
  id: NodeId,
  link: LinkState,
): readonly MemberView[] {
  return members.map((member) =>
    member.id === id ? { ...member, link: linkAfter(member.link, link) } : member,
  );
}

/** Members after one has said something of itself. */
export function withClaims(
  members: readonly MemberView[],
  id: NodeId,
  { height, aheadMs, code, version }: MemberClaims,
  nowMs: number,
): readonly MemberView[] {
  return members.map((member) => {
    if (member.id !== id) return member;
    const { said } = member;
    const isSame = said?.code === code && said.version === version;
    const sinceMs = isSame ? said.sinceMs : nowMs;
    return { ...member, said: { height, aheadMs, code, version, sinceMs } };
  });
}

/** A redial of an unreachable member leaves it unreachable, and `sinceMs` where it was. */
function linkAfter(before: LinkState | null, now: LinkState): LinkState {
  if (before === null || before.state === 'connected') return now;
  if (now.state === 'dialing' && before.state === 'unreachable') {
    return {
      ...now,
      state: 'unreachable',
      layer: before.layer,
      detail: before.detail,
      remedy: before.remedy,
      sinceMs: before.sinceMs,
    };
  }
  const isSame = now.state === before.state;
  return isSame ? { ...now, sinceMs: Math.min(now.sinceMs, before.sinceMs) } : now;
}

/** Members and former members after a change of the manifest. */
export function changeMembers(
  before: {
    readonly members: readonly MemberView[];
    readonly formerMembers: readonly FormerMember[];
  },
  change: { readonly members: readonly MemberEntry[]; readonly height: number },
): { readonly members: readonly MemberView[]; readonly formerMembers: readonly FormerMember[] } {
  const known = new Map(before.members.map((member) => [member.id, member]));
  const members = memberViews(change.members).map((fresh) => {
    const { addresses } = fresh;
    return { ...fresh, ...known.get(fresh.id), addresses };
  });
  const ids = new Set(change.members.map(({ id }) => id));
  const gone = before.members
    .filter(({ id }) => !ids.has(id))
    .map(({ id }) => ({ id, revokedAtHeight: change.height }));
  const former = before.formerMembers.filter(({ id }) => !ids.has(id));
  return { members, formerMembers: bounded([...former, ...gone], viewLimits.formerMembers) };
}
