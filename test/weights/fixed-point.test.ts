import { expect } from 'chai';

import { fixedPointFor, quantise, valueMax, WeightsError } from '../../src/weights/index.ts';

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
