/** A node's life as events: eight hospitals, two teachers' rounds and a student's, one member away, one left out. Times are made up. */
import type { Digest, NodeId } from '../../src/base/index.ts';
import type { LinkState, NodeEvent, NodeFact } from '../../src/dashboard/index.ts';
import type { MemberClaims, PeerEvent } from '../../src/peer/index.ts';
import { encodeGrayPng } from '../../src/report/index.ts';

export const ids = ['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'L8'] as NodeId[];
export const self: NodeId = ids[0]!;
/** 2026-11-29 10:00 UTC. */
export const startMs = 1_795_946_400_000;

/** q = floor(2·8/3)+1. */
export const quorum = 6;

/** Digest of this node's program. */
export const code: Digest = 'ab'.repeat(32) as Digest;

/** What a member says of itself, all as this node has it but for `changes`. */
export function heard(member: NodeId, changes: Partial<MemberClaims> = {}): PeerEvent {
  return { kind: 'heard', member, height: 3, aheadMs: 20, code, version: 3, ...changes };
}

export function started(members: readonly NodeId[] = ids, own: NodeId = self): NodeFact {
  return {
    kind: 'started',
    self: own,
    version: '0.1.0',
    code,
    clockSkewMs: 300_000,
    consortium: { id: 'c0'.repeat(32), name: 'Ring of eight' },
    members: members.map((id) => ({
      id,
      addresses: [`/dns4/${id.toLowerCase()}.example/tcp/4001`],
    })),
    quorum,
    stages: [
      { id: 'teacher-hps', task: 'hps', rounds: 12 },
      { id: 'teacher-calc', task: 'calc', rounds: 8 },
      { id: 'student', task: null, rounds: 20 },
    ],
    atMs: startMs,
  };
}

export function link(member: NodeId, changes: Partial<LinkState> = {}): NodeFact {
  return {
    kind: 'link',
    member,
    link: {
      ...{ state: 'connected', layer: null, detail: null, remedy: null, sinceMs: startMs + 1_000 },
      ...{ lastHeardMs: startMs + 2_000, sentBytes: 1_000, receivedBytes: 2_000, height: null },
      ...changes,
    },
  };
}

export function opened(
  round: number,
  stage: string,
  participants: readonly NodeId[] = ids,
): PeerEvent {
  return { kind: 'opened', round, stage, participants, atMs: startMs + 60_000 * round };
}

export function sealed(
  round: number,
  stage: string,
  losses: Readonly<Record<string, number>>,
  excluded: readonly NodeId[] = [],
): PeerEvent {
  return {
    kind: 'sealed',
    round,
    stage,
    model: round.toString(16).padStart(64, '0') as Digest,
    participants: Object.entries(losses).map(([node, loss]) => ({
      node: node as NodeId,
      weight: 4,
      metricsMilli: { loss: Math.round(1000 * loss) },
      updateBytes: 250_000,
    })),
    excluded,
    height: 3 * round,
    logSize: 11 * round,
    atMs: startMs + 60_000 * round + 48_000,
  };
}

function lossesOf(members: readonly NodeId[], mean: number): Record<string, number> {
  return Object.fromEntries(members.map((id, index) => [id, mean + 0.02 * (index % 3)]));
}

/** One whole round with its errors. */
function round(
  number: number,
  stage: string,
  members: readonly NodeId[],
  mean: number,
): NodeEvent[] {
  return [
    opened(number, stage, [...members]),
    {
      kind: 'working',
      round: number,
      work: 'train',
      progress: { done: 60, total: 60, loss: mean },
    },
    { kind: 'announced', round: number },
    { kind: 'cut', round: number, nodes: members },
    sealed(number, stage, lossesOf(members, mean)),
  ];
}

/** Everything up to the middle of round 31. */
export function life(): NodeEvent[] {
  const up = ids.slice(1).map((id, index) =>
    link(id, {
      lastHeardMs: startMs + 31 * 60_000 + 20_000 - 700 * index,
      sentBytes: 9_400_000 + 310_000 * index,
      receivedBytes: 8_100_000 + 270_000 * index,
      height: 90,
    }),
  );
  const rounds = Array.from({ length: 30 }, (_, index) => index + 1).flatMap(
    (number): NodeEvent[] => {
      const stage = number <= 12 ? 'teacher-hps' : number <= 20 ? 'teacher-calc' : 'student';
      const inStage = number <= 12 ? number : number <= 20 ? number - 12 : number - 20;
      const mean = 0.3 + 0.9 / inStage;
      const task = number <= 12 ? 'hps' : 'calc';
      return [
        ...round(number, stage, stage === 'teacher-hps' ? ids.slice(0, 6) : ids, mean),
        ...(task === 'hps' || number > 20
          ? [
              {
                kind: 'round-error',
                round: number,
                task: 'hps',
                unit: 'mm',
                value: 2.1 + 6 / inStage,
              } as const,
            ]
          : []),
        ...(task === 'calc'
          ? [
              {
                kind: 'round-error',
                round: number,
                task: 'calc',
                unit: 'dice',
                value: 0.8 - 0.5 / inStage,
              } as const,
            ]
          : []),
      ];
    },
  );
  const now = startMs + 31 * 60_000 + 21_000;
  return [
    started(),
    ...up,
    ...rounds,
    link(ids[4]!, {
      state: 'unreachable',
      layer: 'tcp',
      detail: 'connect ECONNREFUSED 10.0.4.7:4001',
      sinceMs: now - 240_000,
      lastHeardMs: now - 241_000,
      sentBytes: 7_000_000,
      receivedBytes: 6_400_000,
      height: 88,
    }),
    opened(31, 'student'),
    { kind: 'deadline', round: 31, atMs: startMs + 33 * 60_000 },
    link(ids[6]!, {
      state: 'dialing',
      layer: 'name',
      detail: null,
      sinceMs: now - 3_000,
      lastHeardMs: null,
      sentBytes: 0,
      receivedBytes: 0,
    }),
    { kind: 'update-held', round: 31, member: ids[1]! },
    { kind: 'update-held', round: 31, member: ids[3]! },
    { kind: 'traffic', sentBytes: 71_300_000, receivedBytes: 66_900_000 },
    { kind: 'chunks', asked: 260, arrived: 255, askedAgain: 0, refused: 1 },
    { kind: 'disk', freeBytes: 182 * 2 ** 30, usedBytes: 3.4 * 2 ** 30 },
    {
      kind: 'log-head',
      size: 331,
      root: '5a'.repeat(32),
      height: 91,
      cosigners: ids.filter((id) => id !== 'L5'),
      quorum,
    },
    {
      kind: 'prediction',
      caption: 'Case 17: five points found, plausible',
      png: picture(),
      atMs: now - 90_000,
    },
    {
      kind: 'notice',
      code: 'clock-skew',
      level: 'warning',
      text: 'the clock of this machine is 4.2 s ahead of the median of the members',
      remedy: 'start a time service (Debian: apt install chrony); consensus goes on meanwhile',
      atMs: now - 60_000,
    },
    { kind: 'working', round: 31, work: 'train', progress: { done: 34, total: 60, loss: 0.39 } },
    { kind: 'clock', nowMs: now },
  ];
}

/** A round thing in gray. */
function picture(): Uint8Array {
  const size = 160;
  const pixels = Uint8Array.from({ length: size * size }, (_, index) => {
    const [x, y] = [(index % size) - 80, Math.floor(index / size) - 80];
    const distance = Math.hypot(x, y);
    return distance < 34 ? 190 : distance < 40 ? 235 : distance < 70 ? 90 : 20;
  });
  return encodeGrayPng(pixels, size, size);
}
