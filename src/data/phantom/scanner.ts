/** What a scanner makes of a perfect picture: blur, edge enhancement, noise, offset, round field. */
import type { Random } from '../../base/index.ts';
import type { ScannerSettings } from '../settings.ts';
import { blurred } from '../volume/blur.ts';
import type { Vector3 } from '../volume/vector.ts';
import { voxelCount, type Shape3 } from '../volume/volume.ts';

const fwhmPerSigma = 2 * Math.sqrt(2 * Math.log(2));
/** Lowest value that a 12-bit CT stores. */
export const lowestHu = -1024;
/** Highest value that a 12-bit CT stores. */
export const highestHu = 3071;

/**
 * The picture a scanner delivers on a grid of `spacingMm`, in whole HU from -1024 to 3071. The voxel of
 * the acquisition blurs like a box of its width, beyond what the grid itself already averages.
 */
export function scan(
  ideal: Float32Array,
  shape: Shape3,
  spacingMm: Vector3,
  scanner: ScannerSettings,
  random: Random,
): Float32Array {
  const sigma = blurOf(scanner, spacingMm);
  const image = blurred(ideal, shape, sigma);
  if (scanner.sharpness > 0) enhanceEdges(image, shape, scanner.sharpness);
  addNoise(image, shape, sigma, scanner.noiseHu, random);
  const inside = roundField(shape, spacingMm, scanner.fieldOfViewMm);
  for (let index = 0; index < image.length; index++) {
    const value = Math.round((image[index] ?? 0) + scanner.offsetHu) + 0; // + 0: never -0
    image[index] = inside(index)
      ? Math.min(highestHu, Math.max(lowestHu, value))
      : scanner.paddingHu;
  }
  return image;
}

/** Deviation of the picture's blur in voxels along [depth, height, width]: the kernel, and the acquired voxel as a box. */
export function blurOf(scanner: ScannerSettings, spacingMm: Vector3): Vector3 {
  const kernelSigmaMm = scanner.blurFwhmMm / fwhmPerSigma;
  const sigmaAlong = (axis: 0 | 1 | 2): number => {
    const box = Math.max(0, scanner.spacingMm[axis] ** 2 - spacingMm[axis] ** 2) / 12;
    return Math.sqrt(kernelSigmaMm ** 2 + box) / spacingMm[axis];
  };
  return [sigmaAlong(0), sigmaAlong(1), sigmaAlong(2)];
}

/** Adds the difference to a blurred picture, as a sharp kernel does. */
export function enhanceEdges(image: Float32Array, shape: Shape3, sharpness: number): void {
  const soft = blurred(image, shape, [0.7, 0.7, 0.7]);
  for (let index = 0; index < image.length; index++) {
    const value = image[index] ?? 0;
    image[index] = value + sharpness * (value - (soft[index] ?? 0));
  }
}

/** Noise with the kernel's own grain, scaled back to the wanted deviation. */
function addNoise(
  image: Float32Array,
  shape: Shape3,
  sigma: Vector3,
  noiseHu: number,
  random: Random,
): void {
  if (noiseHu === 0) return;
  const white = new Float32Array(voxelCount(shape));
  for (let index = 0; index < white.length; index++) white[index] = random.normal();
  const grain = blurred(white, shape, [sigma[0] * 0.7, sigma[1] * 0.7, sigma[2] * 0.7]);
  let squares = 0;
  for (const value of grain) squares += value * value;
  const scale = noiseHu / Math.sqrt(squares / grain.length);
  for (let index = 0; index < image.length; index++) {
    image[index] = (image[index] ?? 0) + scale * (grain[index] ?? 0);
  }
}

/** Whether a voxel lies in the round field around the axial centre. */
function roundField(
  shape: Shape3,
  spacingMm: Vector3,
  diameterMm: number,
): (index: number) => boolean {
  const [, height, width] = shape;
  const limit = (diameterMm / 2) ** 2;
  return (index) => {
    const x = ((index % width) - (width - 1) / 2) * spacingMm[2];
    const y = ((Math.floor(index / width) % height) - (height - 1) / 2) * spacingMm[1];
    return x * x + y * y <= limit;
  };
}
