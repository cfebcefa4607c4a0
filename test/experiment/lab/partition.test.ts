import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import { partitionSamples, sizesOf } from '../../../src/experiment/lab/partition.ts';

const base = { kind: 'iid', alpha: 0.5, skew: 94, spread: 1 };
/** 400 samples of four labels, as many of each. */
const labels = Int32Array.from({ length: 400 }, (_, at) => at % 4);

describe('a partition', () => {
  for (const kind of ['iid', 'dirichlet', 'label', 'size', 'scanner']) {
    it(`of kind ${kind} gives every sample to one node, and none to nobody`, () => {
      const own = partitionSamples({ ...base, kind }, labels, 20, seededRandom(1));
      const all = own.flatMap((indices) => [...indices]).sort((a, b) => a - b);
      expect(all).deep.equal([...labels.keys()]);
      expect(own.every(({ length }) => length > 0)).equal(true);
    });
  }

  it('is the same for the same seed and another for another', () => {
    const of = (seed: number): string =>
      JSON.stringify(
        partitionSamples({ ...base, kind: 'dirichlet' }, labels, 8, seededRandom(seed)),
      );
    expect(of(1)).equal(of(1));
    expect(of(1)).not.equal(of(2));
  });

  it('by label gives most nodes two labels, as McMahan et al. deal them out', () => {
    const own = partitionSamples({ ...base, kind: 'label' }, labels, 20, seededRandom(3));
    // 40 pieces of 10, none of which spans two labels, for 100 is a multiple of 10.
    for (const indices of own) {
      expect(new Set([...indices].map((at) => labels[at])).size).lessThanOrEqual(2);
      expect(indices.length).equal(20);
    }
  });

  it('by Dirichlet is the more uneven the smaller alpha is', () => {
    const largestShare = (alpha: number): number => {
      const own = partitionSamples(
        { ...base, kind: 'dirichlet', alpha },
        labels,
        4,
        seededRandom(5),
      );
      const shares = own.map((indices) => {
        const counts = [0, 1, 2, 3].map(
          (label) => [...indices].filter((at) => labels[at] === label).length,
        );
        return Math.max(...counts) / indices.length;
      });
      return shares.reduce((sum, share) => sum + share, 0) / shares.length;
    };
    expect(largestShare(0.05)).greaterThan(0.6);
    // Equal shares of four labels are a quarter each.
    expect(largestShare(1000)).lessThan(0.32);
  });
});

describe('sizes', () => {
  it('add up to all samples, the largest so many times the smallest', () => {
    const sizes = [...sizesOf(8, 100_000, 94, seededRandom(1))].sort((a, b) => a - b);
    expect(sizes.reduce((sum, size) => sum + size, 0)).equal(100_000);
    expect((sizes.at(-1) ?? 0) / (sizes[0] ?? 1)).closeTo(94, 0.5);
  });

  it('are never 0, however few samples there are', () => {
    const sizes = [...sizesOf(10, 10, 1000, seededRandom(1))];
    expect(sizes).deep.equal(new Array<number>(10).fill(1));
  });
});
