import { expect } from 'chai';

import { InvariantError, seededRandom } from '../../src/base/index.ts';
import { fixedPointFor, quantise, valueMax, WeightsError } from '../../src/weights/index.ts';
import { IntegerMean } from '../../src/gossip/index.ts';

const full = { weight: 1, weightMax: 1 };

describe('fixed point', () => {
  it('is as fine as the number of members allows', () => {
    // 100·2^24 = 1.68e9 < 2^31 < 100·2^25; 8·2^27 = 2^30 < 2^31 = 8·2^28; 1·2^30 < 2^31.
    expect(fixedPointFor(100, 1)).to.deep.equal({ clamp: 1, fractionBits: 24 });
    expect(fixedPointFor(8, 1)).to.deep.equal({ clamp: 1, fractionBits: 27 });
    expect(fixedPointFor(1, 1)).to.deep.equal({ clamp: 1, fractionBits: 30 });
    // 4·0.3·2^30 = 1.29e9.
    expect(fixedPointFor(4, 0.3)).to.deep.equal({ clamp: 0.3, fractionBits: 30 });
  });

  it('rounds halves up, clamps and counts', () => {
    const fp = { clamp: 2, fractionBits: 1 };
    const delta = new Float32Array([0, 0.25, -0.25, 0.24, 1, -1, 2, 3, -9]);
    // x·2 + 1/2, floored: 0, 1, 0, 0, 2, -2, 4, and ±4 for the clamped ones.
    const { values, clampedCount } = quantise(delta, full, fp);
    expect([...values]).to.deep.equal([0, 1, 0, 0, 2, -2, 4, 4, -4]);
    expect(clampedCount).to.equal(2);
  });

  it('scales by the weight', () => {
    const fp = { clamp: 1, fractionBits: 10 };
    const { values } = quantise(new Float32Array([1, -1]), { weight: 25, weightMax: 100 }, fp);
    expect([...values]).to.deep.equal([256, -256]);
    expect(valueMax({ weight: 25, weightMax: 100 }, fp)).to.equal(256);
  });

  it('refuses what is not finite and weights out of range', () => {
    const fp = fixedPointFor(4, 1);
    for (const bad of [NaN, Infinity, -Infinity]) {
      expect(() => quantise(new Float32Array([0, bad]), full, fp))
        .to.throw(WeightsError)
        .with.deep.property('facts', { code: 'not_finite', index: 1 });
    }
    for (const weight of [0, -1, 1.5, 11, NaN, 1e9]) {
      expect(() => quantise(new Float32Array(1), { weight, weightMax: 10 }, fp), String(weight))
        .to.throw(WeightsError)
        .with.property('code', 'bad_weight');
    }
  });
});

describe('IntegerMean', () => {
  const weightMax = 200;
  const fp = fixedPointFor(8, 1);
  const random = seededRandom('integer mean');
  const updates = Array.from({ length: 8 }, (_, k) => ({
    weight: 20 * (k + 1),
    delta: Float32Array.from({ length: 257 }, () => 0.1 * random.normal()),
  })).map(({ weight, delta }) => ({
    weight,
    delta,
    values: quantise(delta, { weight, weightMax }, fp).values,
  }));

  function meanInOrder(order: readonly number[]): Float32Array {
    const mean = new IntegerMean(257, fp, weightMax);
    for (const k of order) mean.add(updates[k]!.values, updates[k]!.weight);
    return mean.mean();
  }

  it('gives the same bytes in any order', () => {
    const expected = meanInOrder([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const order of [
      [7, 6, 5, 4, 3, 2, 1, 0],
      [3, 1, 4, 0, 5, 2, 6, 7],
    ]) {
      expect(Buffer.compare(int32View(meanInOrder(order)), int32View(expected))).to.equal(0);
    }
  });

  it('is the weighted mean up to the resolution', () => {
    const mean = meanInOrder([0, 1, 2, 3, 4, 5, 6, 7]);
    const weightSum = updates.reduce((sum, { weight }) => sum + weight, 0);
    for (let i = 0; i < mean.length; i++) {
      const exact =
        updates.reduce((sum, { weight, delta }) => sum + weight * delta[i]!, 0) / weightSum;
      // Half a unit from each of 8 nodes, times wMax/W = 200/720, and float32's own rounding.
      expect(mean[i]).to.be.closeTo(exact, (4 * 2 ** -27 * 200) / 720 + 1e-8);
    }
  });

  it('computes 3/4 from 1 and 1/2 of equal weight exactly', () => {
    const mean = new IntegerMean(1, { clamp: 1, fractionBits: 4 }, 10);
    mean.add(new Int32Array([16]), 10);
    mean.add(new Int32Array([8]), 10);
    expect(mean.weightSum).to.equal(20);
    expect([...mean.mean()]).to.deep.equal([0.75]);
  });

  it('refuses values beyond the weight and leaves the sum alone', () => {
    const mean = new IntegerMean(2, { clamp: 1, fractionBits: 4 }, 10);
    mean.add(new Int32Array([8, -8]), 5);
    for (const bad of [9, -9, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(() => {
        mean.add(new Int32Array([0, bad]), 5);
      })
        .to.throw(WeightsError)
        .with.property('code', 'out_of_range');
    }
    expect(() => {
      mean.add(new Int32Array(3), 5);
    }).to.throw(WeightsError);
    expect(() => {
      mean.add(new Int32Array(2), 11);
    }).to.throw(WeightsError);
    expect([...mean.mean()]).to.deep.equal([1, -1]);
    expect(mean.weightSum).to.equal(5);
  });

  it('stops rather than overflow when given more updates than members', () => {
    const mean = new IntegerMean(1, fixedPointFor(2, 1), 1);
    mean.add(new Int32Array([2 ** 29]), 1);
    mean.add(new Int32Array([2 ** 29]), 1);
    mean.add(new Int32Array([2 ** 29]), 1);
    expect(() => {
      mean.add(new Int32Array([2 ** 29]), 1);
    }).to.throw(InvariantError);
  });

  it('has no mean of nothing', () => {
    expect(() => new IntegerMean(1, fp, 1).mean()).to.throw(InvariantError);
  });
});

function int32View(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer);
}
