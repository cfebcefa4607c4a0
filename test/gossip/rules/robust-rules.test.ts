import { expect } from 'chai';

import { cappedShares, lowerMedian, robustVector, unitsOf } from '../../../src/gossip/index.ts';
import { WeightsError } from '../../../src/weights/index.ts';
import type { RobustRule } from '../../../src/wire/index.ts';

const noCap = { capMicro: 1_000_000 };
/** The mean of points on a line. */
const onLine = (points: readonly number[], rule: RobustRule, weights?: readonly number[]): number =>
  robustVector(
    points.map((x) => Float64Array.of(x)),
    weights ?? points.map(() => 1),
    rule,
  )[0]!;

describe('shares with a cap', () => {
  it('cut the largest to the cap and give the rest to the others in proportion', () => {
    // 0.65 is left for 1, 1 and 3.
    const shares = cappedShares([94, 1, 1, 3], 0.35);
    const expected = [0.35, 0.13, 0.13, 0.39];
    // 3 of 5 of 0.65 is 0.39, itself above the cap: then 0.3 is left for 1 and 1.
    expect(expected[3]).to.be.greaterThan(0.35);
    expect(shares).to.deep.equal([0.35, (1 - 0.7) / 2, (1 - 0.7) / 2, 0.35]);
  });

  it('leave shares below the cap as they are', () => {
    expect(cappedShares([1, 2, 1], 0.5)).to.deep.equal([0.25, 0.5, 0.25]);
    expect(cappedShares([94, 1], 1)).to.deep.equal([94 / 95, 1 / 95]);
  });

  it('are equal where there are too few members for the cap', () => {
    expect(cappedShares([94, 1], 0.35)).to.deep.equal([0.5, 0.5]);
    expect(cappedShares([7], 0.35)).to.deep.equal([1]);
    for (const share of cappedShares([94, 2, 1], 0.01)) expect(share).to.be.closeTo(1 / 3, 1e-15);
  });

  it('make a lower median', () => {
    const median = (values: number[], shares: number[]): number =>
      lowerMedian(values, unitsOf(shares));
    expect(median([5, 1, 3], [1 / 3, 1 / 3, 1 / 3])).to.equal(3);
    expect(median([4, 1, 3, 2], [0.25, 0.25, 0.25, 0.25])).to.equal(2);
    expect(median([4, 1, 3, 2], [0.6, 0.1, 0.1, 0.2])).to.equal(4);
  });
});

describe('centred clipping', () => {
  const rule = (iterations: number, radiusMicro = 1_000_000): RobustRule => ({
    ...{ kind: 'centred-clip', ...noCap, radiusMicro, iterations },
  });

  it('goes from the medoid to the mean of changes no longer than the median distance', () => {
    // Sums of distances: 0: 1+2+9 = 12, 1: 1+1+8 = 10, 2: 2+1+7 = 10, 9: 24. From 1, the first: distances 1, 0, 1, 8, lower
    // median 1; (-1 + 0 + 1 + 1) / 4 further is 1.25. Then 1.25, 0.25, 0.75, 7.75: 0.75; (-0.75 - 0.25 + 0.75 + 0.75) / 4.
    expect(onLine([0, 1, 2, 9], rule(1))).to.equal(1.25);
    expect(onLine([0, 1, 2, 9], rule(2))).to.be.closeTo(1.375, 1e-15);
  });

  it('takes whole changes within the radius: with a large one it is the mean', () => {
    expect(onLine([0, 1, 2, 9], rule(1, 8_000_000))).to.equal(3);
  });

  it('weighs members, none above the cap', () => {
    // Shares 1/8, 1/8, 6/8. Medoid 2; distances 2, 1, 0: the median by weight is 0, and nobody pulls.
    expect(onLine([0, 1, 2], rule(3), [1, 1, 6])).to.equal(2);
    // With a cap of 1/2: 1/4, 1/4, 1/2. Medoid 1 costs 1/4 + 1/2, and 2 costs 2/4 + 1/4: 1 is first. Distances 1, 0, 1;
    // lower median 1: 1 - 1/4 + 1/2.
    const capped: RobustRule = { ...rule(1), capMicro: 500_000 };
    expect(onLine([0, 1, 2], capped, [1, 1, 6])).to.equal(1.25);
  });
});

describe('norm clipping', () => {
  it('shortens what is longer than the median norm', () => {
    const rule: RobustRule = { kind: 'norm-clip', ...noCap, radiusMicro: 1_000_000 };
    // Norms 5, 1, 10, median 5: (3, 4) and (0, -1) as they are, (6, 8) halved.
    const mean = robustVector(
      [Float64Array.of(3, 4), Float64Array.of(0, -1), Float64Array.of(6, 8)],
      [1, 1, 1],
      rule,
    );
    expect(mean[0]).to.be.closeTo((3 + 0 + 3) / 3, 1e-15);
    expect(mean[1]).to.be.closeTo((4 - 1 + 4) / 3, 1e-15);
  });
});

describe('trimmed mean and median', () => {
  const trimmed: RobustRule = { kind: 'trimmed-mean', ...noCap, trimMicro: 250_000 };
  const median: RobustRule = { kind: 'median', ...noCap };

  it('leave out as much weight at each end', () => {
    expect(onLine([100, 1, 2, -50], trimmed)).to.equal(1.5);
    // Units 1, 1, 4, 2 of 8, a quarter is 2: of -50, 1, 2, 100 in order of value 1, 1 go, 4 stay, 2 go.
    expect(onLine([-50, 1, 2, 100], trimmed, [1, 1, 4, 2])).to.equal(2);
    // 3, 1, 1, 3: of the ends one unit each is left: (-50 + 1 + 2 + 100) / 4.
    expect(onLine([-50, 1, 2, 100], trimmed, [3, 1, 1, 3])).to.equal(13.25);
  });

  it('take the middle, between two where half the weight lies on each side', () => {
    expect(onLine([9, 1, 5], median)).to.equal(5);
    expect(onLine([9, 1, 5, 2], median)).to.equal(3.5);
    expect(onLine([9, 1, 5], median, [2, 1, 1])).to.equal(7);
    expect(onLine([9, 1, 5], median, [3, 1, 1])).to.equal(9);
  });

  it('look at each parameter by itself', () => {
    const points = [Float64Array.of(0, 5), Float64Array.of(1, 9), Float64Array.of(7, 1)];
    expect([...robustVector(points, [1, 1, 1], median)]).to.deep.equal([1, 5]);
  });
});

describe('the geometric median', () => {
  const rule = (iterations: number): RobustRule => ({
    ...{ kind: 'geometric-median', ...noCap, iterations },
  });

  it('steps as Weiszfeld', () => {
    // Mean 4; distances 4, 3, 7: (0/4 + 1/3 + 11/7) / (1/4 + 1/3 + 1/7) = (160/84) / (61/84).
    expect(onLine([0, 1, 11], rule(1))).to.be.closeTo(160 / 61, 1e-14);
  });

  it('is on a line the median, whatever the far one is', () => {
    expect(onLine([0, 1, 11], rule(64))).to.be.closeTo(1, 1e-4);
    expect(onLine([0, 1, 1e6], rule(64))).to.be.closeTo(1, 1e-4);
  });

  it('of the corners of a square is its middle', () => {
    const corners = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ].map((one) => Float64Array.from(one));
    expect([...robustVector(corners, [1, 1, 1, 1], rule(8))]).to.deep.equal([0.5, 0.5]);
  });
});

describe('multi-Krum', () => {
  const rule = (tolerated: number): RobustRule => ({ kind: 'multi-krum', ...noCap, tolerated });

  it('is the mean of the n - f that lie closest to their n - f - 2 nearest', () => {
    // n = 5, f = 1, two nearest: scores 1+4, 1+1, 1+1, 1+4 and 97²+98².
    expect(onLine([0, 1, 2, 3, 100], rule(1))).to.equal(1.5);
    // n = 7, f = 2, three nearest: 20 and 21 go.
    expect(onLine([0, 1, 2, 3, 4, 20, 21], rule(2))).to.equal(2);
    expect(onLine([0, 1, 2, 3, 100], rule(1), [1, 1, 1, 5, 9])).to.equal(18 / 8);
  });

  it('tolerates no more than n ≥ 2f + 3 allows: of four nobody is left out', () => {
    expect(onLine([0, 1, 2, 97], rule(1))).to.equal(25);
  });
});

describe('nearest neighbour mixing', () => {
  it('replaces each by the mean of its n - f nearest before the rule', () => {
    // n = 4, f = 1, three nearest: 0, 1, 2 become their mean 1, and 9 becomes (9 + 2 + 1) / 3 = 4.
    const before = { ...noCap, nnmTolerated: 1 };
    expect(onLine([0, 1, 2, 9], { kind: 'median', ...before })).to.equal(1);
    const trimmed: RobustRule = { kind: 'trimmed-mean', ...before, trimMicro: 1 };
    expect(onLine([0, 1, 2, 9], trimmed)).to.be.closeTo(7 / 4, 1e-5);
    const clip: RobustRule = { kind: 'norm-clip', ...before, radiusMicro: 1_000_000 };
    // Norms 1, 1, 1, 4: the last is clipped to 1.
    expect(onLine([0, 1, 2, 9], clip)).to.be.closeTo(1, 1e-15);
  });
});

describe('every robust rule', () => {
  const more = { radiusMicro: 1_000_000, iterations: 8 };
  const rules: readonly RobustRule[] = [
    { kind: 'centred-clip', ...noCap, ...more },
    { kind: 'norm-clip', ...noCap, radiusMicro: 1_000_000 },
    { kind: 'trimmed-mean', ...noCap, trimMicro: 200_000 },
    { kind: 'median', ...noCap },
    { kind: 'geometric-median', ...noCap, iterations: 8 },
    { kind: 'multi-krum', ...noCap, tolerated: 1 },
  ];

  it('gives one member alone what it sent, and twins what they sent', () => {
    for (const rule of rules) {
      expect(onLine([0.75], rule), rule.kind).to.equal(0.75);
      expect(onLine([0.75, 0.75, 0.75, 0.75], rule), rule.kind).to.equal(0.75);
      expect(onLine([0, 0, 0, 0, 0], rule), rule.kind).to.equal(0);
    }
  });

  it('refuses vectors of different lengths', () => {
    for (const rule of rules) {
      const points = [Float64Array.of(1, 2), Float64Array.of(1)];
      expect(() => robustVector(points, [1, 1], rule), rule.kind)
        .to.throw(WeightsError)
        .with.property('code', 'shape_mismatch');
    }
  });
});
