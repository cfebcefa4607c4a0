/**
 * Implicit shapes for phantoms. A shape gives an approximate signed distance in mm (negative inside)
 * and a box around itself, so that only voxels near it are visited.
 */
import {
  addVectors,
  dotProduct,
  lengthOf,
  scaleVector,
  subtractVectors,
  type Vector3,
} from '../volume/vector.ts';
import { distancesAt, placesAtOnce, withMany, type Distance, type Places } from './places.ts';

/** An implicit solid in some frame. */
export interface Shape {
  /** Approximate signed distance in mm of a point of the frame, negative inside. */
  readonly distance: Distance;
  /** A box along the frame's axes that holds the whole shape: its middle and half its edges. */
  readonly centre: Vector3;
  readonly halfMm: Vector3;
  /** Largest change of the distance per mm, for those who judge a whole block by its middle; 1 when absent. */
  readonly steepness?: number;
  /** Radius in mm of a rod that may be thinner than a voxel: a canvas for chests then counts the share by its section. */
  readonly thinMm?: number;
}

/** Three directions at right angles, each of length 1. */
export type Axes = readonly [Vector3, Vector3, Vector3];

/** The frame's own axes. */
export const frameAxes: Axes = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** Ellipsoid with half axes `radiiMm` along `axes`; distance after Quilez, exact at the surface. */
export function ellipsoid(centre: Vector3, radiiMm: Vector3, axes: Axes = frameAxes): Shape {
  const [ra, rb, rc] = radiiMm;
  const [cx, cy, cz] = centre;
  // Plain numbers, not arrays, in the one function that runs for every voxel of every shape.
  const [ax, ay, az] = scaleVector(axes[0], 1 / ra);
  const [bx, by, bz] = scaleVector(axes[1], 1 / rb);
  const [gx, gy, gz] = scaleVector(axes[2], 1 / rc);
  const [wa, wb, wc] = [1 / (ra * ra), 1 / (rb * rb), 1 / (rc * rc)];
  const inner = -Math.min(ra, rb, rc);
  const distance = (x: number, y: number, z: number): number => {
    const dx = x - cx;
    const dy = y - cy;
    const dz = z - cz;
    const p = dx * ax + dy * ay + dz * az;
    const q = dx * bx + dy * by + dz * bz;
    const r = dx * gx + dy * gy + dz * gz;
    const pp = p * p;
    const qq = q * q;
    const rr = r * r;
    const k = pp + qq + rr;
    const slope = pp * wa + qq * wb + rr * wc;
    return slope < 1e-18 ? inner : (k - Math.sqrt(k)) / Math.sqrt(slope);
  };
  const many = ({ x, y, z, count }: Places, out: Float64Array): void => {
    for (let n = 0; n < count; n++) out[n] = distance(x[n] ?? 0, y[n] ?? 0, z[n] ?? 0);
  };
  const half = (axis: 0 | 1 | 2): number =>
    Math.hypot(ra * axes[0][axis], rb * axes[1][axis], rc * axes[2][axis]);
  return { distance: withMany(distance, many), centre, halfMm: [half(0), half(1), half(2)] };
}

/** A rod from `from` to `to` with round ends, its radius going from one value to the other. */
export function rod(from: Vector3, to: Vector3, radiusFromMm: number, radiusToMm: number): Shape {
  const [fx, fy, fz] = from;
  const [ax, ay, az] = subtractVectors(to, from);
  const lengthSquared = Math.max(1e-9, ax * ax + ay * ay + az * az);
  const distance = (x: number, y: number, z: number): number => {
    const dx = x - fx;
    const dy = y - fy;
    const dz = z - fz;
    const along = Math.min(1, Math.max(0, (dx * ax + dy * ay + dz * az) / lengthSquared));
    const ex = dx - ax * along;
    const ey = dy - ay * along;
    const ez = dz - az * along;
    const radius = radiusFromMm + (radiusToMm - radiusFromMm) * along;
    return Math.sqrt(ex * ex + ey * ey + ez * ez) - radius;
  };
  const many = ({ x, y, z, count }: Places, out: Float64Array): void => {
    for (let n = 0; n < count; n++) out[n] = distance(x[n] ?? 0, y[n] ?? 0, z[n] ?? 0);
  };
  const centre: Vector3 = [fx + ax / 2, fy + ay / 2, fz + az / 2];
  const wide = Math.max(radiusFromMm, radiusToMm);
  const half = (way: number): number => Math.abs(way) / 2 + wide;
  return { distance: withMany(distance, many), centre, halfMm: [half(ax), half(ay), half(az)] };
}

/** Rods along a line of points, one radius per point. */
export function tube(points: readonly Vector3[], radiiMm: readonly number[]): Shape[] {
  const rods: Shape[] = [];
  for (let n = 0; n + 1 < points.length; n++) {
    const from = points[n];
    const to = points[n + 1];
    if (from === undefined || to === undefined) continue;
    rods.push(rod(from, to, radiiMm[n] ?? 1, radiiMm[n + 1] ?? radiiMm[n] ?? 1));
  }
  return rods;
}

/** The shape with its surface moved out by `byMm` (in, if negative). */
export function grown(shape: Shape, byMm: number): Shape {
  const distance = withMany(
    (x, y, z) => shape.distance(x, y, z) - byMm,
    (places, out) => {
      distancesAt(shape.distance, places, out);
      for (let n = 0; n < places.count; n++) out[n] = (out[n] ?? 0) - byMm;
    },
  );
  return {
    ...shape,
    distance,
    centre: shape.centre,
    halfMm: addVectors(shape.halfMm, scaleVector([1, 1, 1], Math.max(0, byMm))),
  };
}

/** The part of `shape` where `keep` is negative; `keep` is a signed distance. */
export function cutBy(shape: Shape, keep: Shape['distance']): Shape {
  const kept = new Float64Array(placesAtOnce);
  const distance = withMany(
    (x, y, z) => Math.max(shape.distance(x, y, z), keep(x, y, z)),
    (places, out) => {
      distancesAt(shape.distance, places, out);
      distancesAt(keep, places, kept);
      for (let n = 0; n < places.count; n++) out[n] = Math.max(out[n] ?? 0, kept[n] ?? 0);
    },
  );
  return { ...shape, distance };
}

/** Axes whose first is along `direction` and whose others are any two at right angles to it. */
export function axesAlong(direction: Vector3): Axes {
  const length = lengthOf(direction);
  const first = scaleVector(direction, 1 / length);
  const helper: Vector3 = Math.abs(first[2]) < 0.9 ? [0, 0, 1] : [0, 1, 0];
  const across = subtractVectors(helper, scaleVector(first, dotProduct(helper, first)));
  const second = scaleVector(across, 1 / lengthOf(across));
  const third: Vector3 = [
    first[1] * second[2] - first[2] * second[1],
    first[2] * second[0] - first[0] * second[2],
    first[0] * second[1] - first[1] * second[0],
  ];
  return [first, second, third];
}
