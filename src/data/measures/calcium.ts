/**
 * How much calcium there is: its volume, and a score made as Agatston's (J Am Coll Cardiol 1990;15:827) on a CT with contrast.
 * docs/predict.md says how far it departs from his, and from where its threshold comes.
 */
import { toRas } from '../volume/orientation.ts';
import { visitSphere } from '../volume/spheres.ts';
import type { Vector3 } from '../volume/vector.ts';
import { determinantOf, spacingOf, voxelMl, type Volume } from '../volume/volume.ts';

/** Blood with contrast, where it was measured. */
export interface BloodPool {
  readonly meanHu: number;
  readonly stdHu: number;
}

/** Agatston's threshold, which blood with contrast exceeds: never less than this. */
export const agatstonHuMin = 130;
/** The fixed threshold of contrast CT (Jilaihawi et al., Eur Heart J Cardiovasc Imaging 2014;15:1324). */
export const denseHuMin = 850;
/** Slices of the scanner that Agatston used, mm. */
const agatstonSliceMm = 3;
/** Lesions below are noise, mm² (Agatston 1990). */
const lesionMm2Min = 1;
/** In the middle of the annulus all of it is blood, mm. */
const bloodRadiusMm = 5;
/** Fewer voxels have no deviation worth the name. */
const bloodVoxelsMin = 8;

/** Mean and standard deviation within 5 mm of the annulus' centre; null where too little of it is in the image. */
export function bloodPoolAt(image: Volume, centre: Vector3): BloodPool | null {
  const values: number[] = [];
  visitSphere(image, centre, bloodRadiusMm, (index) => values.push(image.data[index] ?? 0));
  if (values.length < bloodVoxelsMin) return null;
  const meanHu = values.reduce((sum, hu) => sum + hu, 0) / values.length;
  const squares = values.reduce((sum, hu) => sum + (hu - meanHu) ** 2, 0);
  return { meanHu, stdHu: Math.sqrt(squares / values.length) };
}

/** mean + 2 SD of blood (Alqahtani et al., J Cardiovasc Comput Tomogr 2017;11:99), and never below Agatston's 130 HU. */
export function scoreThresholdHu({ meanHu, stdHu }: BloodPool): number {
  return Math.max(agatstonHuMin, meanHu + 2 * stdHu);
}

/** Volume in mm³ of the voxels of `mask`; with `fromHu` of those that have as much. */
export function calciumMm3(mask: Uint8Array, image: Volume, fromHu?: number): number {
  let count = 0;
  mask.forEach((value, voxel) => {
    if (value !== 0 && (image.data[voxel] ?? 0) >= (fromHu ?? -Infinity)) count += 1;
  });
  return count * voxelMl(image) * 1000;
}

/**
 * Sum over slices and lesions of area in mm² times weight, times the slices' distance over 3 mm. A lesion is what touches by
 * an edge in one slice of `mask`, has `fromHu` or more and 1 mm² at least; its weight follows from its brightest voxel:
 * 1 from 130 HU, 2 from 200, 3 from 300, 4 from 400. Slices are those of the image that lie most nearly across the body.
 *
 * @param mask on the grid of `image`, 0 where no calcium is
 */
export function agatstonLike(mask: Uint8Array, image: Volume, fromHu: number): number {
  const turned = toRas(image);
  const calcium = toRas({ ...image, data: Float32Array.from(mask) }).data;
  const [depth, height, width] = turned.shape;
  const { affine, data } = turned;
  // A slice's thickness is the distance between planes: on a sheared grid less than that of neighbours.
  const areaMm2 = faceMm2(affine);
  const sliceMm = Math.abs(determinantOf(affine)) / areaMm2;
  const isLesion = (voxel: number): boolean =>
    calcium[voxel] !== 0 && (data[voxel] ?? 0) >= Math.max(fromHu, agatstonHuMin);
  const seen = new Uint8Array(data.length);
  let score = 0;
  for (let start = 0; start < depth * height * width; start++) {
    if (seen[start] === 1 || !isLesion(start)) continue;
    const stack = [start];
    seen[start] = 1;
    let [count, peak] = [0, -Infinity];
    for (let voxel = stack.pop(); voxel !== undefined; voxel = stack.pop()) {
      count += 1;
      peak = Math.max(peak, data[voxel] ?? 0);
      for (const next of besides(voxel, height, width)) {
        if (seen[next] === 1 || !isLesion(next)) continue;
        seen[next] = 1;
        stack.push(next);
      }
    }
    const lesionMm2 = count * areaMm2;
    // A hair less: an area of 1 mm² must not depend on rounding.
    if (lesionMm2 >= lesionMm2Min - 1e-6) score += lesionMm2 * weightOf(peak);
  }
  return (score * sliceMm) / agatstonSliceMm;
}

/** Agatston's factor of density. */
function weightOf(peakHu: number): number {
  if (peakHu >= 400) return 4;
  if (peakHu >= 300) return 3;
  return peakHu >= 200 ? 2 : 1;
}

/** Neighbours by an edge in the same slice. */
function besides(voxel: number, height: number, width: number): number[] {
  const column = voxel % width;
  const row = Math.floor(voxel / width) % height;
  return [
    ...(column > 0 ? [voxel - 1] : []),
    ...(column < width - 1 ? [voxel + 1] : []),
    ...(row > 0 ? [voxel - width] : []),
    ...(row < height - 1 ? [voxel + width] : []),
  ];
}

/** Area in mm² that a voxel takes up in its slice. */
function faceMm2(affine: Float64Array): number {
  const [, rowMm, columnMm] = spacingOf(affine);
  const cell = (index: number): number => affine[index] ?? 0;
  const cosine = [0, 4, 8].reduce((sum, row) => sum + cell(row) * cell(row + 1), 0) / (rowMm * columnMm); // prettier-ignore
  return rowMm * columnMm * Math.sqrt(Math.max(0, 1 - cosine * cosine));
}
