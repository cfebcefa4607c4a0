import { expect } from 'chai';
import { InvariantError, utf8, type Digest, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { advance, genesisChain, nextOpen } from '../../src/peer/index.ts';
import { bodyDigest, genesisPrev } from '../../src/wire/index.ts';
import {
  chainAfter,
  code,
  cutOf,
  initial,
  openOf,
  plan,
  sealOf,
  stage,
  versions,
} from './sample-chain.ts';
import { plainRule, studentTraining } from '../wire/sample-stage.ts';

const round = (r: number): RoundNumber => r as RoundNumber;
const model = (text: string): Digest => digestOf(utf8(text));

describe('chain', () => {
  it('begins idle at height 0, in the first stage that has rounds', () => {
    expect(genesisChain(plan)).to.include({
      height: 0,
      round: 0,
      prev: genesisPrev,
      stageIndex: 0,
    });
    const skipped = { ...plan, stages: [stage('a', { rounds: 0 }), stage('b')] };
    expect(genesisChain(skipped)).to.include({ stageIndex: 1 });
    const nothing = { ...plan, stages: [stage('a', { rounds: 0 })] };
    expect(genesisChain(nothing).phase.kind).to.equal('done');
  });

  it('folds OPEN, CUT and SEAL to the next stage and the end of the plan', () => {
    // The plan: two rounds of `teacher-hps`, one of `student`.
    const open = openOf(1);
    const opened = chainAfter([open]);
    expect(opened).to.include({ height: 1, round: 1, ts: 1000 });
    expect(opened.phase).to.deep.equal({ kind: 'open', open });
    const cut = cutOf(1);
    expect(chainAfter([open], [cut]).phase).to.deep.equal({ kind: 'cut', open, cut });
    const again = chainAfter([open], [cut], [sealOf(1, 'm1'), openOf(2, { base: model('m1') })]);
    expect(again).to.include({ height: 3, round: 2, stageIndex: 0, roundsSealed: 1 });
    expect(again.models.get('teacher-hps')).to.equal(model('m1'));
    expect(again.bases.get('teacher-hps')).to.equal(open.base);
    const next = chainAfter(
      [open],
      [cut],
      [sealOf(1, 'm1'), openOf(2, { base: model('m1') })],
      [cutOf(2)],
      [sealOf(2, 'm2')],
    );
    expect(next.bases.get('teacher-hps')).to.equal(model('m1'));
    expect(next).to.include({ stageIndex: 1, roundsSealed: 0 });
    expect(next.phase.kind).to.equal('idle');
    const student = openOf(3, { stage: 'student' });
    const end = chainAfter(
      ...[[open], [cut], [sealOf(1, 'm1'), openOf(2)], [cutOf(2)], [sealOf(2, 'm2'), student]],
      ...[[cutOf(3)], [sealOf(3, 'm3')]],
    );
    expect(end.phase.kind).to.equal('done');
    expect([...end.models]).to.deep.equal([
      ['teacher-hps', model('m2')],
      ['student', model('m3')],
    ]);
  });

  it('counts no void round: the next one starts from the same model', () => {
    const voided = chainAfter(
      [openOf(1)],
      [{ op: 'VOID', r: round(1), reason: 'too_few_updates' }],
    );
    expect(voided).to.include({ round: 1, roundsSealed: 0, stageIndex: 0 });
    expect(voided.phase.kind).to.equal('idle');
    expect(voided.bases.size).to.equal(0);
    expect(nextOpen(voided, plan, 9000, code, initial)).to.deep.equal(
      openOf(2, { deadline: 9000 + 60_000 }),
    );
  });

  it('refuses blocks out of order or of another chain, and operations out of turn', () => {
    const state = genesisChain(plan);
    const body = {
      v: 1,
      cid: model('cid'),
      e: 0,
      h: 1,
      prev: genesisPrev,
      ts: 1,
      ops: [openOf(1)],
      log: { size: 1, root: model('root') },
    } as unknown as Parameters<typeof advance>[1];
    const after = advance(state, body, versions);
    expect(after.prev).to.equal(bodyDigest(body));
    expect(() => advance(after, body, versions)).to.throw(InvariantError, 'in order of height');
    const stray = { ...body, prev: model('x') };
    expect(() => advance(state, stray, versions)).to.throw(InvariantError, 'names the one before');
    const later = { ...body, e: 1 };
    expect(() => advance(state, later, versions)).to.throw(
      InvariantError,
      'of the epoch under way',
    );
    expect(advance({ ...state, epoch: 1 }, later, [versions[0]!, versions[0]!]).epoch).to.equal(1);
    for (const ops of [[cutOf(1)], [sealOf(1, 'm')], [openOf(1), openOf(2)]]) {
      expect(() => advance(state, { ...body, ops }, versions), ops[0]!.op).to.throw(InvariantError);
    }
  });

  it('opens from the initial model, then from the sealed one, and not before the initial one is known', () => {
    const state = genesisChain(plan);
    const open = nextOpen(state, plan, 5000, code, initial);
    expect(open).to.deep.equal({
      op: 'OPEN',
      r: 1,
      stage: 'teacher-hps',
      base: initial(plan.stages[0]!),
      code,
      hp: { ...studentTraining, steps: 3, lrMicro: 1000, seed: 7 },
      rule: plainRule,
      deadline: 65_000,
      minParticipants: 2,
      participants: ['L1', 'L2', 'L3'],
    });
    expect(nextOpen(state, plan, 5000, code, () => null)).to.equal(null);
    expect(nextOpen(chainAfter([openOf(1)]), plan, 5000, code, initial)).to.equal(null);
  });
});
