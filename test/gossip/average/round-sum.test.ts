import { expect } from 'chai';

import { InvariantError, seededRandom } from '../../../src/base/index.ts';
import { RoundSum, type Segment } from '../../../src/gossip/index.ts';
import { fixedPointFor, quantise, WeightsError } from '../../../src/weights/index.ts';

const shared = (count: number): Segment[] => [{ head: null, start: 0, end: count }];
const add = (sum: RoundSum, values: readonly number[], weight: number, heads = {}): void => {
  const underWay = sum.begin({ weight, heads });
  underWay.add(Int32Array.from(values));
  underWay.end();
};
const meanOf = (sum: RoundSum, count: number): number[] => [
  ...sum.applyTo(new Float32Array(count), 0),
];

describe('the sum of a round', () => {
  const weightMax = 200;
  const rule = { memberCount: 8, clamp: 1, weightMax, outerRate: 1 };
  const random = seededRandom('integer mean');
  const updates = Array.from({ length: 8 }, (_, k) => ({
    weight: 20 * (k + 1),
    delta: Float32Array.from({ length: 257 }, () => 0.1 * random.normal()),
  })).map(({ weight, delta }) => ({
    weight,
    delta,
    values: quantise(delta, { weight, weightMax }, fixedPointFor(8, 1)).values,
  }));

  function meanInOrder(order: readonly number[]): number[] {
    const sum = new RoundSum(shared(257), rule);
    for (const k of order) add(sum, [...updates[k]!.values], updates[k]!.weight);
    return meanOf(sum, 257);
  }

  it('gives the same in any order', () => {
    const expected = meanInOrder([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const order of [
      [7, 6, 5, 4, 3, 2, 1, 0],
      [3, 1, 4, 0, 5, 2, 6, 7],
    ]) {
      expect(meanInOrder(order)).to.deep.equal(expected);
    }
  });

  it('is the weighted mean up to the resolution', () => {
    const weightSum = updates.reduce((sum, { weight }) => sum + weight, 0);
    for (const [i, mean] of meanInOrder([0, 1, 2, 3, 4, 5, 6, 7]).entries()) {
      const exact =
        updates.reduce((sum, { weight, delta }) => sum + weight * delta[i]!, 0) / weightSum;
      // Half a unit from each of 8 nodes, times wMax/W = 200/720, and float32's own rounding.
      expect(mean).to.be.closeTo(exact, (4 * 2 ** -27 * 200) / 720 + 1e-8);
    }
  });

  it('computes 3/4 from 1 and 1/2 of equal weight exactly, and half of it at a rate of 1/2', () => {
    // Two members, clamp 1: s = 29. Of a weight of 10 of 10 the values are 2^29 and 2^28.
    for (const [outerRate, expected] of [
      [1, 0.75],
      [0.5, 0.375],
    ] as const) {
      const sum = new RoundSum(shared(1), { memberCount: 2, clamp: 1, weightMax: 10, outerRate });
      add(sum, [2 ** 29], 10);
      add(sum, [2 ** 28], 10);
      expect(meanOf(sum, 1)).to.deep.equal([expected]);
    }
  });

  it('takes an update in pieces, over the edges of heads', () => {
    const segments: Segment[] = [
      { head: null, start: 0, end: 2 },
      { head: 'a', start: 2, end: 5 },
      { head: null, start: 5, end: 6 },
    ];
    const sum = new RoundSum(segments, { ...rule, memberCount: 2, weightMax: 10 });
    const underWay = sum.begin({ weight: 10, heads: { a: 5 } });
    for (const piece of [[16], [32, 1, 2], [3, 64]]) underWay.add(Int32Array.from(piece));
    underWay.end();
    add(sum, [0, 0, 0, 0, 0, 0], 10, { a: 0 });
    // Shared by a weight of 20 of 10: halved; those of `a` by 5 of 10: doubled. 2^-29 is the unit.
    const unit = 2 ** -29;
    const base = new Float32Array(1);
    const at = (place: number): number => sum.applyTo(base, place)[0]! / unit;
    expect([0, 1, 2, 3, 4, 5].map(at)).to.deep.equal([8, 16, 2, 4, 6, 32]);
  });

  it('refuses a value beyond the weight of its head, wherever its piece begins', () => {
    // Two members, s = 29: a weight of 5 of 10 allows 2^28.
    const max = 2 ** 28;
    const small = { memberCount: 2, clamp: 1, weightMax: 10, outerRate: 1 };
    for (const bad of [max + 1, -max - 1, 2 ** 31 - 1, -(2 ** 31)]) {
      const underWay = new RoundSum(shared(3), small).begin({ weight: 5, heads: {} });
      underWay.add(Int32Array.of(max, -max));
      expect(() => {
        underWay.add(Int32Array.of(bad));
      })
        .to.throw(WeightsError)
        .with.property('code', 'out_of_range');
    }
    for (const values of [
      [0, 0],
      [0, 0, 0, 0],
    ]) {
      expect(() => {
        add(new RoundSum(shared(3), small), values, 5);
      })
        .to.throw(WeightsError)
        .with.property('code', 'shape_mismatch');
    }
    expect(() => new RoundSum(shared(3), small).begin({ weight: 11, heads: {} }))
      .to.throw(WeightsError)
      .with.property('code', 'bad_weight');
  });

  it('stops rather than overflow when given more updates than members', () => {
    const sum = new RoundSum(shared(1), { memberCount: 2, clamp: 1, weightMax: 1, outerRate: 1 });
    for (let n = 0; n < 3; n++) add(sum, [2 ** 29], 1);
    expect(() => {
      add(sum, [2 ** 29], 1);
    }).to.throw(InvariantError);
  });
});
