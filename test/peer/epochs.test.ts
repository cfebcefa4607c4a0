/** What a MEMBER does to the chain, and which are proposed and accepted. */
import { expect } from 'chai';
import {
  InvariantError,
  utf8,
  type Digest,
  type Height,
  type NodeId,
} from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { dueOps, judgeOps, type RuleContext } from '../../src/peer/block-rules.ts';
import { advance, genesisChain, type ChainState } from '../../src/peer/index.ts';
import { noRound, type Judgement, type LocalView } from '../../src/peer/local-view.ts';
import {
  planRefusal,
  type BlockBody,
  type Manifest,
  type Membership,
  type Op,
  type Plan,
  type SignedManifest,
} from '../../src/wire/index.ts';
import { chainAfter, code, cutOf, initial, openOf, plan, sealOf, stage } from './sample-chain.ts';

const lineOf = (id: string, consensusKey = `key of ${id}`): object => ({ id, consensusKey });
const manifestOf = (version: number, ids: readonly object[], by: Plan = plan): SignedManifest =>
  ({ manifest: { version, members: ids, plan: by } as unknown as Manifest }) as SignedManifest;
const genesis = manifestOf(
  0,
  ['L1', 'L2', 'L3'].map((id) => lineOf(id)),
);
const digest: Digest = digestOf(utf8('envelope'));
const change: Membership = { op: 'MEMBER', version: 1, manifest: digest };

const after = (
  state: ChainState,
  next: SignedManifest,
  ops: readonly Op[] = [change],
): ChainState => {
  const h = (state.height + 1) as Height;
  const body = { v: 1, cid: digest, e: state.epoch, h, prev: state.prev, ts: 1, ops };
  const log = { size: h, root: digest };
  return advance(state, { ...body, log } as BlockBody, [genesis, next]);
};

const start = genesisChain(plan);
const opened = chainAfter([openOf(1)]);
const wasCut = chainAfter([openOf(1)], [cutOf(1)]);
const done = chainAfter(
  ...[[openOf(1)], [cutOf(1)], [sealOf(1, 'm1'), openOf(2)], [cutOf(2)]],
  ...[[sealOf(2, 'm2'), openOf(3, { stage: 'student' })], [cutOf(3)], [sealOf(3, 'm3')]],
);

describe('a MEMBER in the chain', () => {
  const five = manifestOf(
    1,
    ['L0', 'L1', 'L2', 'L3'].map((id) => lineOf(id)),
  );

  it('begins the next epoch, between two rounds only, alone, and one version at a time', () => {
    expect(after(start, five)).to.include({ epoch: 1, height: 1, stageIndex: 0 });
    for (const state of [opened, wasCut]) {
      expect(() => after(state, five)).to.throw(InvariantError, 'no round spans two epochs');
    }
    expect(() => after(start, five, [change, openOf(1)])).to.throw(InvariantError);
    expect(() => after(start, five, [{ ...change, version: 2 }])).to.throw(InvariantError);
  });

  it('moves a suspension with the consensus key: to a new index, or away with it', () => {
    const state = { ...start, suspendedFrom: new Map([[1, 7]]) };
    expect([...after(state, five).suspendedFrom]).to.deep.equal([[2, 7]]);
    const renewed = manifestOf(1, [lineOf('L1'), lineOf('L2', 'another key'), lineOf('L3')]);
    expect([...after(state, renewed).suspendedFrom]).to.deep.equal([]);
    const left = manifestOf(1, [lineOf('L1'), lineOf('L3')]);
    expect([...after(state, left).suspendedFrom]).to.deep.equal([]);
  });

  it('opens work again after a plan that was carried out, when stages are added', () => {
    expect(done.phase.kind).to.equal('done');
    expect(after(done, five)).to.deep.include({ phase: { kind: 'done' }, stageIndex: 2 });
    const more = { ...plan, stages: [...plan.stages, stage('idle', { rounds: 0 }), stage('late')] };
    const longer = manifestOf(1, [lineOf('L1')], more);
    expect(after(done, longer)).to.deep.include({ phase: { kind: 'idle' }, stageIndex: 3 });
  });
});

describe('the plan of a later version', () => {
  const [teacher, student] = plan.stages as [Plan['stages'][0], Plan['stages'][0]];
  const refused = (next: Partial<Plan>, stageIndex: number): boolean =>
    planRefusal(plan, { ...plan, ...next }, stageIndex) !== null;

  it('keeps what has begun but for who takes part, and is free in what has not', () => {
    const others = { participants: ['L1', 'L9'] as NodeId[], minParticipants: 1 };
    const longer = { ...student, rounds: 9 };
    const rows: [string, Partial<Plan>, boolean[]][] = [
      ['the same', {}, [false, false, false]],
      ['another seed', { seed: 8 }, [true, true, true]],
      ['other images', { images: { ...plan.images, heart: 'head' } }, [true, true, true]],
      ['others take part', { stages: [{ ...teacher, ...others }, student] }, [false, false, false]],
      [
        'another rate of the first',
        { stages: [{ ...teacher, learningRateMicro: 7 }, student] },
        [true, true, true],
      ],
      ['a longer second', { stages: [teacher, longer] }, [false, true, true]],
      ['no second', { stages: [teacher] }, [false, true, true]],
      ['another second', { stages: [teacher, stage('other'), student] }, [false, true, true]],
      ['a third', { stages: [teacher, student, stage('third')] }, [false, false, false]],
    ];
    for (const [name, next, expected] of rows) {
      expect(
        [0, 1, 2].map((at) => refused(next, at)),
        name,
      ).to.deep.equal(expected);
    }
  });
});

describe('rules for a MEMBER', () => {
  const next = manifestOf(1, [lineOf('L1')]);
  const context: RuleContext = {
    ...{ plan, code, censorAfterMs: 1_000 },
    epoch: { cid: digest, epoch: 0, members: [] },
  };
  const viewOf = (changes: Partial<LocalView>): LocalView => ({
    ...{ round: noRound, initialDigest: initial, evidence: () => [] },
    ...{ pending: () => [], successor: () => next },
    ...changes,
  });
  const waits = viewOf({ pending: () => [{ digest, signed: next }] });
  const judged = (state: ChainState, ops: readonly Op[], view = waits): Judgement =>
    judgeOps(state, { ts: 5_000, ops } as BlockBody, view, context);

  it('propose the version that waits before the next OPEN, and nothing of it in a round', () => {
    expect(dueOps(start, 5_000, waits, context)).to.deep.equal([change]);
    expect(dueOps(done, 5_000, waits, context)).to.deep.equal([change]);
    expect(dueOps(done, 5_000, viewOf({}), context)).to.equal(null);
    expect(dueOps(opened, 5_000, waits, context)).to.equal(null);
    const sealing = { ...noRound, aggregate: () => ({ seal: sealOf(1, 'm1'), isRefused: false }) };
    expect(dueOps(wasCut, 5_000, { ...waits, round: sealing }, context)).to.deep.equal([
      sealOf(1, 'm1'),
    ]);
    // Its plan has been overtaken: the round goes on.
    const stale = manifestOf(1, [lineOf('L1')], { ...plan, seed: 9 });
    const overtaken = viewOf({ pending: () => [{ digest, signed: stale }] });
    expect(dueOps(start, 5_000, overtaken, context)?.map(({ op }) => op)).to.deep.equal(['OPEN']);
  });

  it('accept it between rounds, of the next version, alone, when it is here and follows', () => {
    expect(judged(start, [change], viewOf({}))).to.equal('accept');
    expect(judged(done, [change])).to.equal('accept');
    expect(judged(start, [change], viewOf({ successor: () => 'wait' }))).to.equal('wait');
    expect(judged(start, [change], viewOf({ successor: () => 'reject' }))).to.equal('reject');
    for (const state of [opened, wasCut]) expect(judged(state, [change])).to.equal('reject');
    expect(judged(start, [{ ...change, version: 2 }])).to.equal('reject');
    expect(judged(start, [change, openOf(1)])).to.equal('reject');
    expect(judged(wasCut, [sealOf(1, 'm1'), change])).to.equal('reject');
    const otherSeed = manifestOf(1, [lineOf('L1')], { ...plan, seed: 9 });
    expect(judged(start, [change], viewOf({ successor: () => otherSeed }))).to.equal('reject');
  });
});
