import { expect } from 'chai';

import { MixingSchedule, type MixingSettings } from '../../../src/gossip/index.ts';

const onePeer: MixingSettings = {
  ...{ topology: { kind: 'one-peer-exponential' }, steps: 0, epsilon: 1e-5, clamp: 1 },
};
const seed = 'ab'.repeat(32);
const shared = (...weights: number[]): { weight: number; heads: Record<string, number> }[] =>
  weights.map((weight) => ({ weight, heads: {} }));

describe('the schedule of a mixing', () => {
  it('follows the example of the specification', () => {
    const schedule = new MixingSchedule(onePeer, seed, shared(10, 20, 30, 40));
    expect(schedule.steps).to.equal(2);
    const weightsOf = (state: number): number[] =>
      [0, 1, 2, 3].map((member) => schedule.weights(state, member).weight);
    expect([0, 1, 2].map(weightsOf)).to.deep.equal([
      [10, 20, 30, 40],
      [25, 15, 25, 35],
      [25, 25, 25, 25],
    ]);
    expect(schedule.incoming(0, 0)).to.deep.equal([
      { from: 0, weight: 0.5 },
      { from: 3, weight: 0.5 },
    ]);
    expect(schedule.listeners(0, 3)).to.deep.equal([0]);
    expect(schedule.listeners(1, 3)).to.deep.equal([1]);
  });

  it('weighs a head by those that trained it alone', () => {
    const weights = [
      { weight: 10, heads: { ms: 8, hps: 0 } },
      { weight: 30, heads: { ms: 0, hps: 0 } },
    ];
    const schedule = new MixingSchedule(onePeer, seed, weights);
    expect(schedule.steps).to.equal(1);
    expect(schedule.weights(1, 1)).to.deep.equal({ weight: 20, heads: { ms: 4, hps: 0 } });
  });

  it('takes the fewest steps that are enough for the bound on a ring, as its second eigenvalue says', () => {
    // Of a ring of 8 with thirds: 1/3 + 2/3 cos(2π/8) = 0.8047. From a unit vector the worst mean is then off by about 1.4 λ^T.
    const ring = (epsilon: number): MixingSettings => {
      return { ...onePeer, topology: { kind: 'ring' }, epsilon };
    };
    const steps = (epsilon: number): number =>
      new MixingSchedule(ring(epsilon), seed, shared(...new Array<number>(8).fill(10))).steps;
    const perDecade = Math.log(10) / -Math.log(1 / 3 + (2 / 3) * Math.cos(Math.PI / 4));
    expect(steps(1e-4) - steps(1e-3)).to.be.closeTo(perDecade, 1);
    expect(steps(1e-5) - steps(1e-4)).to.be.closeTo(perDecade, 1);
  });

  it('makes no step alone, and as many as it is told', () => {
    expect(new MixingSchedule(onePeer, seed, shared(5)).steps).to.equal(0);
    const told = { ...onePeer, steps: 7 };
    expect(new MixingSchedule(told, seed, shared(5, 5, 5)).steps).to.equal(7);
  });

  it('makes no more steps than a report can hold', () => {
    // Each step of each member has 100 bytes and 80 for each of 16 links: 34 steps are within 48 000.
    const complete = { ...onePeer, topology: { kind: 'complete' }, steps: 200 } as const;
    const weights = shared(...new Array<number>(16).fill(1));
    expect(new MixingSchedule(complete, seed, weights).steps).to.equal(34);
  });

  it('keeps all weight where columns do not sum to 1 by themselves, and finds the mean', () => {
    const epidemic = { ...onePeer, topology: { kind: 'el-local', degree: 2 } } as const;
    const schedule = new MixingSchedule(epidemic, seed, shared(1, 2, 3, 4, 5, 6));
    for (let state = 0; state <= schedule.steps; state++) {
      const total = [0, 1, 2, 3, 4, 5].reduce(
        (sum, member) => sum + schedule.weights(state, member).weight,
        0,
      );
      expect(total, `state ${state}`).to.be.closeTo(21, 1e-9);
    }
  });

  it('mixes by Base-2 where too few are left for the topology', () => {
    const regular = {
      ...onePeer,
      topology: { kind: 'regular', degree: 4, redrawn: false },
    } as const;
    // Two powers of two, 2 and 1: three are not one. It takes three steps, and no more than one neighbour in each.
    const schedule = new MixingSchedule(regular, seed, shared(1, 1, 1));
    for (let step = 0; step < schedule.steps; step++) {
      for (const member of [0, 1, 2]) {
        expect(schedule.incoming(step, member).length).to.be.at.most(2);
      }
    }
    expect([0, 1, 2].map((one) => schedule.weights(schedule.steps, one).weight)).to.deep.equal([
      1, 1, 1,
    ]);
  });

  it('lets states be sent as changes since the last step with the same listeners', () => {
    const weights = shared(...new Array<number>(8).fill(1));
    const ring = new MixingSchedule({ ...onePeer, topology: { kind: 'ring' } }, seed, weights);
    expect([0, 1, 5].map((step) => ring.reference(step, 3))).to.deep.equal([null, 0, 4]);
    // One peer 1, 2, 4 places on, then again.
    const told = { ...onePeer, steps: 7 };
    const cycle = new MixingSchedule(told, seed, weights);
    expect([0, 1, 2, 3, 4, 6].map((step) => cycle.reference(step, 3))).to.deep.equal([
      ...[null, null, null],
      ...[0, 1, 3],
    ]);
  });

  it('takes as many steps as rounding of states asks for: one cycle of exact means is not enough', () => {
    const weights = shared(...new Array<number>(8).fill(10));
    const stepsWith = (more: Partial<MixingSettings>): number =>
      new MixingSchedule({ ...onePeer, ...more }, seed, weights).steps;
    expect(stepsWith({})).to.equal(3);
    // Each cycle of three divides what is left by 254 at most: from 1 to 2.5 · 10^-6 it takes at least three.
    expect(stepsWith({ compression: 'int8' }))
      .to.be.at.least(9)
      .and.at.most(21);
    // On a graph that stays differences shrink as models come together: rounding adds a step or two.
    const ring = { topology: { kind: 'ring' } } as const;
    expect(stepsWith({ ...ring, compression: 'int8' }) - stepsWith(ring)).to.be.within(0, 2);
  });
});
