/**
 * How much calcium there is: its volume, and a score made as Agatston's (J Am Coll Cardiol 1990;15:827) on a CT with contrast.
 * docs/predict.md says how far it departs from his, and from where its threshold comes.
 */
import { visitSphere } from '../volume/spheres.ts';
import { crossProduct, lengthOf, unitVector, type Vector3 } from '../volume/vector.ts';
import { determinantOf, voxelMl, type Geometry, type Volume } from '../volume/volume.ts';

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
  const { data } = image;
  const { inSlice, areaMm2, sliceMm } = slicesAcross(image);
  const isLesion = (voxel: number): boolean =>
    mask[voxel] !== 0 && (data[voxel] ?? 0) >= Math.max(fromHu, agatstonHuMin);
  const seen = new Uint8Array(data.length);
  let score = 0;
  for (let start = 0; start < data.length; start++) {
    if (seen[start] === 1 || !isLesion(start)) continue;
    const stack = [start];
    seen[start] = 1;
    let [count, peak] = [0, -Infinity];
    for (let voxel = stack.pop(); voxel !== undefined; voxel = stack.pop()) {
      count += 1;
      peak = Math.max(peak, data[voxel] ?? 0);
      for (const { stride, size } of inSlice) {
        const at = Math.floor(voxel / stride) % size;
        for (const next of [at > 0 ? voxel - stride : -1, at < size - 1 ? voxel + stride : -1]) {
          if (next < 0 || seen[next] === 1 || !isLesion(next)) continue;
          seen[next] = 1;
          stack.push(next);
        }
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

/** The slices of an image that lie most nearly across the body, whichever axis of the file runs along it. */
function slicesAcross({ shape, affine }: Geometry): {
  /** The two axes within a slice: from one voxel to the next, and how many there are. */
  readonly inSlice: readonly { readonly stride: number; readonly size: number }[];
  /** What a voxel takes up in its slice. */
  readonly areaMm2: number;
  /** From one slice to the next, at right angles to them. */
  readonly sliceMm: number;
} {
  const [depth, height, width] = shape;
  const axes = [
    { stride: 1, size: width },
    { stride: width, size: height },
    { stride: width * height, size: depth },
  ].map((axis, n) => {
    const step: Vector3 = [affine[n] ?? 0, affine[n + 4] ?? 0, affine[n + 8] ?? 0];
    const [, front, up] = unitVector(step);
    // Of two that go up equally the one that goes more to the front, not the first in the file.
    return { ...axis, step, rank: Math.abs(up) + 1e-6 * Math.abs(front) };
  });
  const along = axes.reduce((best, axis) => (axis.rank > best.rank ? axis : best));
  const [one, other] = axes.filter((axis) => axis !== along);
  const areaMm2 = one && other ? lengthOf(crossProduct(one.step, other.step)) : 0;
  return {
    inSlice: axes.filter((axis) => axis !== along),
    areaMm2,
    sliceMm: Math.abs(determinantOf(affine)) / areaMm2,
  };
}
