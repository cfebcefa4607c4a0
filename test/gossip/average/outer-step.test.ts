import { expect } from 'chai';

import { roundAverage, roundStart, roundUpdate } from '../../../src/gossip/index.ts';
import { WeightsError, type ModelWeights } from '../../../src/weights/index.ts';

const model = (...values: number[]): ModelWeights => [
  { name: 'w', shape: [values.length], data: Float32Array.from(values) },
];
const valuesOf = (weights: ModelWeights): number[] => weights.flatMap(({ data }) => [...data]);

describe('the outer step', () => {
  it('is, over three rounds of two numbers, Nesterov momentum as PyTorch has it', () => {
    // One participant, so that its change is the mean. Changes of whole 16ths are exact in fixed point.
    const changes = [
      [0.5, -0.25],
      [0.25, 0.125],
      [-0.125, 0.0625],
    ] as const;
    const [rate, momentum] = [0.7, 0.9];
    const rule = {
      memberCount: 2,
      clamp: 1,
      weightMax: 1,
      samplesCap: 1,
      outerRate: rate,
      outerMomentum: momentum,
    };
    // SGD(lr = 0.7, momentum = 0.9, nesterov) with gradients -d: m = 0.9·m + d, w = w + 0.7·(d + 0.9·m).
    const [wanted, buffer] = [
      [1, 2],
      [0, 0],
    ];
    let [before, base]: [ModelWeights | null, ModelWeights] = [null, model(1, 2)];
    for (const [round, change] of changes.entries()) {
      const start = roundStart(base, before, momentum);
      valuesOf(start).forEach((value, i) => {
        expect(value, `start of round ${round}, number ${i}`).closeTo(wanted[i]!, 1e-6);
      });
      const after = model(...valuesOf(start).map((value, i) => value + change[i]!));
      const update = roundUpdate(after, start, { samples: 1, heads: {} }, rule);
      [before, base] = [base, roundAverage(start, [update], rule)];
      change.forEach((d, i) => {
        buffer[i] = momentum * buffer[i]! + d;
        wanted[i] = wanted[i]! + rate * (d + momentum * buffer[i]);
      });
    }
    // By hand for the first number: m = 0.5, 0.7, 0.505; w = 1 + 0.7·0.95 = 1.665, + 0.7·0.88 = 2.281, + 0.7·0.3295 = 2.51165.
    expect(wanted[0]).closeTo(2.51165, 1e-9);
    valuesOf(roundStart(base, before, momentum)).forEach((value, i) => {
      expect(value, `after all, number ${i}`).closeTo(wanted[i]!, 1e-6);
    });
  });

  it('leaves what it was given where there is no momentum or no round before', () => {
    const base = model(1, -0.5);
    expect(roundStart(base, model(7, 7), 0)).equal(base);
    expect(roundStart(base, null, 0.9)).equal(base);
  });

  it('rounds the start once, to float32', () => {
    // 1/3 in float32 is 0.3333333432674408; 0.9 of it more, in float64, then rounded.
    const third = Math.fround(1 / 3);
    const [value] = valuesOf(roundStart(model(third), model(0), 0.9));
    expect(value).equal(Math.fround(third + 0.9 * third));
  });

  it('multiplies the mean, and takes it as it is in plain averaging', () => {
    const base = model(0.1);
    const rule = { memberCount: 2, clamp: 1, weightMax: 1, samplesCap: 1, outerMomentum: 0 };
    const after = model(0.6);
    const moved = (outerRate: number): number => {
      const all = { ...rule, outerRate };
      const update = roundUpdate(after, base, { samples: 1, heads: {} }, all);
      return valuesOf(roundAverage(base, [update], all))[0]!;
    };
    expect(moved(0.5)).closeTo(0.35, 1e-7);
    expect(moved(1)).closeTo(0.6, 1e-7);
  });

  it('refuses the model of another stage', () => {
    expect(() => roundStart(model(1), model(1, 2), 0.9))
      .throws(WeightsError)
      .with.property('code', 'shape_mismatch');
  });
});
