import { expect } from 'chai';

import { roundAverage, roundUpdate, WeightsError } from '../../src/weights/index.ts';

const model = (...values: number[]): { name: string; shape: number[]; data: Float32Array }[] => [
  { name: 'w', shape: [values.length], data: Float32Array.from(values) },
];
const rule = { memberCount: 2, clamp: 1, weightMax: 8, samplesCap: 4 };

describe('the average of a round', () => {
  it('weighs each change by its samples, up to the cap', () => {
    const base = model(1, 0);
    const one = roundUpdate(model(1.5, 0), base, 1, rule);
    const other = roundUpdate(model(1, 1), base, 3, rule);
    expect([one.weight, other.weight]).to.deep.equal([1, 3]);
    // 1 + (1·0.5 + 3·0) / 4 and 0 + (1·0 + 3·1) / 4: exact in binary.
    const expected = [1.125, 0.75];
    for (const updates of [
      [one, other],
      [other, one],
    ]) {
      expect([...(roundAverage(base, updates, rule)[0]?.data ?? [])]).to.deep.equal(expected);
    }
    const weights = [0, 9, 4].map((samples) => roundUpdate(base, base, samples, rule).weight);
    expect(weights).to.deep.equal([1, 4, 4]);
  });

  it('clamps a change beyond the agreed bound, and says how many', () => {
    const base = model(0, 0);
    const update = roundUpdate(model(3, -0.5), base, 4, rule);
    expect(update.clampedCount).to.equal(1);
    expect([...(roundAverage(base, [update], rule)[0]?.data ?? [])]).to.deep.equal([1, -0.5]);
  });

  it('refuses a change that is not finite, and an update of another length or a false weight', () => {
    const base = model(0);
    expect(() => roundUpdate(model(NaN), base, 1, rule))
      .to.throw(WeightsError)
      .with.property('code', 'not_finite');
    expect(() => roundAverage(base, [{ values: new Int32Array(2), weight: 1 }], rule))
      .to.throw(WeightsError)
      .with.property('code', 'shape_mismatch');
    const { values } = roundUpdate(model(1), base, 4, rule);
    expect(() => roundAverage(base, [{ values, weight: 1 }], rule))
      .to.throw(WeightsError)
      .with.property('code', 'out_of_range');
  });
});
