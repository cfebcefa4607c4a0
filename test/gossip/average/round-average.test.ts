import { expect } from 'chai';

import { headOf, roundAverage, roundUpdate, segmentsOf } from '../../../src/gossip/index.ts';
import { WeightsError, type ModelWeights } from '../../../src/weights/index.ts';

const model = (...values: number[]): ModelWeights => [
  { name: 'w', shape: [values.length], data: Float32Array.from(values) },
];
/** One shared parameter and one of each of two heads. */
const headed = (shared: number, hps: number, ms: number): ModelWeights =>
  Object.entries({ w: shared, 'outs.hps.conv.conv.bias': hps, 'outs.ms.conv.conv.bias': ms }).map(
    ([name, value]) => ({ name, shape: [1], data: Float32Array.of(value) }),
  );
const valuesOf = (weights: ModelWeights): number[] => weights.flatMap(({ data }) => [...data]);
const rule = {
  ...{ memberCount: 2, clamp: 1, weightMax: 8, samplesCap: 4 },
  ...{ outerRate: 1, outerMomentum: 0 },
};
const trained = (
  samples: number,
  heads: Record<string, number> = {},
): { samples: number; heads: Record<string, number> } => ({ samples, heads });

describe('the average of a round', () => {
  it('weighs each change by its samples, up to the cap', () => {
    const base = model(1, 0);
    const one = roundUpdate(model(1.5, 0), base, trained(1), rule);
    const other = roundUpdate(model(1, 1), base, trained(3), rule);
    expect([one.weight, other.weight]).to.deep.equal([1, 3]);
    // 1 + (1·0.5 + 3·0) / 4 and 0 + (1·0 + 3·1) / 4: exact in binary.
    const expected = [1.125, 0.75];
    for (const updates of [
      [one, other],
      [other, one],
    ]) {
      expect(valuesOf(roundAverage(base, updates, rule))).to.deep.equal(expected);
    }
    const weights = [0, 9, 4].map((n) => roundUpdate(base, base, trained(n), rule).weight);
    expect(weights).to.deep.equal([1, 4, 4]);
  });

  it('weighs a head by the samples with its label: who has none does not thin the mean', () => {
    const base = headed(0, 1, 2);
    const one = roundUpdate(headed(0.5, 1.5, 2), base, trained(3, { hps: 1, ms: 0 }), rule);
    const other = roundUpdate(headed(1, 1.25, 2), base, trained(1, { hps: 1 }), rule);
    expect([one.heads, other.heads]).to.deep.equal([
      { hps: 1, ms: 0 },
      { hps: 1, ms: 0 },
    ]);
    // Shared (3·0.5 + 1·1) / 4; hps 1 + (0.5 + 0.25) / 2; ms, which nobody trained, as it was.
    const expected = [0.625, 1.375, 2];
    for (const updates of [
      [one, other],
      [other, one],
    ]) {
      expect(valuesOf(roundAverage(base, updates, rule))).to.deep.equal(expected);
    }
    // With hps by one of them alone its mean is that one's, as if the other were not there.
    const without = { ...other, heads: { hps: 0, ms: 0 }, values: other.values.slice() };
    without.values[1] = 0;
    expect(valuesOf(roundAverage(base, [one, without], rule))).to.deep.equal([0.625, 1.5, 2]);
  });

  it('caps what a head weighs as it caps the update', () => {
    const base = headed(0, 0, 0);
    const { weight, heads } = roundUpdate(base, base, trained(9, { hps: 7, ms: 2 }), rule);
    expect({ weight, heads }).to.deep.equal({ weight: 4, heads: { hps: 4, ms: 2 } });
  });

  it('sends nothing of a head that was not trained', () => {
    const update = roundUpdate(headed(0, 0.5, 0.5), headed(0, 0, 0), trained(4, { hps: 2 }), rule);
    // 2 members, clamp 1: s = 29; 0.5 · 2/8 · 2^29 = 2^26.
    expect([...update.values]).to.deep.equal([0, 2 ** 26, 0]);
  });

  it('clamps a change beyond the agreed bound, and says how many', () => {
    const base = model(0, 0);
    const update = roundUpdate(model(3, -0.5), base, trained(4), rule);
    expect(update.clampedCount).to.equal(1);
    expect(valuesOf(roundAverage(base, [update], rule))).to.deep.equal([1, -0.5]);
  });

  it('refuses a change that is not finite, and an update of another length or a false weight', () => {
    const base = model(0);
    expect(() => roundUpdate(model(NaN), base, trained(1), rule))
      .to.throw(WeightsError)
      .with.property('code', 'not_finite');
    expect(() => roundAverage(base, [{ values: new Int32Array(2), weight: 1, heads: {} }], rule))
      .to.throw(WeightsError)
      .with.property('code', 'shape_mismatch');
    const { values } = roundUpdate(model(1), base, trained(4), rule);
    expect(() => roundAverage(base, [{ values, weight: 1, heads: {} }], rule))
      .to.throw(WeightsError)
      .with.property('code', 'out_of_range');
  });
});

describe('the heads of a model', () => {
  it('are read from the names of its parameters', () => {
    expect(
      ['outs.hps.conv.conv.weight', 'decoder.heads.ms.seg_layers.1.bias'].map(headOf),
    ).to.deep.equal(['hps', 'ms']);
    for (const shared of [
      'decoder.seg_layers.1.weight',
      'encoder.stages.0.0.convs.0.conv.weight',
      'swin_unetr.outs.hps.weight',
      'outs.weight',
    ]) {
      expect(headOf(shared), shared).to.equal(null);
    }
  });

  it('cut the flat vector into stretches, neighbours of one head together', () => {
    const sizes = { 'a.x': 2, 'b.x': 3, 'outs.hps.w': 4, 'outs.hps.b': 1, 'outs.ms.w': 2, z: 1 };
    const layout = Object.entries(sizes).map(([name, size]) => ({
      ...{ name, shape: [size], data: new Float32Array(size) },
    }));
    expect(segmentsOf(layout)).to.deep.equal([
      { head: null, start: 0, end: 5 },
      { head: 'hps', start: 5, end: 10 },
      { head: 'ms', start: 10, end: 12 },
      { head: null, start: 12, end: 13 },
    ]);
  });
});
