import { expect } from 'chai';
import { bandOf } from '../../../src/report/lab/compare-runs.ts';

describe('a band', () => {
  it('is the mean with the interval of Student', () => {
    // Mean 2, deviation 1, 4.303 at 97.5 % of two degrees of freedom: 4.303 / √3 = 2.4843.
    const band = bandOf([1, 2, 3], false);
    expect(band?.middle).equal(2);
    expect(band?.low).closeTo(2 - 2.4843, 1e-4);
    expect(band?.high).closeTo(2 + 2.4843, 1e-4);
  });

  it('of logarithms has the geometric mean', () => {
    expect(bandOf([1, 100], true)?.middle).closeTo(10, 1e-12);
  });

  it('is the value itself of one seed, and nothing of none', () => {
    expect(bandOf([5], false)).deep.equal({ middle: 5, low: 5, high: 5 });
    expect(bandOf([], false)).equal(null);
  });

  it('is one of the values themselves where one is 0', () => {
    expect(bandOf([0, 2], true)?.middle).equal(1);
  });
});
