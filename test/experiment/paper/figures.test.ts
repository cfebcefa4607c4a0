import { expect } from 'chai';
import { figuresOf, type CaseResult } from '../../../src/experiment/paper/figures.ts';

function result(values: readonly (number | null)[], more: Partial<CaseResult> = {}): CaseResult {
  return {
    ...{ seed: 1, arm: 'unet-local', task: 'hps', hospital: 'L1', group: 'other' },
    ...{ patient: 'p1', values, annotator: [], calibration: null },
    ...more,
  };
}

describe('figures of an arm', () => {
  it('have median, quartiles and the share of missed points, which are not in n', () => {
    // 1, 2, 3, 4 and a missed one: type 7 quartiles 1.75, 2.5, 3.25; with the missed one as the farthest the median is 3.
    expect(figuresOf('hps', [result([4, null, 1]), result([3, 2])])).deep.include({
      ...{ unit: 'mm', n: 4, median: 2.5, lowerQuartile: 1.75, upperQuartile: 3.25 },
      ...{ medianWithMissed: 3, missRate: 0.2, undefinedCount: 0 },
      interval: { low: 2.5, high: 2.5 }, // one patient, whichever the model
    });
  });

  it('leave undefined Dice out and count them', () => {
    const figures = figuresOf('calc', [result([0.5]), result([null]), result([0.7])]);
    expect(figures).include({ unit: 'dice', n: 2, missRate: null, undefinedCount: 1 });
    expect(figures.median).closeTo(0.6, 1e-12);
    expect(figures.medianWithMissed).equal(figures.median);
  });

  it('measure against the annotator apart', () => {
    const figures = figuresOf('hps', [
      result([1], { annotator: [3] }),
      result([2], { annotator: [null, 5] }),
    ]);
    expect([figures.median, figures.annotatorMedian]).deep.equal([1.5, 4]);
  });

  it('add up the calibration of their cases', () => {
    const bins = (hits: number): CaseResult['calibration'] => ({
      counts: [0, 0, 0, 0, 0, 1],
      confidences: [0, 0, 0, 0, 0, 0.5],
      hits: [0, 0, 0, 0, 0, hits],
    });
    // Two voxels called with 0.5, one right: as sure as right. One alone, right: |1 − 0.5|.
    const [right, wrong] = [
      result([1], { calibration: bins(1) }),
      result([1], { calibration: bins(0) }),
    ];
    expect(figuresOf('hps', [right, wrong]).calibrationError).equal(0);
    expect(figuresOf('hps', [right]).calibrationError).equal(0.5);
  });

  it('of nothing are absent', () => {
    expect(figuresOf('ms', [])).include({
      ...{ n: 0, median: null, interval: null, missRate: null, calibrationError: null },
    });
  });
});
