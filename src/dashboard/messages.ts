/** What is wrong now, in plain words with its remedy: said while it is so, and gone when it is over. */
import { durationText } from '../report/index.ts';
import { differences } from './member-differences.ts';
import { linkRemedy, linkWords } from './link-words.ts';
import type { MemberView } from './member-view.ts';
import type { Notice } from './node-facts.ts';
import type { NodeView } from './node-view.ts';
import type { RoundView } from './round-view.ts';

/** A healthy network is not always whole: what is younger than this is no message yet. */
const graceMs = 60_000;
/** A lost quorum stops everybody, so it is said sooner. */
const quorumGraceMs = 15_000;
/** Rounds that a member must miss one after the other before it is said of it. */
const missedRounds = 3;
/** Below this a round may not fit; the node itself says when it stops for it. */
const diskBytesMin = 2 * 2 ** 30;

/** Of members that are away. */
const namesShown = 8;

const gravity = { error: 0, warning: 1, info: 2 };

/** Messages that hold now, the gravest first: what the node said, and what follows from the view. */
export function messagesOf(view: NodeView): readonly Notice[] {
  const derived = [
    ...quorumLost(view),
    ...unreachable(view),
    ...differences(view),
    ...retired(view),
    ...missed(view),
    ...overdue(view),
    ...voided(view),
    ...suspended(view),
    ...diskLow(view),
    ...notCosigned(view),
  ];
  const said = new Set(view.notices.map(({ code }) => code));
  return [...view.notices, ...derived.filter(({ code }) => !said.has(code))].sort(
    (a, b) => gravity[a.level] - gravity[b.level] || a.atMs - b.atMs,
  );
}

function others({ members, identity }: NodeView): readonly MemberView[] {
  return members.filter(({ id }) => id !== identity?.self);
}

function quorumLost(view: NodeView): Notice[] {
  const { identity, nowMs } = view;
  if (identity === null) return [];
  const up = 1 + others(view).filter(({ link }) => link?.state === 'connected').length;
  if (up >= identity.quorum || nowMs - identity.atMs < quorumGraceMs) return [];
  const away = others(view).flatMap(({ link }) =>
    link === null || link.state === 'connected' ? [] : [link.sinceMs],
  );
  const atMs = Math.max(identity.atMs, ...away);
  if (nowMs - atMs < quorumGraceMs) return [];
  const missing = others(view).filter(({ link }) => link?.state !== 'connected');
  const shown = missing.slice(0, namesShown).map(({ id, link }) => {
    const heardMs = link?.lastHeardMs ?? null;
    if (heardMs === null) return `${id} never heard of since this node started`;
    return `${id} not heard of for ${durationText(Math.max(0, nowMs - heardMs))}`;
  });
  const told = `${shown.join(', ')}${missing.length > namesShown ? ' …' : ''}`;
  const ago = durationText(Math.max(0, nowMs - view.decidedMs));
  const since = view.decidedMs === 0 ? 'no decision yet' : `no decision for ${ago}`;
  return [
    {
      ...{ code: 'no-quorum', level: 'warning', atMs },
      text: `nothing can be agreed, ${since}: ${missing.length} of ${view.members.length} members are away (${told}), ${up} are here with this node, and ${identity.quorum} must be`,
      remedy:
        'have their nodes started or their lines mended: rounds go on by themselves when enough are back; if they never come back: annulus consortium draft --restart (docs/running-a-node.md, "When too many are gone for good")',
    },
  ];
}

function unreachable(view: NodeView): Notice[] {
  return others(view).flatMap(({ id, link }) => {
    if (link === null || link.state === 'connected') return [];
    if (view.nowMs - link.sinceMs < graceMs) return [];
    return [
      {
        ...{ code: `unreachable-${id}`, level: 'warning', atMs: link.sinceMs },
        text: `${id} is ${linkWords(link)}`,
        remedy: linkRemedy(link),
      },
    ];
  });
}

function missed({ rounds, members }: NodeView): Notice[] {
  return members.flatMap(({ id }) => {
    const asked = rounds.filter(
      ({ state, participants }) => state === 'sealed' && participants.includes(id),
    );
    const last = asked.slice(-missedRounds);
    const isMissing = ({ excluded }: RoundView): boolean =>
      excluded.some(({ node }) => node === id);
    if (last.length < missedRounds || !last.every(isMissing)) return [];
    const why = last.at(-1)?.excluded.find(({ node }) => node === id)?.why ?? '';
    return [
      {
        ...{ code: `missed-${id}`, level: 'warning', atMs: last[0]?.endedAtMs ?? 0 },
        text: `${id} is not in the last ${missedRounds} rounds that asked for it: ${why}`,
        remedy: 'its images do not count while this goes on: ask the member to look at its node',
      },
    ];
  });
}

function overdue({ round, deadlineMs, nowMs }: NodeView): Notice[] {
  if (round === null || deadlineMs === null || nowMs - deadlineMs < graceMs) return [];
  const missing = round.participants.filter((id) => !round.held.includes(id));
  const whose =
    round.state === 'open' && missing.length > 0 ? `; no update yet of ${missing.join(', ')}` : '';
  return [
    {
      ...{ code: 'round-overdue', level: 'warning', atMs: deadlineMs },
      text: `round ${round.round} should have ended${whose}`,
      remedy: 'it is closed as soon as enough members agree: look whether a quorum is connected',
    },
  ];
}

function voided({ rounds }: NodeView): Notice[] {
  const last = rounds.at(-1);
  if (last?.state !== 'void') return [];
  return [
    {
      ...{ code: 'round-void', level: 'warning', atMs: last.endedAtMs ?? 0 },
      text: `round ${last.round} ended without a model: ${last.voidReason ?? 'no reason known'}`,
      remedy:
        'the next round tries again from the same model; when it happens again, look at the slowest members',
    },
  ];
}

function retired({ isRetired }: NodeView): Notice[] {
  if (!isRetired) return [];
  return [
    {
      ...{ code: 'retired', level: 'warning', atMs: 0 },
      text: 'this node does not vote any more: its key has signed votes that its disk does not have, as after a restored or cloned disk',
      remedy:
        'make sure that no second machine runs with this key, then give the node new ones: annulus member rotate',
    },
  ];
}

function suspended({ members }: NodeView): Notice[] {
  return members.flatMap(({ id, suspendedAtHeight }) =>
    suspendedAtHeight === null
      ? []
      : [
          {
            ...{ code: `suspended-${id}`, level: 'warning', atMs: 0 },
            text: `${id} has no vote since height ${suspendedAtHeight}: it signed two contradicting statements`,
            remedy:
              'the proof is in the log. A cloned disk or a stolen key does this: the member takes new keys with annulus member rotate',
          },
        ],
  );
}

function diskLow({ disk }: NodeView): Notice[] {
  if (disk === null || disk.freeBytes >= diskBytesMin) return [];
  return [
    {
      ...{ code: 'disk-low', level: 'warning', atMs: 0 },
      text: 'less than 2 GiB are free on the disk of this node',
      remedy: 'make room before the next round: the node stops when it cannot write',
    },
  ];
}

function notCosigned({ log, round }: NodeView): Notice[] {
  // Between two heads a quorum is always missing for a moment; while rounds go on the next head brings it.
  if (log === null || round !== null || log.cosigners.length >= log.quorum || log.size === 0)
    return [];
  return [
    {
      ...{ code: 'log-not-cosigned', level: 'info', atMs: 0 },
      text: `the latest log head has ${log.cosigners.length} cosignatures of the ${log.quorum} that it needs`,
      remedy: 'they come by themselves when enough members are connected',
    },
  ];
}
