/** Metrics on label maps small enough to count by hand. */
import { expect } from 'chai';

import { dice, pointErrors, summarise, type PointGeometry } from '../../src/models/index.ts';

describe('Dice', () => {
  it('is twice the overlap over the sum of sizes', () => {
    const truth = Uint8Array.of(1, 1, 1, 0, 0, 2);
    const prediction = Uint8Array.of(0, 1, 1, 1, 0, 2);
    expect(dice(prediction, truth, 1)).to.equal(4 / 6);
    expect(dice(prediction, truth, 2)).to.equal(1);
  });

  it('is 0 for a structure that was not found and undefined for one that is not there', () => {
    const truth = Uint8Array.of(1, 1, 0);
    expect(dice(Uint8Array.of(0, 0, 0), truth, 1)).to.equal(0);
    expect(dice(Uint8Array.of(2, 0, 0), truth, 2)).to.equal(null);
    expect(dice(truth, truth, 2)).to.equal(null);
  });
});

describe('point errors', () => {
  const geometry: PointGeometry = {
    shape: [1, 1, 4],
    centreOf: (labels, _shape, value) => {
      const at = labels.indexOf(value);
      return at < 0 ? null : [0, 0, at];
    },
    // 2 mm voxels, first at (10, 20, 30); w is x.
    toWorld: ([d, h, w]) => [10 + 2 * w, 20 + 2 * h, 30 + 2 * d],
  };

  it('are distances in mm, and null for a label that is missed', () => {
    const labels = Uint8Array.of(0, 1, 0, 0);
    const truth = { RCC: [12, 23, 34], LCC: [0, 0, 0] } as const;
    expect(pointErrors(labels, truth, { RCC: 1, LCC: 2 }, geometry)).to.deep.equal([
      { label: 'RCC', predicted: [12, 20, 30], errorMm: 5 }, // 3-4-5
      { label: 'LCC', predicted: null, errorMm: null },
    ]);
  });

  it('leave out points that the model is not taught', () => {
    expect(pointErrors(Uint8Array.of(0, 0, 0, 0), { MS1: [0, 0, 0] }, {}, geometry)).to.deep.equal(
      [],
    );
  });
});

describe('a summary', () => {
  it('has the quartiles of the values and the rate of the missed', () => {
    // Order statistics 1, 2, 3, 4: quartiles at places 0.75 and 2.25 (R: quantile(1:4)).
    expect(summarise([4, null, 1, 3, 2])).to.deep.equal({
      n: 5,
      nullCount: 1,
      nullRate: 0.2,
      median: 2.5,
      lowerQuartile: 1.75,
      upperQuartile: 3.25,
    });
  });

  it('of nothing, or of misses only, has no median', () => {
    expect(summarise([])).to.include({ n: 0, nullRate: 0, median: null, upperQuartile: null });
    expect(summarise([null])).to.include({ n: 1, nullRate: 1, median: null, lowerQuartile: null });
  });

  it('sorts as numbers', () => {
    expect(summarise([10, 9, 100]).median).to.equal(10);
  });
});
