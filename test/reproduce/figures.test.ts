import { expect } from 'chai';
import { figuresOf, type Observation } from '../../src/reproduce/figures.ts';

function observation(
  value: number | null,
  patient = 'p1',
  annotator: number | null = null,
): Observation {
  return {
    ...{ seed: 1, arm: 'unet-local', task: 'hps', hospital: 'L1', group: 'other' },
    ...{ patient, value, annotator },
  };
}

describe('figures of an arm', () => {
  it('have median, quartiles and the share of missed points, which are not in n', () => {
    // 1, 2, 3, 4 and a missed one: type 7 quartiles 1.75, 2.5, 3.25; with the missed one as the farthest the median is 3.
    const figures = figuresOf(
      'hps',
      [4, null, 1, 3, 2].map((value) => observation(value)),
    );
    expect(figures).deep.include({
      ...{ unit: 'mm', n: 4, median: 2.5, lowerQuartile: 1.75, upperQuartile: 3.25 },
      ...{ medianWithMissed: 3, missRate: 0.2, undefinedCount: 0 },
      interval: { low: 2.5, high: 2.5 }, // one patient
    });
  });

  it('leave undefined Dice out and count them', () => {
    const figures = figuresOf(
      'calc',
      [0.5, null, 0.7].map((value) => observation(value)),
    );
    expect(figures).include({ unit: 'dice', n: 2, missRate: null, undefinedCount: 1 });
    expect(figures.median).closeTo(0.6, 1e-12);
    expect(figures.medianWithMissed).equal(figures.median);
  });

  it('measure against the annotator apart', () => {
    const figures = figuresOf('hps', [observation(1, 'a', 3), observation(2, 'b', 5)]);
    expect([figures.median, figures.annotatorMedian]).deep.equal([1.5, 4]);
  });

  it('of nothing are absent', () => {
    expect(figuresOf('ms', [])).include({ n: 0, median: null, interval: null, missRate: null });
  });
});
