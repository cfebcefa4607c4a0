/** More implicit solids for chests: smooth unions, cuts and smooth curves of rods. */
import {
  addVectors,
  scaleVector,
  stepAlong,
  subtractVectors,
  type Vector3,
} from '../../volume/vector.ts';
import { distancesAt, placesAtOnce, roomForPlaces, withMany, type Distance } from '../places.ts';
import { ellipsoid, frameAxes, rod, type Axes, type Shape } from '../shapes.ts';

/** An ellipsoid whose distance never claims to be deeper inside than its thinnest half axis. */
export function blob(centre: Vector3, radiiMm: Vector3, axes: Axes = frameAxes): Shape {
  const shape = ellipsoid(centre, radiiMm, axes);
  const deepest = -Math.min(radiiMm[0], radiiMm[1], radiiMm[2]);
  const distance = withMany(
    (x, y, z) => Math.max(deepest, shape.distance(x, y, z)),
    (places, out) => {
      distancesAt(shape.distance, places, out);
      for (let n = 0; n < places.count; n++) out[n] = Math.max(deepest, out[n] ?? 0);
    },
  );
  return { ...shape, distance };
}

/**
 * A smooth union: where two surfaces come within `reachMm` of each other a fillet joins them (Quilez's polynomial minimum).
 * Shapes whose ball is farther away than the nearest surface are passed over.
 */
export function blend(reachMm: number, shapes: readonly Shape[]): Shape {
  const parts = shapes.map(({ distance, centre: [x, y, z], halfMm: [a, b, c] }) => ({
    ...{ distance, x, y, z },
    ball: Math.sqrt(a * a + b * b + c * c) + reachMm,
  }));
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError('a blend needs a shape');
  const joined = (d: number, e: number): number => {
    const near = reachMm - Math.abs(d - e);
    return Math.min(d, e) - (near > 0 ? (near * near) / (4 * reachMm) : 0);
  };
  const isFar = (part: (typeof parts)[number], d: number, x: number, y: number, z: number) => {
    const dx = x - part.x;
    const dy = y - part.y;
    const dz = z - part.z;
    const limit = d + part.ball;
    return limit < 0 || dx * dx + dy * dy + dz * dz > limit * limit;
  };
  const chosen = new Uint8Array(placesAtOnce);
  const near = roomForPlaces();
  const distances = new Float64Array(placesAtOnce);
  const distance = withMany(
    (x, y, z) => {
      let d = first.distance(x, y, z);
      for (const other of others) {
        if (!isFar(other, d, x, y, z)) d = joined(d, other.distance(x, y, z));
      }
      return d;
    },
    (places, out) => {
      const { x, y, z, count } = places;
      distancesAt(first.distance, places, out);
      for (const other of others) {
        let m = 0;
        for (let n = 0; n < count; n++) {
          const px = x[n] ?? 0;
          const py = y[n] ?? 0;
          const pz = z[n] ?? 0;
          if (isFar(other, out[n] ?? 0, px, py, pz)) continue;
          near.x[m] = px;
          near.y[m] = py;
          near.z[m] = pz;
          chosen[m++] = n;
        }
        if (m === 0) continue;
        near.count = m;
        distancesAt(other.distance, near, distances);
        for (let at = 0; at < m; at++) {
          const n = chosen[at] ?? 0;
          out[n] = joined(out[n] ?? 0, distances[at] ?? 0);
        }
      }
    },
  );
  return {
    distance,
    ...boxAround(shapes, reachMm / 2),
    steepness: Math.max(...shapes.map(({ steepness }) => steepness ?? 1)),
  };
}

/** What is inside all of them, in the box of the first. */
export function common(first: Shape, ...others: readonly Shape[]): Shape {
  const distances = others.map((shape) => shape.distance);
  const found = new Float64Array(placesAtOnce);
  const distance = withMany(
    (x, y, z) => {
      let d = first.distance(x, y, z);
      for (const other of distances) {
        const e = other(x, y, z);
        if (e > d) d = e;
      }
      return d;
    },
    (places, out) => {
      distancesAt(first.distance, places, out);
      for (const other of distances) {
        distancesAt(other, places, found);
        for (let n = 0; n < places.count; n++) {
          const e = found[n] ?? 0;
          if (e > (out[n] ?? 0)) out[n] = e;
        }
      }
    },
  );
  return {
    ...first,
    distance,
    steepness: Math.max(...[first, ...others].map(({ steepness }) => steepness ?? 1)),
  };
}

/** The first without the second. */
export function without(shape: Shape, hole: Shape): Shape {
  return {
    ...shape,
    distance: (x, y, z) => Math.max(shape.distance(x, y, z), -hole.distance(x, y, z)),
    steepness: Math.max(shape.steepness ?? 1, hole.steepness ?? 1),
  };
}

/** The shape with bumps of `heightMm` from a field of -1 to 1 whose grain is `grainMm` long. */
export function rough(shape: Shape, field: Distance, heightMm: number, grainMm: number): Shape {
  const per = 1 / grainMm;
  const bumped = (d: number, x: number, y: number, z: number): number =>
    d > 2 * heightMm || d < -2 * heightMm ? d : d + heightMm * field(x * per, y * per, z * per);
  const distance = withMany(
    (x, y, z) => bumped(shape.distance(x, y, z), x, y, z),
    (places, out) => {
      const { x, y, z, count } = places;
      distancesAt(shape.distance, places, out);
      for (let n = 0; n < count; n++) {
        out[n] = bumped(out[n] ?? 0, x[n] ?? 0, y[n] ?? 0, z[n] ?? 0);
      }
    },
  );
  return {
    ...shape,
    distance,
    halfMm: addVectors(shape.halfMm, [heightMm, heightMm, heightMm]),
    steepness: (shape.steepness ?? 1) + (1.5 * heightMm) / grainMm,
  };
}

/** A shape from a distance alone, in a box. */
export function solid(
  distance: Shape['distance'],
  centre: Vector3,
  halfMm: Vector3,
  steepness = 1,
): Shape {
  return { distance, centre, halfMm, steepness };
}

/** A line of points with a radius at each. */
export interface Course {
  readonly points: readonly Vector3[];
  readonly radiiMm: readonly number[];
}

/** The course with `perSpan` points in place of each, on a smooth curve through them (Catmull-Rom). */
export function smoothCourse({ points, radiiMm }: Course, perSpan: number): Course {
  const at = (n: number): Vector3 =>
    points[Math.max(0, Math.min(points.length - 1, n))] ?? [0, 0, 0];
  const radius = (n: number): number => radiiMm[Math.min(radiiMm.length - 1, n)] ?? 1;
  const finer: Vector3[] = [at(0)];
  const finerRadii: number[] = [radius(0)];
  for (let n = 0; n + 1 < points.length; n++) {
    const [a, b, c, d] = [at(n - 1), at(n), at(n + 1), at(n + 2)];
    for (let s = 1; s <= perSpan; s++) {
      const t = s / perSpan;
      const along = (axis: 0 | 1 | 2): number =>
        b[axis] +
        0.5 *
          t *
          (c[axis] -
            a[axis] +
            t *
              (2 * a[axis] -
                5 * b[axis] +
                4 * c[axis] -
                d[axis] +
                t * (3 * (b[axis] - c[axis]) + d[axis] - a[axis])));
      finer.push([along(0), along(1), along(2)]);
      finerRadii.push(radius(n) + (radius(n + 1) - radius(n)) * t);
    }
  }
  return { points: finer, radiiMm: finerRadii };
}

/** Rods along a course, each radius wider by `byMm`. */
export function rodsAlong({ points, radiiMm }: Course, byMm = 0): Shape[] {
  const rods: Shape[] = [];
  for (let n = 0; n + 1 < points.length; n++) {
    const [from, to] = [points[n], points[n + 1]];
    if (from === undefined || to === undefined) continue;
    rods.push(thinRod(from, to, (radiiMm[n] ?? 1) + byMm, (radiiMm[n + 1] ?? 1) + byMm));
  }
  return rods;
}

/** A rod that may be thinner than a voxel. */
export function thinRod(
  from: Vector3,
  to: Vector3,
  radiusFromMm: number,
  radiusToMm: number,
): Shape {
  const thinMm = (radiusFromMm + radiusToMm) / 2;
  return { ...rod(from, to, radiusFromMm, radiusToMm), thinMm };
}

/** The place between two. */
export function between(a: Vector3, b: Vector3, share: number): Vector3 {
  return stepAlong(a, subtractVectors(b, a), share);
}

function boxAround(shapes: readonly Shape[], extraMm: number): Pick<Shape, 'centre' | 'halfMm'> {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const { centre, halfMm } of shapes) {
    for (const axis of [0, 1, 2] as const) {
      low[axis] = Math.min(low[axis] ?? 0, centre[axis] - halfMm[axis] - extraMm);
      high[axis] = Math.max(high[axis] ?? 0, centre[axis] + halfMm[axis] + extraMm);
    }
  }
  const [lx = 0, ly = 0, lz = 0] = low;
  const [hx = 0, hy = 0, hz = 0] = high;
  const centre: Vector3 = [(lx + hx) / 2, (ly + hy) / 2, (lz + hz) / 2];
  return { centre, halfMm: scaleVector([hx - lx, hy - ly, hz - lz], 0.5) };
}
