/** The root of the mean patient, and a found root beside it: how large it is, and how it is turned. */
import {
  addVectors,
  distanceBetween,
  scaleVector,
  subtractVectors,
  type PointName,
  type Rotation,
  type Vector3,
} from '../../data/index.ts';

/** A point that was found. */
export interface FoundPoint {
  readonly name: PointName;
  /** RAS mm, between voxels. */
  readonly position: Vector3;
  /** Mean probability around the place, 0 to 1. */
  readonly probability: number;
}

/**
 * Where its points lie about their middle, RAS mm: the mean of 400 drawn chests, whose roots have published sizes
 * (docs/specs/phantom.md), with the valve's axis in its mean direction.
 */
const meanRoot: Readonly<Record<PointName, Vector3>> = {
  RCC: [-3.9, 8.4, -3.5],
  LCC: [-9.6, -9.3, 6.1],
  NCC: [6.8, -9.3, -6.9],
  RCA: [5.8, 15.7, 9],
  LCA: [-3.8, -8.7, 19.9],
  MS1: [4.5, 2.3, -9.6],
  MS2: [0.2, 0.8, -15],
};
/** Nearer points say little of a root's size, mm. */
const sizedApartMm = 12;
/** Points that a size or a turn needs: three pairs more than a triangle has. */
const pointsLeast = 4;
/** Steps of the power method: far more than a root of four points or more needs to be exact to 1e-9. */
const powerSteps = 200;

/** Distance of two points of the mean root, mm. */
export function meanApartMm(one: PointName, other: PointName): number {
  return distanceBetween(meanRoot[one], meanRoot[other]);
}

/**
 * How large a root is: of all its pairs of points the median distance in parts of the mean root's. 1 is the mean of patients; null
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

/**
 * How a root is turned: the rotation that brings the mean root's points nearest to its own, in the sense of least squares. The
 * unit quaternion of it is the eigenvector of the largest eigenvalue of a symmetric matrix (Horn 1987). Null when fewer than four
 * points were found.
 */
export function turnOfRoot(root: readonly FoundPoint[]): Rotation | null {
  if (root.length < pointsLeast) return null;
  const mean = aboutMiddle(root.map(({ name }) => meanRoot[name]));
  const own = aboutMiddle(root.map(({ position }) => position));
  const s = (of: 0 | 1 | 2, to: 0 | 1 | 2): number =>
    mean.reduce((sum, place, n) => sum + place[of] * (own[n]?.[to] ?? 0), 0);
  const [xx, yy, zz] = [s(0, 0), s(1, 1), s(2, 2)];
  const [x, y, z] = [s(1, 2) - s(2, 1), s(2, 0) - s(0, 2), s(0, 1) - s(1, 0)];
  const [xy, xz, yz] = [s(0, 1) + s(1, 0), s(0, 2) + s(2, 0), s(1, 2) + s(2, 1)];
  return rotationOf(
    largestEigenvector([
      [xx + yy + zz, x, y, z],
      [x, xx - yy - zz, xy, xz],
      [y, xy, yy - xx - zz, yz],
      [z, xz, yz, zz - xx - yy],
    ]),
  );
}

/** The places about their middle. */
function aboutMiddle(places: readonly Vector3[]): Vector3[] {
  const middle = scaleVector(places.reduce(addVectors), 1 / places.length);
  return places.map((place) => subtractVectors(place, middle));
}

type Four = readonly [number, number, number, number];

/** By the power method on the matrix made positive: the largest eigenvalue is the largest in size then. */
function largestEigenvector(matrix: readonly [Four, Four, Four, Four]): Four {
  const shift = Math.hypot(...matrix.flat());
  let vector: Four = [1, 0, 0, 0];
  for (let step = 0; step < powerSteps; step++) {
    const [w, x, y, z] = vector;
    const next = matrix.map(
      ([a, b, c, d], n) => a * w + b * x + c * y + d * z + shift * (vector[n] as number),
    );
    const length = Math.hypot(...next);
    vector = next.map((part) => part / length) as unknown as Four;
  }
  return vector;
}

/** The rotation of a unit quaternion. */
function rotationOf([w, x, y, z]: Four): Rotation {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
    [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
  ];
}
