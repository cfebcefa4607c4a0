import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import { bootstrapMedian, medianWithMissed } from '../../src/models/index.ts';

describe('the bootstrap of a median', () => {
  const random = () => seededRandom('bootstrap');

  it('has the medians of all ways to draw two patients between its ends', () => {
    // Drawn are (1, 1), (1, 5), (5, 1) or (5, 5), a quarter each: 2.5 % and 97.5 % lie in the outer quarters.
    expect(bootstrapMedian([[1], [5]], random())).to.deep.equal({ low: 1, high: 5 });
    // The inner half of the four is the mixed draws: the 30 % and 70 % quantiles are their median, 3.
    const inner = { resamples: 2000, coverage: 0.4 };
    expect(bootstrapMedian([[1], [5]], random(), inner)).to.deep.equal({ low: 3, high: 3 });
  });

  it('draws patients, not points: those of one stay together', () => {
    // Of points alone, (1, 1, 1, 1, 9) would hardly ever have the median 9; the second patient drawn twice has.
    const { high } = bootstrapMedian([[1, 1, 1, 1], [9]], random()) ?? {};
    expect(high).to.equal(9);
  });

  it('is no wider than a single patient, and nothing of nothing', () => {
    expect(bootstrapMedian([[2, 4]], random())).to.deep.equal({ low: 3, high: 3 });
    expect(bootstrapMedian([], random())).to.equal(null);
    expect(bootstrapMedian([[], []], random())).to.equal(null);
  });

  it('leaves out a draw in which every patient is without a value', () => {
    expect(bootstrapMedian([[7], []], random())).to.deep.equal({ low: 7, high: 7 });
  });

  it('is the same for the same seed', () => {
    const clusters = Array.from({ length: 9 }, (_, n) => [n, n ** 2]);
    expect(bootstrapMedian(clusters, random())).to.deep.equal(bootstrapMedian(clusters, random()));
  });
});

describe('a median with missed points', () => {
  it('counts them as farther than any', () => {
    expect(medianWithMissed([1, 2, null])).to.equal(2);
    expect(medianWithMissed([3, 1, null, 2, null])).to.equal(3);
  });

  it('is absent when half or more are missed, or there is nothing', () => {
    expect(medianWithMissed([1, null])).to.equal(null);
    expect(medianWithMissed([1, null, null, null])).to.equal(null);
    expect(medianWithMissed([null])).to.equal(null);
    expect(medianWithMissed([])).to.equal(null);
  });
});
