import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import {
  emptyView,
  reduce,
  statusOf,
  viewLimits,
  type MemberStatus,
  type NodeEvent,
  type NodeView,
} from '../../src/dashboard/index.ts';
import { ids, link, opened, sealed, self, started, startMs } from './scripted-node.ts';

const [, L2, L3] = ids as [NodeId, NodeId, NodeId];
const allUp = ids.slice(1).map((id) => link(id));
const losses = Object.fromEntries(ids.map((id) => [id, 0.5]));
const without = (id: NodeId): Record<string, number> =>
  Object.fromEntries(ids.filter((one) => one !== id).map((one) => [one, 0.5]));

function viewAfter(...events: readonly NodeEvent[]): NodeView {
  return events.reduce((view, event) => reduce(deepFreeze(view), event), emptyView);
}

function memberAfter(id: NodeId, ...events: readonly NodeEvent[]): MemberStatus {
  const found = statusOf(viewAfter(...events), true).members.find((member) => member.id === id);
  expect(found, id).not.equal(undefined);
  return found!;
}

/** A reducer that changes what it was given throws here. */
function deepFreeze<T>(value: T): T {
  if (
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    !Object.isFrozen(value)
  ) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

interface Row {
  readonly what: string;
  readonly member: NodeId;
  readonly events: readonly NodeEvent[];
  readonly state: MemberStatus['state'];
  readonly reason: string;
}

const down = (id: NodeId, changes = {}): NodeEvent =>
  link(id, { state: 'unreachable', layer: 'tcp', lastHeardMs: startMs, ...changes });

const rows: readonly Row[] = [
  {
    what: 'a member of whom the network said nothing',
    ...{ member: L2, events: [started()], state: 'registered' },
    reason: 'never heard of since this node started; the network said nothing of it yet',
  },
  {
    what: 'a member whose name is not found',
    ...{ member: L2, events: [started(), down(L2, { layer: 'name', lastHeardMs: null })] },
    state: 'registered',
    reason:
      'never heard of since this node started; unreachable: the name of its address is not found',
  },
  {
    what: 'a member that was here and whose port is closed now',
    ...{ member: L2, events: [started(), link(L2), down(L2, { detail: 'ECONNREFUSED' })] },
    state: 'configured',
    reason: 'heard before; unreachable: nothing answers at its address [ECONNREFUSED]',
  },
  {
    what: 'one that a round waits for, though it is away',
    ...{ member: L2, events: [started(), down(L2), opened(4, 'student')], state: 'configured' },
    reason: 'heard before; unreachable: nothing answers at its address; round 4 asks for it',
  },
  {
    what: 'a connected member between two rounds',
    ...{ member: L2, events: [started(), ...allUp], state: 'connected' },
    reason: 'connected; no round is under way',
  },
  {
    what: 'a connected member whose labels a stage does not need',
    ...{ member: L2, events: [started(), ...allUp, opened(1, 'teacher-hps', [self, L3])] },
    state: 'connected',
    reason: 'connected; round 1 of teacher-hps does not ask for it',
  },
  {
    what: 'one that trains',
    ...{ member: L2, events: [started(), ...allUp, opened(1, 'student')], state: 'training' },
    reason: 'takes part in round 1; its update is not here yet',
  },
  {
    what: 'one whose update has come',
    member: L2,
    events: [
      started(),
      ...allUp,
      opened(1, 'student'),
      { kind: 'update-held', round: 1, member: L2 },
    ],
    state: 'training',
    reason: 'takes part in round 1; its update is here, and waits for the cut',
  },
  {
    what: 'one in the cut',
    member: L2,
    events: [started(), ...allUp, opened(1, 'student'), { kind: 'cut', round: 1, nodes: ids }],
    state: 'contributed',
    reason: 'its update is in the cut of round 1',
  },
  {
    what: 'one in the cut that is away since',
    member: L2,
    events: [
      started(),
      ...allUp,
      opened(1, 'student'),
      { kind: 'cut', round: 1, nodes: ids },
      down(L2),
    ],
    state: 'contributed',
    reason: 'its update is in the cut of round 1; now unreachable: nothing answers at its address',
  },
  {
    what: 'one in the last sealed round',
    member: L2,
    events: [started(), ...allUp, opened(1, 'student'), sealed(1, 'student', losses)],
    state: 'contributed',
    reason: 'contributed to round 1',
  },
  {
    what: 'one that was late',
    member: L3,
    events: [started(), ...allUp, opened(1, 'student'), sealed(1, 'student', without(L3), [L3])],
    state: 'excluded',
    reason: 'left out of round 1: no update of it came before the cut',
  },
  {
    what: 'one that was away when the others cut',
    member: L3,
    events: [
      ...[started(), ...allUp, down(L3), opened(1, 'student')],
      { kind: 'cut', round: 1, nodes: ids.filter((id) => id !== L3) },
      ...[link(L3), sealed(1, 'student', without(L3), [L3])],
    ],
    state: 'excluded',
    reason: 'left out of round 1: no update came; unreachable: nothing answers at its address',
  },
  {
    what: 'one of which the node knows more',
    member: L3,
    events: [
      ...[started(), ...allUp, opened(1, 'student')],
      { kind: 'cut', round: 1, nodes: ids.filter((id) => id !== L3) },
      { kind: 'left-out', round: 1, member: L3, why: 'its update was refused: too large' },
    ],
    state: 'excluded',
    reason: 'left out of round 1: its update was refused: too large',
  },
  {
    what: 'one whose update came to this node alone',
    member: L3,
    events: [
      ...[started(), ...allUp, opened(1, 'student')],
      { kind: 'update-held', round: 1, member: L3 },
      { kind: 'cut', round: 1, nodes: ids.filter((id) => id !== L3) },
    ],
    state: 'excluded',
    reason: 'left out of round 1: its update came here, but not to enough members before the cut',
  },
  {
    what: 'one that is asked again after it was left out',
    member: L3,
    events: [
      ...[started(), ...allUp, opened(1, 'student'), sealed(1, 'student', without(L3), [L3])],
      opened(2, 'student'),
    ],
    state: 'training',
    reason: 'takes part in round 2; its update is not here yet',
  },
  {
    what: 'one after a round without a model',
    member: L2,
    events: [
      ...[started(), ...allUp, opened(1, 'student')],
      { kind: 'void', round: 1, reason: 'too_few_updates', height: 2, atMs: startMs },
    ],
    state: 'connected',
    reason: 'connected; no round is under way',
  },
  {
    what: 'one that lost its vote',
    member: L2,
    events: [started(), ...allUp, { kind: 'suspended', member: L2, height: 40 }],
    state: 'excluded',
    reason:
      'suspended at height 40: it broke the rules of consensus, and its key has no vote any more',
  },
  {
    what: 'one that was revoked',
    member: L2,
    events: [
      ...[started(), ...allUp],
      {
        ...{ kind: 'members', height: 50, atMs: startMs, quorum: 5 },
        members: ids.filter((id) => id !== L2).map((id) => ({ id, addresses: [] })),
      },
    ],
    state: 'excluded',
    reason: 'revoked: not in the manifest any more since height 50',
  },
  {
    what: 'this node when nobody is there',
    ...{ member: self, events: [started()], state: 'configured' },
    reason: 'runs, and is connected to nobody',
  },
  {
    what: 'this node with too few others',
    ...{ member: self, events: [started(), link(L2), link(L3)], state: 'connected' },
    reason: 'connected to 2: with itself 3 of the 6 that must agree',
  },
  {
    what: 'this node while it trains',
    member: self,
    events: [
      ...[started(), ...allUp, opened(2, 'student')],
      { kind: 'working', round: 2, work: 'train', progress: { done: 3, total: 60 } },
    ],
    state: 'training',
    reason: 'trains for round 2: 3 of 60',
  },
  {
    what: 'this node when its update is out',
    member: self,
    events: [started(), ...allUp, opened(2, 'student'), { kind: 'announced', round: 2 }],
    state: 'training',
    reason: 'its update of round 2 is on its way, and waits for the cut',
  },
];

describe('the status of a member', () => {
  for (const { what, member, events, state, reason } of rows) {
    it(`is "${state}" of ${what}`, () => {
      const status = memberAfter(member, ...events);
      expect([status.state, status.reason]).deep.equal([state, reason]);
    });
  }

  it('says of blocks before this start that they were earlier, and not of later ones', () => {
    const before = { ...opened(1, 'student'), atMs: startMs - 1 } as NodeEvent;
    const lines = [started(), before, opened(2, 'student')]
      .reduce(reduce, emptyView)
      .journal.map(({ text }) => text);
    expect(lines.slice(1)).deep.equal([
      'earlier: round 1 of student began with 8',
      'round 2 of student began with 8',
    ]);
  });

  it('counts what it contributed and what it missed', () => {
    const { round, contributedCount, excludedCount } = memberAfter(
      L3,
      ...[started(), opened(1, 'student'), sealed(1, 'student', losses)],
      ...[opened(2, 'student'), sealed(2, 'student', without(L3), [L3])],
    );
    expect([round, contributedCount, excludedCount]).deep.equal([1, 1, 1]);
  });

  it('keeps what is known of a member through a change of the manifest, and takes in a newcomer', () => {
    const members = [...ids, 'L9' as NodeId].map((id) => ({ id, addresses: [] }));
    const change: NodeEvent = { kind: 'members', members, quorum: 7, height: 9, atMs: startMs };
    const events = [started(), ...allUp, sealed(1, 'student', losses), change];
    expect(memberAfter(L2, ...events).contributedCount).equal(1);
    expect(memberAfter('L9' as NodeId, ...events).state).equal('registered');
    expect(statusOf(viewAfter(...events), true).consortium.quorum).equal(7);
  });

  it('leaves a member that is dialled again unreachable, and since when it was', () => {
    const status = memberAfter(
      L2,
      ...[started(), down(L2, { sinceMs: startMs + 5_000 })],
      ...[
        link(L2, { state: 'dialing', sinceMs: startMs + 9_000 }),
        down(L2, { sinceMs: startMs + 10_000 }),
      ],
    );
    expect([status.link, status.layer, status.linkSinceMs]).deep.equal([
      'unreachable',
      'tcp',
      startMs + 5_000,
    ]);
  });

  it('passes over news of somebody who is no member', () => {
    expect(viewAfter(started(), link('X9' as NodeId)).members).deep.equal(
      viewAfter(started()).members,
    );
  });
});

describe('the view of the rounds', () => {
  it('has the mean of the losses and the sum of the bytes', () => {
    // (0.25 + 0.5 + 0.75) / 3 = 0.5; 3 · 250 000 bytes
    const view = viewAfter(
      started(),
      opened(1, 'student'),
      sealed(1, 'student', { L1: 0.25, L2: 0.5, L3: 0.75 }),
    );
    expect(view.rounds[0]).include({ loss: 0.5, updateBytes: 750_000, state: 'sealed', height: 3 });
    expect(view.losses).deep.equal([{ round: 1, stage: 'student', loss: 0.5 }]);
    expect([view.round, view.height, view.roundCounts]).deep.equal([
      null,
      3,
      { sealed: 1, void: 0 },
    ]);
  });

  it('counts nothing twice when a log tells its history again', () => {
    const events = [opened(1, 'student'), sealed(1, 'student', losses), opened(2, 'student')];
    const once = viewAfter(started(), ...events);
    const twice = viewAfter(started(), ...events, ...events);
    expect(twice).deep.equal(once);
  });

  it('says why a round has no model, in words', () => {
    const end = (reason: string): NodeEvent => ({
      kind: 'void',
      round: 1,
      reason,
      height: 2,
      atMs: startMs,
    });
    const said = (reason: string): string | null | undefined =>
      viewAfter(started(), opened(1, 'student'), end(reason)).rounds[0]?.voidReason;
    expect(said('too_few_updates')).equal(
      'too few hospitals had delivered an update when its time was over',
    );
    expect(said('something new')).equal('something new');
  });

  it('takes a deadline and updates of the round under way alone', () => {
    const view = viewAfter(
      ...[started(), opened(2, 'student', [self, L2])],
      { kind: 'deadline', round: 1, atMs: 5 },
      { kind: 'update-held', round: 1, member: L2 },
      { kind: 'update-held', round: 2, member: L3 },
    );
    expect([view.deadlineMs, view.round?.held]).deep.equal([null, []]);
  });

  it('puts errors where their round is, a second one in place of the first', () => {
    const error = (value: number): NodeEvent => ({
      kind: 'round-error',
      round: 1,
      task: 'hps',
      unit: 'mm',
      value,
    });
    const view = viewAfter(started(), sealed(1, 'student', losses), error(4), error(3));
    expect(view.rounds[0]?.errors).deep.equal([{ task: 'hps', unit: 'mm', value: 3 }]);
    expect(view.errors.length).equal(1);
  });

  it('stays bounded over ten thousand rounds, notices and links', () => {
    let view = viewAfter(started());
    for (let n = 1; n <= 10_000; n++) {
      const notice = {
        kind: 'notice',
        code: `n${n}`,
        level: 'info',
        text: 'x'.repeat(5_000),
        remedy: null,
        atMs: n,
      } as const;
      const flap = link(L2, { state: n % 2 === 0 ? 'connected' : 'unreachable' });
      for (const event of [opened(n, 'student'), sealed(n, 'student', { L1: 1 }), notice, flap])
        view = reduce(view, event);
    }
    expect(view.rounds.length).equal(viewLimits.rounds);
    expect(view.losses.length).equal(viewLimits.curvePoints);
    expect(view.notices.length).equal(viewLimits.notices);
    expect(view.journal.length).equal(viewLimits.journal);
    expect(view.roundCounts.sealed).equal(10_000);
    // Two lists of 100, one of 50, one of 2000 points of some 50 bytes, and texts of 400 letters.
    expect(JSON.stringify(statusOf(view, true)).length).below(400_000);
  });
});

describe('the view of a prediction', () => {
  const prediction = (png: Uint8Array | null): NodeEvent => ({
    kind: 'prediction',
    caption: 'Case 1',
    png,
    atMs: startMs,
  });
  const pictureOf = (png: Uint8Array | null, shows = true): unknown =>
    statusOf(viewAfter(prediction(png)), shows).prediction;

  it('has a PNG, and nothing else, as its picture', () => {
    const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0);
    expect(pictureOf(png)).include({ caption: 'Case 1', picture: '/prediction/1.png' });
    expect(pictureOf(Uint8Array.of(0x3c, 0x73, 0x76, 0x67))).include({ picture: null });
    const large = new Uint8Array(viewLimits.pictureBytes + 1);
    large.set(png);
    expect(pictureOf(large)).include({ picture: null });
  });

  it('is in no status where others may read along', () => {
    expect(pictureOf(null, false)).equal(null);
  });
});
