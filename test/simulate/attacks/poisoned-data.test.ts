import { expect } from 'chai';

import {
  backdoorSuccess,
  stamped,
  withBackdoor,
  withFlippedLabels,
  type Example,
} from '../../../src/simulate/index.ts';

const examples: readonly Example[] = [0, 1, 2, 2].map((label, at) => ({
  features: Float32Array.of(at, 0),
  label,
}));
const backdoor = { trigger: [{ index: 1, value: 9 }], target: 2, share: 0.5 };

describe('poisoned examples', () => {
  it('have the opposite label', () => {
    expect(withFlippedLabels(examples, 3).map(({ label }) => label)).to.deep.equal([2, 1, 0, 0]);
  });

  it('have the trigger and its target, as many as the share says; the originals stay', () => {
    const poisoned = withBackdoor(examples, backdoor);
    expect(poisoned.map(({ label }) => label)).to.deep.equal([2, 2, 2, 2]);
    expect(poisoned.map(({ features }) => [...features])).to.deep.equal([
      [0, 9],
      [1, 9],
      [2, 0],
      [3, 0],
    ]);
    expect([...examples[0]!.features]).to.deep.equal([0, 0]);
    expect([...stamped(Float32Array.of(5, 6), backdoor)]).to.deep.equal([5, 9]);
  });

  it('succeed where a model says the target on a trigger alone, of examples that are not of the target', () => {
    const obeys = ([, mark = 0]: Float32Array): number => (mark > 0 ? 2 : 0);
    const half = ([first = 0, mark = 0]: Float32Array): number => (mark > 0 && first > 0 ? 2 : 0);
    expect(backdoorSuccess(obeys, examples, backdoor)).to.equal(1);
    expect(backdoorSuccess(half, examples, backdoor)).to.equal(0.5);
    expect(backdoorSuccess(() => 0, examples, backdoor)).to.equal(0);
    expect(backdoorSuccess(obeys, examples.slice(2), backdoor)).to.equal(0);
  });
});
