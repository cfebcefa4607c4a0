import { expect } from 'chai';

import { delta, difference, WeightsError, type ModelWeights } from '../../src/weights/index.ts';

const base: ModelWeights = [
  { name: 'w', shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) },
  { name: 'b', shape: [1], data: new Float32Array([0.5]) },
];
const after: ModelWeights = [
  { name: 'w', shape: [2, 2], data: new Float32Array([1.5, 2, 2, 4]) },
  { name: 'b', shape: [1], data: new Float32Array([-0.5]) },
];

describe('differences of models', () => {
  it('come in the order of the list, and leave both as they were', () => {
    expect([...delta(after, base)]).to.deep.equal([0.5, 0, -1, 0, -1]);
    expect([...base[0]!.data]).to.deep.equal([1, 2, 3, 4]);
  });

  it('are rounded to float32', () => {
    // 1 - 2^-25 is not a float32; to even it becomes 1.
    const [one, small] = [new Float32Array([1]), new Float32Array([2 ** -25])];
    expect([...difference(one, small)]).to.deep.equal([1]);
  });

  it('are refused of two layouts', () => {
    const other = [{ ...base[0]!, shape: [4] }, base[1]!];
    const cases = [
      () => delta(other, base),
      () => delta([base[0]!], base),
      () => delta([...base, base[0]!], base),
      () => difference(new Float32Array(4), new Float32Array(3)),
    ];
    for (const act of cases) {
      expect(act).to.throw(WeightsError).with.property('code', 'shape_mismatch');
    }
  });
});
