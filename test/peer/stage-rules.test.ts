import { expect } from 'chai';

import {
  learningRateMicro,
  outerStepOf,
  PeerError,
  ruleOptions,
  type Schedule,
} from '../../src/peer/index.ts';
import type { PlanStage } from '../../src/wire/index.ts';
import { PeerNetwork } from './peer-network.ts';
import { stage, three } from './sample-chain.ts';

const ten = (schedule?: string, learningRateMicro = 10_000): PlanStage =>
  stage('s', {
    rounds: 10,
    learningRateMicro,
    options: schedule === undefined ? {} : { schedule },
  });
const ratesOf = (of: PlanStage, ...rounds: number[]): number[] =>
  rounds.map((k) => learningRateMicro(of, k));

describe('the learning rate of a round', () => {
  it('follows the schedule that the plan names', () => {
    // 0.5^0.9 = 0.535886731…, 0.1^0.9 = 0.125892541…; (1 + cos 36°)/2 = 0.904508497…, at 90° 1/2,
    // (1 + cos 162°)/2 = 0.024471741….
    const rates: Record<Schedule, number[]> = {
      constant: ratesOf(ten('constant'), 0, 5, 9),
      poly: ratesOf(ten('poly'), 0, 5, 9),
      cosine: ratesOf(ten('cosine'), 0, 2, 5, 9),
    };
    expect(rates).to.deep.equal({
      constant: [10_000, 10_000, 10_000],
      poly: [10_000, 5359, 1259],
      cosine: [10_000, 9045, 5000, 245],
    });
  });

  it("falls as nnU-Net's where the plan does not say", () => {
    // PolyLRScheduler(0.01, 1000): epochs 0, 1, 500 and 999 at 0.01 · (1 - e/1000)^0.9; 0.999^0.9 = 0.99909995…,
    // 0.001^0.9 = 0.00199526….
    const thousand = stage('s', { rounds: 1000, learningRateMicro: 10_000, options: {} });
    expect(ratesOf(thousand, 0, 1, 500, 999)).to.deep.equal([10_000, 9991, 5359, 20]);
  });

  it('is never nothing', () => {
    for (const schedule of ['poly', 'cosine']) {
      expect(ratesOf(ten(schedule, 1), 9), schedule).to.deep.equal([1]);
    }
  });

  it('is refused with a schedule that this program does not know, before the first block', () => {
    expect(() => ratesOf(ten('step'), 0))
      .to.throw(PeerError)
      .with.property('code', 'bad_plan');
    const stages = [{ id: 's', participants: three, rounds: 1, options: { schedule: 'step' } }];
    expect(() => new PeerNetwork({ members: 4, stages })).to.throw(PeerError);
  });
});

describe('the outer step of a stage', () => {
  const of = (options: PlanStage['options']): ReturnType<typeof outerStepOf> =>
    outerStepOf({ id: 's', options });

  it('is plain averaging where the plan does not say, and else what it says', () => {
    expect(of({})).to.deep.equal({ rate: 1, momentum: 0 });
    const diloco = { rate: 0.7, momentum: 0.9 };
    expect(ruleOptions('cosine', diloco)).to.deep.equal({
      ...{ schedule: 'cosine', outerRateMicro: 700_000, outerMomentumMicro: 900_000 },
    });
    expect(of(ruleOptions('cosine', diloco))).to.deep.equal(diloco);
  });

  it('is refused when its numbers make no sense', () => {
    for (const options of [
      { outerRateMicro: 0 },
      { outerRateMicro: -1 },
      { outerRateMicro: 10_000_001 },
      { outerRateMicro: 'fast' },
      { outerMomentumMicro: 1_000_000 },
      { outerMomentumMicro: -1 },
    ]) {
      expect(() => of(options), JSON.stringify(options))
        .to.throw(PeerError)
        .with.property('code', 'bad_plan');
    }
  });
});
