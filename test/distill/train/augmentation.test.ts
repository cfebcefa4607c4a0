import { expect } from 'chai';

import { seededRandom, type Random } from '../../../src/base/index.ts';
import { drawPatch, samplingDefaults, type SamplingSettings } from '../../../src/distill/index.ts';
import {
  addNoise,
  augment,
  changeContrast,
  changeGamma,
  happens,
  lowerResolution,
} from '../../../src/distill/train/augmentation.ts';
import type { Triple } from '../../../src/models/index.ts';
import { trainingCase, undisturbed } from '../training-cases.ts';

/** Chance that gives these numbers in turn and counts what is asked of it. */
function scripted(numbers: readonly number[]): Random & { readonly asked: () => number } {
  let asked = 0;
  const uniform = (): number => numbers[asked++] ?? 0.5;
  return {
    uniform,
    uint32: () => Math.floor(uniform() * 2 ** 32),
    normal: () => 0,
    integer: (below) => Math.floor(uniform() * below),
    fork: () => scripted([]),
    asked: () => asked,
  };
}

function noiseImage(size: Triple, seed: string): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: size[0] * size[1] * size[2] }, () => random.normal());
}

function expectClose(actual: Float32Array, wanted: readonly number[], within = 1e-5): void {
  expect(actual.length).equal(wanted.length);
  actual.forEach((value, i) => {
    expect(value, `voxel ${i}`).closeTo(wanted[i]!, within);
  });
}

/** `image` after the transforms that `settings` switch on. */
function augmented(
  image: Float32Array,
  size: Triple,
  settings: Partial<SamplingSettings>,
  random: Random = scripted([]),
): Float32Array {
  const copy = image.slice();
  augment(copy, size, random, { ...undisturbed, ...settings });
  return copy;
}

function moments(values: ArrayLike<number>): { mean: number; stdDev: number } {
  const all = Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const square = all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, stdDev: Math.sqrt(square / all.length) };
}

describe('augmentation', () => {
  it("has nnU-Net's probabilities and ranges as its defaults", () => {
    // nnunetv2's get_training_transforms; where it decides a second time for each channel, and there is one, the product.
    expect(samplingDefaults).deep.include({
      ...{ rotationProbability: 0.2, rotationDegMax: 30 },
      ...{ scaleProbability: 0.2, scaleDownShareMax: 0.3, scaleUpShareMax: 0.4 }, // 0.7 to 1.4
      ...{ noiseProbability: 0.1, noiseStdDevMax: 0.1 },
      ...{ blurProbability: 0.2 * 0.5, blurSigmaMin: 0.5, blurSigmaMax: 1 },
      ...{ brightnessProbability: 0.15, brightnessShareMax: 0.25 },
      ...{ contrastProbability: 0.15, contrastShareMax: 0.25 },
      ...{ lowResolutionProbability: 0.25 * 0.5, lowResolutionMin: 0.5 },
      ...{ invertedGammaProbability: 0.1, gammaProbability: 0.3 },
      ...{ gammaDownShareMax: 0.3, gammaUpShareMax: 0.5 }, // 0.7 to 1.5
    });
  });

  it('draws nothing for what never or always happens', () => {
    const random = scripted([0.1, 0.3]);
    expect([happens(random, 0), happens(random, 1), random.asked()]).deep.equal([false, true, 0]);
    expect([happens(random, 0.2), happens(random, 0.2)]).deep.equal([true, false]);
    expect(random.asked()).equal(2);
  });

  it('asks for place, turn and size, then what the scanner does, when those alone always happen', () => {
    const held = trainingCase([8, 8, 8], (d, h, w) => d + h + w, { calc: () => 0 });
    const scanner = { scannerGainShareMax: 0.1, scannerOffsetMax: 0.1 };
    const random = scripted([]);
    drawPatch({ source: held, about: null }, ['calc'], [4, 4, 4], random, {
      ...undisturbed,
      ...scanner,
    });
    // Three for the place; three angles and a size; gain, offset and no noise.
    expect(random.asked()).equal(3 + 4 + 3);
  });

  it('happens as often as its probability says', () => {
    const random = seededRandom('often');
    const ones = new Float32Array(1).fill(1);
    const changed = Array.from({ length: 2000 }, () =>
      augmented(ones, [1, 1, 1], { brightnessProbability: 0.15, brightnessShareMax: 0.2 }, random),
    ).filter(([value]) => value !== 1).length;
    // 300 expected, with a deviation of √(2000 · 0.15 · 0.85) = 16.
    expect(changed).within(300 - 4 * 16, 300 + 4 * 16);
  });

  it('adds noise of the deviation it is told and of no mean', () => {
    const image = new Float32Array(20_000).fill(3);
    addNoise(image, 0.1, seededRandom('noise'));
    // The deviation of 20000 numbers is known to 0.5 %, their mean to 0.0007.
    const { mean, stdDev } = moments(image);
    expect(mean).closeTo(3, 0.003);
    expect(stdDev).closeTo(0.1, 0.002);
  });

  it('blurs as a convolution with a Gaussian in three dimensions', () => {
    const size: Triple = [5, 6, 7];
    const image = noiseImage(size, 'blur');
    const blur = { blurProbability: 1, blurSigmaMin: 0.5, blurSigmaMax: 1 };
    // Three deviations from 0.5 to 1: 0.6, 0.5 and 0.9.
    const sigmas = [0.6, 0.5, 0.9] as const;
    const wanted: number[] = [];
    const clamp = (at: number, axis: 0 | 1 | 2): number =>
      Math.min(Math.max(at, 0), size[axis] - 1);
    for (let d = 0; d < size[0]; d++) {
      for (let h = 0; h < size[1]; h++) {
        for (let w = 0; w < size[2]; w++) {
          let [sum, total] = [0, 0];
          for (let z = -2; z <= 2; z++) {
            for (let y = -2; y <= 2; y++) {
              for (let x = -3; x <= 3; x++) {
                const tap = Math.exp(
                  -((z / sigmas[0]) ** 2 + (y / sigmas[1]) ** 2 + (x / sigmas[2]) ** 2) / 2,
                );
                total += tap;
                const row = clamp(d + z, 0) * size[1] + clamp(h + y, 1);
                sum += tap * image[row * size[2] + clamp(w + x, 2)]!;
              }
            }
          }
          wanted.push(sum / total);
        }
      }
    }
    expectClose(augmented(image, size, blur, scripted([0.2, 0, 0.8])), wanted);
  });

  it('multiplies for brightness by a factor below one as often as above', () => {
    const image = Float32Array.of(-2, 0, 4);
    const brightness = { brightnessProbability: 1, brightnessShareMax: 0.25 };
    // Draws of 0 and 0.75: factors 1 - 0.25 and 1 + 0.25 / 2.
    expectClose(augmented(image, [1, 1, 3], brightness, scripted([0])), [-1.5, 0, 3]);
    expectClose(augmented(image, [1, 1, 3], brightness, scripted([0.75])), [-2.25, 0, 4.5]);
  });

  it('stretches contrast about the mean and keeps the ends', () => {
    const image = Float32Array.of(0, 1, 2, 3);
    changeContrast(image, 2);
    // About 1.5: -1.5, 0.5, 2.5, 4.5, cut to 0 and 3.
    expectClose(image, [0, 0.5, 2.5, 3]);
    const flat = Float32Array.of(0, 1, 2, 3);
    changeContrast(flat, 0.5);
    expectClose(flat, [0.75, 1.25, 1.75, 2.25]);
  });

  it('lowers the resolution as nearest voxels with lines between them', () => {
    const row = Float32Array.of(0, 1, 2, 3);
    lowerResolution(row, [1, 1, 4], 0.5);
    // Of the middles 1 and 3 (in voxels) the voxels 1 and 3 are kept; fine middles lie at -0.25, 0.25, 0.75 and 1.25 of them.
    expectClose(row, [1, 1.5, 2.5, 3]);
    // Three of five: middles 0.83, 2.5, 4.17 keep voxels 0, 2, 4; fine middles at (i + ½)·3/5 - ½.
    const five = Float32Array.of(0, 10, 20, 30, 60);
    lowerResolution(five, [1, 5, 1], 0.6);
    expectClose(five, [0, 8, 20, 44, 60]);
    const whole = noiseImage([3, 4, 5], 'whole');
    const before = whole.slice();
    lowerResolution(whole, [3, 4, 5], 1);
    expect(whole).deep.equal(before);
  });

  it('lowers the resolution on each axis alike: a product of three rows stays one', () => {
    const along = (values: readonly number[], size: Triple): Float32Array => {
      const row = Float32Array.from(values);
      lowerResolution(row, size, 0.5);
      return row;
    };
    const [a, b, c] = [
      [1, 2, 4, 3],
      [2, -1, 5, 1],
      [3, 1, 2, 6],
    ] as const;
    const image = Float32Array.from(
      { length: 64 },
      (_, i) => a[i >> 4]! * b[(i >> 2) & 3]! * c[i & 3]!,
    );
    lowerResolution(image, [4, 4, 4], 0.5);
    const [alongA, alongB, alongC] = [
      along(a, [4, 1, 1]),
      along(b, [1, 4, 1]),
      along(c, [1, 1, 4]),
    ];
    const wanted = Array.from(
      { length: 64 },
      (_, i) => alongA[i >> 4]! * alongB[(i >> 2) & 3]! * alongC[i & 3]!,
    );
    expectClose(image, wanted);
  });

  it('bends values by gamma between the ends and keeps mean and deviation', () => {
    // 0, 1, 4 at gamma 2: of 0, 1/4, 1 the squares, times 4: 0, 0.25, 4; inverted: 1 - (1 - v/4)², times 4: 0, 1.75, 4.
    for (const [isInverted, bent] of [
      [false, [0, 0.25, 4]],
      [true, [0, 1.75, 4]],
    ] as const) {
      const image = Float32Array.of(0, 1, 4);
      changeGamma(image, 2, isInverted);
      const [before, after] = [moments([0, 1, 4]), moments(bent)];
      const wanted = bent.map(
        (value) => before.mean + ((value - after.mean) * before.stdDev) / after.stdDev,
      );
      expectClose(image, wanted);
    }
    const image = noiseImage([6, 6, 6], 'gamma');
    const before = moments(image);
    const order = [...image.keys()].sort((i, j) => image[i]! - image[j]!);
    changeGamma(image, 0.7, true);
    const after = moments(image);
    expect(after.mean).closeTo(before.mean, 1e-6);
    expect(after.stdDev).closeTo(before.stdDev, 1e-6);
    const again = [...image.keys()].sort((i, j) => image[i]! - image[j]!);
    expect(again, 'the order of values').deep.equal(order);
  });

  it('leaves an image of one value alone', () => {
    for (const change of [
      (image: Float32Array) => {
        changeGamma(image, 1.5, true);
      },
      (image: Float32Array) => {
        changeContrast(image, 1.2);
      },
    ]) {
      const image = new Float32Array(8).fill(-1.5);
      change(image);
      expectClose(image, Array<number>(8).fill(-1.5), 1e-6);
    }
  });

  it("keeps nnU-Net's order: brightness, contrast, resolution, inverted gamma, gamma", () => {
    const size: Triple = [4, 4, 4];
    const image = noiseImage(size, 'order');
    const all = {
      ...{ brightnessProbability: 1, brightnessShareMax: 0.25 },
      ...{ contrastProbability: 1, contrastShareMax: 0.25 },
      ...{ lowResolutionProbability: 1, lowResolutionMin: 0.5 },
      ...{ invertedGammaProbability: 1, gammaProbability: 1 },
      ...{ gammaDownShareMax: 0.3, gammaUpShareMax: 0.5 },
    };
    // Factors 1.25 · 0.8 = 1.2, 0.75, a zoom of 0.5 + 0.4 · 0.5, gammas 0.7 and 1 + 0.6 · 0.5.
    const draws = scripted([0.9, 0, 0.4, 0, 0.8]);
    const wanted = image.map((value) => value * 1.2);
    changeContrast(wanted, 0.75);
    lowerResolution(wanted, size, 0.7);
    changeGamma(wanted, 0.7, true);
    changeGamma(wanted, 1.3, false);
    expectClose(augmented(image, size, all, draws), [...wanted]);
    expect(draws.asked()).equal(5);
  });

  it('gives the same bytes from the same seed, and others from another', () => {
    const held = trainingCase([16, 16, 16], (d, h, w) => Math.sin(d * h + w), { calc: () => 0 });
    const draw = (seed: string): Float32Array => {
      const random = seededRandom(seed);
      const images = Array.from(
        { length: 20 },
        () =>
          drawPatch({ source: held, about: null }, ['calc'], [8, 8, 8], random, samplingDefaults)
            .image,
      );
      return Float32Array.from(images.flatMap((image) => [...image]));
    };
    expect(draw('a')).deep.equal(draw('a'));
    expect(draw('b')).not.deep.equal(draw('a'));
  });
});
