/**
 * Augmentation of a patch's intensities: nnU-Net's transforms in its order, each with its own probability (Isensee et
 * al. 2021; nnunetv2's `get_training_transforms`), then what another scanner would make of every patch. In place, on
 * normalised intensities in memory order [d][h][w]. There is no mirroring among them: left and right coronary, cusp
 * and chamber differ by side alone, so that a mirrored patch would carry false labels.
 */
import type { Random } from '../../base/index.ts';
import { blurred } from '../../data/index.ts';
import type { SamplingSettings } from '../settings.ts';

type Triple = readonly [number, number, number];

/** Standard deviation of the sum of four bytes drawn alike: √(4·(256² - 1)/12). */
const fourBytesStdDev = 147.8;

/** Draws and applies all of them. What never or always happens costs no draw. */
export function augment(
  image: Float32Array,
  size: Triple,
  random: Random,
  settings: SamplingSettings,
): void {
  if (happens(random, settings.noiseProbability)) {
    addNoise(image, random.uniform() * settings.noiseStdDevMax, random);
  }
  if (happens(random, settings.blurProbability)) {
    const { blurSigmaMin: low, blurSigmaMax: high } = settings;
    const sigma = (): number => low + random.uniform() * (high - low);
    image.set(blurred(image, size, [sigma(), sigma(), sigma()]));
  }
  if (happens(random, settings.brightnessProbability)) {
    const { brightnessShareMax } = settings;
    multiply(image, aroundOne(random, brightnessShareMax, brightnessShareMax));
  }
  if (happens(random, settings.contrastProbability)) {
    const { contrastShareMax } = settings;
    changeContrast(image, aroundOne(random, contrastShareMax, contrastShareMax));
  }
  if (happens(random, settings.lowResolutionProbability)) {
    const { lowResolutionMin } = settings;
    lowerResolution(image, size, lowResolutionMin + random.uniform() * (1 - lowResolutionMin));
  }
  const gamma = (): number =>
    aroundOne(random, settings.gammaDownShareMax, settings.gammaUpShareMax);
  if (happens(random, settings.invertedGammaProbability)) changeGamma(image, gamma(), true);
  if (happens(random, settings.gammaProbability)) changeGamma(image, gamma(), false);
  rescan(image, random, settings);
}

/** Whether something of this probability happens; certainty draws nothing. */
export function happens(random: Random, probability: number): boolean {
  return probability >= 1 || (probability > 0 && random.uniform() < probability);
}

/** A factor: as often below 1 as above, down to 1 - `down` and up to 1 + `up`. */
export function aroundOne(random: Random, down: number, up: number): number {
  const place = random.uniform() * 2 - 1;
  return 1 + place * (place < 0 ? down : up);
}

/** Adds noise of this standard deviation. */
export function addNoise(image: Float32Array, stdDev: number, random: Random): void {
  const perByte = stdDev / fourBytesStdDev;
  for (let i = 0; i < image.length; i++) {
    image[i] = (image[i] as number) + perByte * fourBytes(random.uint32());
  }
}

function multiply(image: Float32Array, factor: number): void {
  for (let i = 0; i < image.length; i++) image[i] = (image[i] as number) * factor;
}

/** Distances from the mean times `factor`, cut where the image ended before. */
export function changeContrast(image: Float32Array, factor: number): void {
  const { mean, low, high } = statisticsOf(image);
  for (let i = 0; i < image.length; i++) {
    const value = mean + ((image[i] as number) - mean) * factor;
    image[i] = Math.min(Math.max(value, low), high);
  }
}

/**
 * The place of each value between the image's ends to the power of `gamma`, of the inverted image where told, then
 * shifted and scaled to the mean and deviation from before.
 */
export function changeGamma(image: Float32Array, gamma: number, isInverted: boolean): void {
  const { mean, stdDev, low, high } = statisticsOf(image);
  const range = Math.max(high - low, 1e-7);
  const end = isInverted ? high : low;
  const sign = isInverted ? -1 : 1;
  for (let i = 0; i < image.length; i++) {
    const place = (sign * ((image[i] as number) - end)) / range;
    image[i] = end + sign * range * place ** gamma;
  }
  const after = statisticsOf(image);
  const scale = stdDev / Math.max(after.stdDev, 1e-7);
  for (let i = 0; i < image.length; i++) {
    image[i] = mean + ((image[i] as number) - after.mean) * scale;
  }
}

function statisticsOf(image: Float32Array): {
  readonly mean: number;
  readonly stdDev: number;
  readonly low: number;
  readonly high: number;
} {
  let [sum, low, high] = [0, Infinity, -Infinity];
  for (const value of image) {
    sum += value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const mean = sum / image.length;
  let square = 0;
  for (const value of image) square += (value - mean) ** 2;
  return { mean, stdDev: Math.sqrt(square / image.length), low, high };
}

/** Keeps the nearest voxels of a grid `zoom` times as fine on each axis, and interpolates linearly between them. */
export function lowerResolution(image: Float32Array, size: Triple, zoom: number): void {
  const coarse = size.map((length) => Math.max(1, Math.round(length * zoom)));
  const [depth, height, width] = coarse as [number, number, number];
  const kept = nearestVoxels(image, size, [depth, height, width]);
  const along = size.map((length, axis) => betweenVoxels(length, coarse[axis] as number));
  const [alongD, alongH, alongW] = along as [Between[], Between[], Between[]];
  const line = new Float64Array(width);
  let at = 0;
  for (const z of alongD) {
    for (const y of alongH) {
      // A row of the fine grid lies between four of the coarse one.
      const [nearNear, nearFar] = [z.near * height + y.near, z.near * height + y.far];
      const [farNear, farFar] = [z.far * height + y.near, z.far * height + y.far];
      for (let w = 0; w < width; w++) {
        const near = mixed(kept, nearNear * width + w, nearFar * width + w, y.share);
        const far = mixed(kept, farNear * width + w, farFar * width + w, y.share);
        line[w] = near + z.share * (far - near);
      }
      for (const x of alongW) image[at++] = mixed(line, x.near, x.far, x.share);
    }
  }
}

function mixed(of: Float32Array | Float64Array, near: number, far: number, share: number): number {
  const first = of[near] as number;
  return first + share * ((of[far] as number) - first);
}

/** The voxels of the fine grid in which the middles of coarse voxels lie. */
function nearestVoxels(image: Float32Array, size: Triple, coarse: Triple): Float32Array {
  const [fromD, fromH, fromW] = coarse.map((count, axis) =>
    Array.from({ length: count }, (_, i) =>
      Math.floor(((i + 0.5) * (size[axis] as number)) / count),
    ),
  ) as [number[], number[], number[]];
  const kept = new Float32Array(coarse[0] * coarse[1] * coarse[2]);
  let at = 0;
  for (const d of fromD) {
    for (const h of fromH) {
      const row = (d * size[1] + h) * size[2];
      for (const w of fromW) kept[at++] = image[row + w] as number;
    }
  }
  return kept;
}

/** Where a voxel of the fine grid lies between two of the coarse one. */
interface Between {
  readonly near: number;
  readonly far: number;
  /** Share of the farther one. */
  readonly share: number;
}

/** For each of `fine` voxels its neighbours among `coarse` of the same extent; the border goes on outside. */
function betweenVoxels(fine: number, coarse: number): Between[] {
  return Array.from({ length: fine }, (_, i) => {
    const place = Math.max(0, ((i + 0.5) * coarse) / fine - 0.5);
    const near = Math.min(Math.floor(place), coarse - 1);
    return { near, far: Math.min(near + 1, coarse - 1), share: place - near };
  });
}

/** Gain, offset and grain in one pass: what differs between scanners and contrast timings. */
function rescan(image: Float32Array, random: Random, settings: SamplingSettings): void {
  const { scannerGainShareMax, scannerOffsetMax, scannerNoiseStdDevMax } = settings;
  if (scannerGainShareMax === 0 && scannerOffsetMax === 0 && scannerNoiseStdDevMax === 0) return;
  const gain = aroundOne(random, scannerGainShareMax, scannerGainShareMax);
  const offset = (random.uniform() * 2 - 1) * scannerOffsetMax;
  const noise = random.uniform() * scannerNoiseStdDevMax;
  const perByte = noise / fourBytesStdDev;
  for (let i = 0; i < image.length; i++) {
    const value = (image[i] as number) * gain + offset;
    image[i] = noise > 0 ? value + perByte * fourBytes(random.uint32()) : value;
  }
}

/** Sum of four bytes less its mean: normal enough for noise, at a tenth of a normal number's cost. */
function fourBytes(word: number): number {
  return (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 510;
}
