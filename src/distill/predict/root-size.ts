/** How far the points of a root lie apart in the mean of patients, and how large a root is beside that mean. */
import { distanceBetween, type PointName, type Vector3 } from '../../data/index.ts';

/** A point that was found. */
export interface FoundPoint {
  readonly name: PointName;
  /** RAS mm, between voxels. */
  readonly position: Vector3;
  /** Mean probability around the place, 0 to 1. */
  readonly probability: number;
}

/** Mean distance of two points, mm: of 400 drawn chests, whose roots have published sizes (docs/specs/phantom.md). */
const apartMeanMm: Readonly<Record<string, number>> = {
  ...{ 'RCC LCC': 21.4, 'RCC NCC': 21.4, 'RCC RCA': 18, 'RCC LCA': 29.6, 'RCC MS1': 12.4, 'RCC MS2': 14.9 },
  ...{ 'LCC NCC': 21.3, 'LCC RCA': 30.2, 'LCC LCA': 15.5, 'LCC MS1': 24.6, 'LCC MS2': 26 },
  ...{ 'NCC RCA': 30.3, 'NCC LCA': 29.6, 'NCC MS1': 12.4, 'NCC MS2': 14.9 },
  ...{ 'RCA LCA': 29.2, 'RCA MS1': 23.7, 'RCA MS2': 29.5 },
  ...{ 'LCA MS1': 33.4, 'LCA MS2': 37.3, 'MS1 MS2': 7.1 },
}; // prettier-ignore
/** Nearer points say little of a root's size, mm. */
const sizedApartMm = 12;
/** Points that a size needs: three pairs more than a triangle has. */
const pointsLeast = 4;

/** Mean distance of two points, mm. */
export function meanApartMm(one: PointName, other: PointName): number {
  return apartMeanMm[`${one} ${other}`] ?? apartMeanMm[`${other} ${one}`] ?? 0;
}

/**
 * How large a root is: of all its pairs of points the median distance in parts of the mean one. 1 is the mean of patients; null
 * when fewer than four points were found.
 */
export function sizeOfRoot(root: readonly FoundPoint[]): number | null {
  if (root.length < pointsLeast) return null;
  const shares = root.flatMap((one, n) =>
    root.slice(n + 1).flatMap((other) => {
      const meanMm = meanApartMm(one.name, other.name);
      if (meanMm < sizedApartMm) return [];
      return [distanceBetween(one.position, other.position) / meanMm];
    }),
  );
  return shares.sort((a, b) => a - b)[shares.length >> 1] ?? null;
}
