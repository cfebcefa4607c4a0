import { expect } from 'chai';

import {
  applyDelta,
  delta,
  flatten,
  l2Norm,
  unflatten,
  WeightsError,
  type ModelWeights,
} from '../../src/weights/index.ts';

const base: ModelWeights = [
  { name: 'w', shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) },
  { name: 'b', shape: [1], data: new Float32Array([0.5]) },
];
const after: ModelWeights = [
  { name: 'w', shape: [2, 2], data: new Float32Array([1.5, 2, 2, 4]) },
  { name: 'b', shape: [1], data: new Float32Array([-0.5]) },
];

describe('flat models', () => {
  it('flattens in the order of the list and back', () => {
    expect([...flatten(base)]).to.deep.equal([1, 2, 3, 4, 0.5]);
    expect(unflatten(base, flatten(after))).to.deep.equal(after);
  });

  it('takes and applies differences', () => {
    const difference = delta(after, base);
    expect([...difference]).to.deep.equal([0.5, 0, -1, 0, -1]);
    expect(applyDelta(base, difference)).to.deep.equal(after);
    expect([...flatten(base)]).to.deep.equal([1, 2, 3, 4, 0.5]); // untouched
  });

  it('rounds sums to float32', () => {
    const one = [{ name: 'x', shape: [1], data: new Float32Array([1]) }];
    // 1 + 2^-25 is not a float32; to even it becomes 1.
    expect([...flatten(applyDelta(one, new Float32Array([2 ** -25])))]).to.deep.equal([1]);
  });

  it('measures the Euclidean length', () => {
    expect(l2Norm(new Float32Array([3, 4]))).to.equal(5);
  });

  it('refuses another layout', () => {
    const other = [{ ...base[0]!, shape: [4] }, base[1]!];
    const cases = [
      () => delta(other, base),
      () => delta([base[0]!], base),
      () => delta([...base, base[0]!], base),
      () => unflatten(base, new Float32Array(4)),
      () => applyDelta(base, new Float32Array(6)),
    ];
    for (const act of cases) {
      expect(act).to.throw(WeightsError).with.property('code', 'shape_mismatch');
    }
  });
});
