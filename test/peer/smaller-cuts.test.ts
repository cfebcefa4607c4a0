/** A mixing that members keep from its end goes on without them: a CUT follows a CUT, with fewer of the same updates. */
import { expect } from 'chai';
import type { NodeId, RoundNumber } from '../../src/base/index.ts';
import { dueOps, judgeOps, type RuleContext } from '../../src/peer/block-rules.ts';
import {
  noRound,
  type Judgement,
  type LocalView,
  type RoundView,
} from '../../src/peer/local-view.ts';
import type { ChainState } from '../../src/peer/index.ts';
import type { BlockBody, Cut, MixingRule, Op, Seal, VoidReason } from '../../src/wire/index.ts';
import { Epoch } from '../consensus/fixture.ts';
import {
  chainAfter,
  code,
  cutOf,
  initial,
  openOf,
  plan,
  sealOf,
  updateBy,
} from './sample-chain.ts';

const rule: MixingRule = {
  ...{ kind: 'mixing', topology: { kind: 'ring' }, steps: 0, epsilonNano: 10_000 },
  ...{ patienceMs: 5_000, samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
  ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
};
const context: RuleContext = {
  ...{ plan, code, censorAfterMs: 20_000, epoch: new Epoch().context },
};
const exact = chainAfter([openOf(1)], [cutOf(1)]);
const mixed = chainAfter([openOf(1, { rule })], [cutOf(1)]);
/** The round ends at 61 000, and is overdue 60 000 later. */
const overdue = 121_000;

function view(changes: Partial<RoundView> = {}): LocalView {
  return {
    round: { ...noRound, ...changes },
    ...{ initialDigest: initial, evidence: () => [], pending: () => [], successor: () => 'wait' },
  };
}

function judged(
  state: ChainState,
  op: Op,
  ts: number,
  changes: Partial<RoundView> = {},
): Judgement {
  return judgeOps(state, { ops: [op], ts } as unknown as BlockBody, view(changes), context);
}

const stuck = (...peers: string[]): Partial<RoundView> => {
  return { mayLeaveOut: (peer: NodeId) => peers.includes(peer) };
};
const two = cutOf(1, 'L1', 'L2');

const rows: readonly [string, ChainState, Cut, Partial<RoundView>, Judgement][] = [
  ['without a member that this node waits for no longer', mixed, two, stuck('L3'), 'accept'],
  ['without a member that may still come', mixed, two, stuck('L2'), 'wait'],
  ['of all, again', mixed, cutOf(1), stuck('L1', 'L2', 'L3'), 'reject'],
  ['of fewer than a round needs', mixed, cutOf(1, 'L1'), stuck('L2', 'L3'), 'reject'],
  ['with somebody new', mixed, cutOf(1, 'L1', 'L4'), stuck('L2', 'L3'), 'reject'],
  [
    'with another update of a member',
    mixed,
    { ...two, updates: [updateBy('L1'), { ...updateBy('L2'), n: 11 }] },
    stuck('L3'),
    'reject',
  ],
  ['in a round that is not mixed', exact, two, stuck('L3'), 'reject'],
  ['of another round', mixed, { ...two, r: 2 as RoundNumber }, stuck('L3'), 'reject'],
];

describe('a CUT after a CUT', () => {
  for (const [what, state, cut, changes, verdict] of rows) {
    it(`${what} is met with ${verdict}`, () => {
      expect(judged(state, cut, 5_000, changes)).to.equal(verdict);
    });
  }

  it('is proposed when somebody can be waited for no longer, unless too few are left', () => {
    const left = (updates: Cut['updates']): Op[] | null =>
      dueOps(mixed, 5_000, view({ smallerCut: () => updates }), context);
    expect(left(two.updates)).to.deep.equal([two]);
    expect(left(cutOf(1, 'L1').updates)).to.equal(null);
    expect(dueOps(mixed, 5_000, view(), context)).to.equal(null);
  });

  it('takes the place of the one before it', () => {
    const after = chainAfter([openOf(1, { rule })], [cutOf(1)], [two]);
    expect(after.phase.kind === 'cut' && after.phase.cut).to.deep.equal(two);
    expect(() => chainAfter([openOf(1)], [cutOf(1)], [two])).to.throw();
  });
});

describe('the end of a mixed round', () => {
  const seal: Seal = sealOf(1, 'm1');
  const own: Partial<RoundView> = { aggregate: () => ({ seal, isRefused: false }) };

  it('is what the round says of the seal', () => {
    for (const verdict of ['accept', 'wait', 'reject'] as const) {
      expect(judged(mixed, seal, 5_000, { ...own, judgeSeal: () => verdict })).to.equal(verdict);
    }
  });

  const voidOf = (reason: VoidReason): Op => ({ op: 'VOID', r: 1 as RoundNumber, reason });

  it('comes without a model once it is overdue, and not before', () => {
    expect(dueOps(mixed, 5_000, view(own), context)?.[0]).to.deep.equal(seal);
    expect(dueOps(mixed, overdue, view(own), context)?.[0]).to.deep.equal(voidOf('models_apart'));
    expect(judged(mixed, voidOf('models_apart'), overdue)).to.equal('accept');
    expect(judged(mixed, voidOf('models_apart'), 5_000, own)).to.equal('reject');
  });

  it('says of an exact round what it said before', () => {
    expect(dueOps(exact, overdue, view(own), context)?.[0]).to.deep.equal(voidOf('rejected_model'));
  });
});
