import { expect } from 'chai';
import { utf8, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { dueOps, judgeOps } from '../../src/peer/block-rules.ts';
import type { Judgement, LocalView, RoundView } from '../../src/peer/local-view.ts';
import { judgeSameSeal } from '../../src/peer/rounds/own-seal.ts';
import { applyOp } from '../../src/peer/chain.ts';
import type { ChainState } from '../../src/peer/index.ts';
import {
  signedPart,
  type BlockBody,
  type Evid,
  type EvidencePair,
  type Op,
  type VoidReason,
} from '../../src/wire/index.ts';
import {
  chainAfter,
  code,
  cutOf,
  hpOf,
  initial,
  openOf,
  plan,
  sealOf,
  updateBy,
} from './sample-chain.ts';
import { Epoch, xA, xB } from '../consensus/fixture.ts';

const epoch = new Epoch();
const context = { plan, code, censorAfterMs: 20_000, epoch: epoch.context };
const start = chainAfter();
const opened = chainAfter([openOf(1)]);
const wasCut = chainAfter([openOf(1)], [cutOf(1)]);
const last = chainAfter(
  ...[[openOf(1)], [cutOf(1)], [sealOf(1, 'm1'), openOf(2)], [cutOf(2)]],
  ...[[sealOf(2, 'm2'), openOf(3, { stage: 'student' })], [cutOf(3)]],
);
const done = chainAfter(
  ...[[openOf(1)], [cutOf(1)], [sealOf(1, 'm1'), openOf(2)], [cutOf(2)]],
  ...[[sealOf(2, 'm2'), openOf(3, { stage: 'student' })], [cutOf(3)], [sealOf(3, 'm3')]],
);
const other = digestOf(utf8('other'));
/** OPEN of round 1 ends at 61 000; a cut is overdue a round's time (60 000) later. */
const [deadline, overdue] = [61_000, 121_000];
const open1 = (ts: number): Op => openOf(1, { deadline: ts + 60_000 });
const reopen = (ts: number): Op => openOf(2, { deadline: ts + 60_000 });
// After one of two rounds: 1000 · 0.5^0.9 = 535.9, rounded 536.
const open2 = (ts: number): Op =>
  openOf(2, {
    base: digestOf(utf8('m1')),
    deadline: ts + 60_000,
    hp: hpOf(536),
  });
const voidOf = (reason: VoidReason, r = 1): Op => ({ op: 'VOID', r: r as RoundNumber, reason });

/** What a test changes of a node's view. */
type Changes = Partial<RoundView & Omit<LocalView, 'round'>>;

/** A node that holds all three updates and no average. */
function view(changes: Changes = {}): LocalView {
  const round: RoundView = {
    certified: () => ['L1', 'L2', 'L3'].map(updateBy),
    areHeldTogether: () => true,
    judgeUpdate: () => 'accept',
    certifiedForMs: () => 30_000,
    isSilent: () => false,
    aggregate: () => null,
    judgeSeal: (seal) => judgeSameSeal(seal, round.aggregate()),
    smallerCut: () => null,
    mayLeaveOut: () => false,
    ...changes,
  };
  const nothing: Pick<LocalView, 'evidence' | 'pending' | 'successor'> = {
    ...{ evidence: () => [], pending: () => [], successor: () => 'wait' },
  };
  return { initialDigest: initial, ...nothing, ...changes, round };
}

/** A node that never got L3's update. */
const lacksL3: Changes = {
  certified: () => ['L1', 'L2'].map(updateBy),
  certifiedForMs: (peer) => (peer === 'L3' ? null : 30_000),
};
const onlyL1 = { certified: () => [updateBy('L1')], certifiedForMs: () => null };
const silent: Changes = { isSilent: (peer: NodeId) => peer === 'L3' };
const holds = (isRefused: boolean): Changes => ({
  aggregate: () => ({ seal: sealOf(1, 'm1'), isRefused }),
});
const sealsLast: Changes = {
  aggregate: () => ({ seal: sealOf(3, 'm3'), isRefused: false }),
};

type Row = [string, ChainState, readonly Op[], number, Changes, Judgement];

const rows: readonly Row[] = [
  ['the OPEN that the plan says', start, [open1(5000)], 5000, {}, 'accept'],
  [
    'an OPEN while the initial model is being computed',
    start,
    [open1(5000)],
    5000,
    { initialDigest: () => null },
    'wait',
  ],
  [
    'an OPEN of another base',
    start,
    [{ ...openOf(1, { base: other }), deadline: 65_000 }],
    5000,
    {},
    'reject',
  ],
  [
    'an OPEN of another program',
    start,
    [{ ...openOf(1, { code: other }), deadline: 65_000 }],
    5000,
    {},
    'reject',
  ],
  ['an OPEN with a shorter deadline', start, [open1(4999)], 5000, {}, 'reject'],
  ['an OPEN of another round', start, [reopen(5000)], 5000, {}, 'reject'],
  ['two OPENs', start, [open1(5000), reopen(5000)], 5000, {}, 'reject'],
  ['no operation', start, [], 5000, {}, 'reject'],
  ['a CUT before any round', start, [cutOf(1)], 5000, {}, 'reject'],
  ['a CUT of all updates', opened, [cutOf(1)], 5000, {}, 'accept'],
  ['a CUT of another round', opened, [cutOf(2)], 5000, {}, 'reject'],
  ['a CUT and an OPEN', opened, [cutOf(1), reopen(5000)], 5000, {}, 'reject'],
  ['a CUT of too few', opened, [cutOf(1, 'L1')], deadline, lacksL3, 'reject'],
  [
    'a CUT with one who does not take part',
    opened,
    [cutOf(1, 'L1', 'L2', 'L3', 'L4')],
    5000,
    {},
    'reject',
  ],
  [
    'a CUT with an update that does not open',
    opened,
    [cutOf(1)],
    5000,
    { judgeUpdate: ({ peer }) => (peer === 'L2' ? 'reject' : 'wait') },
    'reject',
  ],
  [
    'a CUT with an update that is on the way',
    opened,
    [cutOf(1)],
    5000,
    { judgeUpdate: ({ peer }) => (peer === 'L2' ? 'wait' : 'accept') },
    'wait',
  ],
  ['a CUT without an update held for long', opened, [cutOf(1, 'L1', 'L2')], deadline, {}, 'reject'],
  [
    'a CUT without an update just certified',
    opened,
    [cutOf(1, 'L1', 'L2')],
    5000,
    { certifiedForMs: () => 20_000 },
    'accept',
  ],
  [
    'a CUT without a live participant before the deadline',
    opened,
    [cutOf(1, 'L1', 'L2')],
    deadline - 1,
    lacksL3,
    'wait',
  ],
  [
    'a CUT without a missing participant at the deadline',
    opened,
    [cutOf(1, 'L1', 'L2')],
    deadline,
    lacksL3,
    'accept',
  ],
  [
    'a CUT without a silent participant',
    opened,
    [cutOf(1, 'L1', 'L2')],
    5000,
    { ...lacksL3, ...silent },
    'accept',
  ],
  ['a SEAL before the cut', opened, [sealOf(1, 'm1'), open2(5000)], 5000, holds(false), 'reject'],
  ['a second OPEN in an open round', opened, [reopen(5000)], 5000, {}, 'reject'],
  [
    'VOID for too few at the deadline',
    opened,
    [voidOf('too_few_updates'), reopen(deadline)],
    deadline,
    onlyL1,
    'accept',
  ],
  [
    'VOID for too few before the deadline',
    opened,
    [voidOf('too_few_updates'), reopen(60_999)],
    60_999,
    onlyL1,
    'reject',
  ],
  [
    'VOID for too few with enough',
    opened,
    [voidOf('too_few_updates'), reopen(deadline)],
    deadline,
    lacksL3,
    'reject',
  ],
  [
    'VOID for another reason in an open round',
    opened,
    [voidOf('rejected_model'), reopen(deadline)],
    deadline,
    onlyL1,
    'reject',
  ],
  [
    'VOID of an open round that found no cut in time, with enough updates here',
    opened,
    [voidOf('too_few_updates'), reopen(overdue)],
    overdue,
    {},
    'accept',
  ],
  [
    'the same a millisecond before its time',
    opened,
    [voidOf('too_few_updates'), reopen(overdue - 1)],
    overdue - 1,
    {},
    'reject',
  ],
  ['a CUT after that time', opened, [cutOf(1)], overdue, {}, 'accept'],
  ['VOID without the next OPEN', opened, [voidOf('too_few_updates')], deadline, onlyL1, 'accept'],
  [
    'VOID of another round',
    opened,
    [voidOf('too_few_updates', 2), reopen(deadline)],
    deadline,
    onlyL1,
    'reject',
  ],
  [
    'the SEAL that this node computed',
    wasCut,
    [sealOf(1, 'm1'), open2(5000)],
    5000,
    holds(false),
    'accept',
  ],
  [
    'a SEAL while this node still averages',
    wasCut,
    [sealOf(1, 'm1'), open2(5000)],
    5000,
    {},
    'wait',
  ],
  ['a SEAL of another model', wasCut, [sealOf(1, 'm2'), open2(5000)], 5000, holds(false), 'reject'],
  [
    'a SEAL of another weight',
    wasCut,
    [sealOf(1, 'm1', 31), open2(5000)],
    5000,
    holds(false),
    'reject',
  ],
  [
    'a SEAL that the hold-out refuses',
    wasCut,
    [sealOf(1, 'm1'), open2(5000)],
    5000,
    holds(true),
    'wait',
  ],
  ['a SEAL without the next OPEN', wasCut, [sealOf(1, 'm1')], 5000, holds(false), 'accept'],
  [
    'a SEAL that opens from the old model',
    wasCut,
    [sealOf(1, 'm1'), reopen(5000)],
    5000,
    holds(false),
    'reject',
  ],
  [
    'a SEAL and a VOID',
    wasCut,
    [sealOf(1, 'm1'), voidOf('rejected_model')],
    5000,
    holds(false),
    'reject',
  ],
  [
    'three operations',
    wasCut,
    [sealOf(1, 'm1'), open2(5000), open2(5000)],
    5000,
    holds(false),
    'reject',
  ],
  ['a second CUT', wasCut, [cutOf(1)], 5000, {}, 'reject'],
  [
    'VOID of a refused model',
    wasCut,
    [voidOf('rejected_model'), reopen(5000)],
    5000,
    holds(true),
    'accept',
  ],
  [
    'VOID of a good model',
    wasCut,
    [voidOf('rejected_model'), reopen(5000)],
    5000,
    holds(false),
    'wait',
  ],
  [
    'VOID of a model not computed yet',
    wasCut,
    [voidOf('rejected_model'), reopen(5000)],
    5000,
    {},
    'wait',
  ],
  [
    'VOID for want of time, in time',
    wasCut,
    [voidOf('aggregation_failed'), reopen(overdue - 1)],
    overdue - 1,
    {},
    'reject',
  ],
  [
    'VOID for want of time, overdue',
    wasCut,
    [voidOf('aggregation_failed'), reopen(overdue)],
    overdue,
    holds(false),
    'accept',
  ],
  [
    'VOID of hold-outs in two minds, overdue',
    wasCut,
    [voidOf('rejected_model'), reopen(overdue)],
    overdue,
    holds(false),
    'accept',
  ],
  [
    'VOID for too few after the cut',
    wasCut,
    [voidOf('too_few_updates'), reopen(overdue)],
    overdue,
    holds(true),
    'reject',
  ],
  ['the last SEAL alone', last, [sealOf(3, 'm3')], 5000, sealsLast, 'accept'],
  [
    'the last SEAL and one more OPEN',
    last,
    [sealOf(3, 'm3'), openOf(4)],
    5000,
    sealsLast,
    'reject',
  ],
  ['anything after the plan', done, [openOf(4)], 5000, {}, 'reject'],
];

describe('block rules', () => {
  for (const [name, state, ops, ts, changes, verdict] of rows) {
    it(`${verdict}: ${name}`, () => {
      const body = { ts, ops } as unknown as BlockBody;
      expect(judgeOps(state, body, view(changes), context)).to.equal(verdict);
    });
  }

  const dues: readonly [string, ChainState, number, Changes, readonly Op[] | null][] = [
    ['the first OPEN', start, 5000, {}, [open1(5000)]],
    ['nothing before the initial model is known', start, 5000, { initialDigest: () => null }, null],
    ['a cut as soon as all are here', opened, 5000, {}, [cutOf(1)]],
    ['nothing while one is awaited', opened, deadline - 1, lacksL3, null],
    ['a cut without the silent', opened, 5000, { ...lacksL3, ...silent }, [cutOf(1, 'L1', 'L2')]],
    ['a cut at the deadline', opened, deadline, lacksL3, [cutOf(1, 'L1', 'L2')]],
    [
      'nothing while no quorum holds all of a cut',
      ...([opened, deadline, { areHeldTogether: () => false }, null] as const),
    ],
    [
      'VOID when no cut was found for a round beyond the deadline',
      ...([opened, overdue, {}, [voidOf('too_few_updates'), reopen(overdue)]] as const),
    ],
    ['nothing with too few silent ones', opened, 5000, { ...onlyL1, isSilent: () => true }, null],
    [
      'VOID at the deadline with too few',
      opened,
      deadline,
      onlyL1,
      [voidOf('too_few_updates'), reopen(deadline)],
    ],
    ['nothing while averaging', wasCut, 5000, {}, null],
    ['its seal and the next OPEN', wasCut, 5000, holds(false), [sealOf(1, 'm1'), open2(5000)]],
    [
      'VOID of what its hold-out refuses',
      wasCut,
      5000,
      holds(true),
      [voidOf('rejected_model'), reopen(5000)],
    ],
    [
      'VOID when an average is overdue',
      wasCut,
      overdue,
      {},
      [voidOf('aggregation_failed'), reopen(overdue)],
    ],
    [
      'its seal just before that time',
      ...([wasCut, overdue - 1, holds(false), [sealOf(1, 'm1'), open2(overdue - 1)]] as const),
    ],
    [
      'VOID of what it would seal itself when no quorum did in time',
      ...([wasCut, overdue, holds(false), [voidOf('rejected_model'), reopen(overdue)]] as const),
    ],
    ['the last seal alone', last, 5000, sealsLast, [sealOf(3, 'm3')]],
    ['nothing after the plan', done, 5000, {}, null],
  ];
  for (const [name, state, ts, changes, ops] of dues) {
    it(`proposes ${name}, and accepts what it proposes`, () => {
      const due = dueOps(state, ts, view(changes), context);
      expect(due).to.deep.equal(ops);
      if (due === null) return;
      const body = { ts, ops: due } as unknown as BlockBody;
      expect(judgeOps(state, body, view(changes), context)).to.equal('accept');
    });
  }
});

describe('evidence in the log', () => {
  const pairOf = (i: number): EvidencePair => ({
    kind: 'two_notarizations',
    a: signedPart(epoch.vote('NOTARIZE', 0, xA, i)),
    b: signedPart(epoch.vote('NOTARIZE', 0, xB, i)),
  });
  const evid = (i: number): Evid => ({ op: 'EVID', pair: pairOf(i) });
  const judge = (state: ChainState, ops: readonly Op[], h = 1): Judgement =>
    judgeOps(state, { h, ts: 5000, ops } as unknown as BlockBody, view(), context);

  it('is proposed before anything else, in every phase but the last, once for each culprit', () => {
    const holds2 = { evidence: () => [pairOf(2), pairOf(3)] };
    for (const state of [start, opened, wasCut]) {
      expect(dueOps(state, 5000, view(holds2), context)).to.deep.equal([evid(2)]);
      const after = applyOp(state, evid(2), plan);
      expect(dueOps(after, 5000, view(holds2), context)).to.deep.equal([evid(3)]);
      expect(judge(after, [evid(2)])).to.equal('reject');
      expect(judge(after, [evid(3)])).to.equal('accept');
    }
    expect(dueOps(done, 5000, view(holds2), context)).to.equal(null);
    expect(judge(done, [evid(2)])).to.equal('reject');
  });

  it('is accepted by who has not seen the offence, alone, sound and of a height that is known', () => {
    const proof = pairOf(2);
    const later = new Epoch(4, 9);
    const ahead: EvidencePair = {
      kind: 'two_notarizations',
      a: signedPart(later.vote('NOTARIZE', 0, xA, 2)),
      b: signedPart(later.vote('NOTARIZE', 0, xB, 2)),
    };
    expect(judge(opened, [evid(2)])).to.equal('accept');
    const bad: Record<string, readonly Op[]> = {
      'beside another': [evid(2), open1(5000)],
      'after another': [voidOf('too_few_updates'), evid(2)],
      'the same vote twice': [{ op: 'EVID', pair: { ...proof, b: proof.a } }],
      'a framed member': [
        { op: 'EVID', pair: { ...proof, a: { ...proof.a, i: 1 }, b: { ...proof.b!, i: 1 } } },
      ],
      'a height ahead': [{ op: 'EVID', pair: ahead }],
    };
    for (const [name, ops] of Object.entries(bad)) {
      expect(judge(opened, ops), name).to.equal('reject');
    }
    expect(judge(opened, [{ op: 'EVID', pair: ahead }], 9)).to.equal('accept');
  });

  it('takes the vote of its key from the height after the block on, and leaves the round alone', () => {
    const after = chainAfter([openOf(1)], [evid(2)], [cutOf(1)]);
    expect([...after.suspendedFrom]).to.deep.equal([[2, 3]]);
    expect(after.phase.kind).to.equal('cut');
  });
});
