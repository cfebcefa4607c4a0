/** The sum of a gossip step, by hand. */
import { expect } from 'chai';
import fc from 'fast-check';
import { GossipError, latencyGroups, mixInto, plus } from '../../../src/gossip/index.ts';

describe('mixInto', () => {
  it('sums shares of vectors, for one to nine of them', () => {
    for (let count = 1; count <= 9; count++) {
      const terms = Array.from({ length: count }, (_, i) => ({
        weight: 2 ** -i,
        values: Float64Array.of(i + 1, 10, -i),
      }));
      const expected = [0, 1, 2].map((at) =>
        terms.reduce((sum, { weight, values }) => sum + weight * values[at]!, 0),
      );
      expect([...mixInto(new Float64Array(3), terms)]).deep.equal(expected);
    }
  });

  it('writes over one of its own terms, over more numbers than a block', () => {
    const a = Float32Array.from({ length: 5000 }, (_, i) => i);
    const b = Float32Array.from({ length: 5000 }, (_, i) => -3 * i);
    mixInto(a, [{ weight: 0.5, values: a }, { weight: 0.5, values: b }]); // prettier-ignore
    expect(a.every((value, i) => value === -i)).equal(true);
  });

  it('rounds a float32 vector once: 2^24 + 1 - 2^24 is 1', () => {
    const terms = [2 ** 24, 1, -(2 ** 24)].map((value) => ({
      weight: 1,
      values: Float32Array.of(value),
    }));
    expect([...mixInto(new Float32Array(1), terms)]).deep.equal([1]);
  });

  it('gives the same bits whatever the length around a number', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
          minLength: 5,
          maxLength: 5,
        }),
        (values) => {
          const short = values.map((value, i) => ({
            weight: 1 / (i + 3),
            values: Float32Array.of(value),
          }));
          const long = values.map((value, i) => ({
            weight: 1 / (i + 3),
            values: new Float32Array(4099).fill(value),
          }));
          const [alone] = mixInto(new Float32Array(1), short);
          expect(mixInto(new Float32Array(4099), long)[4098]).equal(alone);
        },
      ),
    );
  });

  it('refuses vectors of different lengths', () => {
    const terms = [{ weight: 1, values: Float32Array.of(1, 2) }];
    expect(() => mixInto(new Float32Array(3), terms)).throw(
      GossipError,
      'expected 3 values, got 2',
    );
  });
});

describe('plus', () => {
  it('leaves its arguments as they are', () => {
    const a = Float64Array.of(1, 2);
    expect([...plus(a, Float32Array.of(3, 4), -0.5)]).deep.equal([-0.5, 0]);
    expect([...a]).deep.equal([1, 2]);
  });
});

describe('latencyGroups', () => {
  it('puts together nodes that all are near each other', () => {
    // 0 and 2 are near, 1 is near 2 alone, 3 is near 1 in one direction.
    const latencyMs = [[0, 80, 5, 90], [80, 0, 5, 5], [5, 5, 0, 90], [90, 50, 90, 0]]; // prettier-ignore
    expect(latencyGroups(latencyMs, 10)).deep.equal([0, 1, 0, 2]);
    expect(latencyGroups(latencyMs, 100)).deep.equal([0, 0, 0, 0]);
  });

  it('refuses what is no square of latencies', () => {
    expect(() => latencyGroups([[0, 1]], 10)).throw(GossipError, 'as many latencies in each row');
    expect(() => latencyGroups([[NaN]], 10)).throw(GossipError);
  });
});
