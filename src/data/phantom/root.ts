/**
 * The aortic root of a phantom: annulus, three sinuses and cusps, ostia and membranous septum.
 *
 * Root coordinates: origin at the annulus centre, w along the valve's axis towards the aorta, u in the
 * annulus plane towards the right coronary cusp, v = w × u. Angles turn from u to v, so the right cusp
 * is near 0, the left near +120 and the non-coronary near -120 degrees.
 */
import type { Random } from '../../base/index.ts';
import type { LandmarkName, PointName } from '../tasks.ts';
import { crossProduct, stepAlong, type Vector3 } from '../volume/vector.ts';
import type { Shape } from './shapes.ts';

const degree = Math.PI / 180;

/** One cusp with its sinus. */
export interface Cusp {
  /** Direction of the hinge point, in radians. */
  readonly angle: number;
  /** How far the sinus bulges in mm beyond the straight wall. */
  readonly bulgeMm: number;
}

/** Sizes of one patient's root. */
export interface Root {
  readonly u: Vector3;
  readonly v: Vector3;
  readonly w: Vector3;
  /** Right, left, non-coronary. */
  readonly cusps: readonly [Cusp, Cusp, Cusp];
  readonly annulusRadiusMm: number;
  /** Share by which the annulus is longer along `longAngle` than the mean. */
  readonly ovality: number;
  readonly longAngle: number;
  readonly junctionHeightMm: number;
  readonly junctionRadiusMm: number;
  readonly coaptationHeightMm: number;
  /** Length of the membranous septum below the annulus. */
  readonly septumMm: number;
  /** Height and angle of the right and the left ostium. */
  readonly ostia: readonly [RootPlace, RootPlace];
}

/** A place on the root's wall. */
export interface RootPlace {
  readonly angle: number;
  readonly heightMm: number;
}

/**
 * Draws a patient's root. `w` and `u` are unit vectors at right angles. `variety` from 0, the middle of what is measured, to 1, all of
 * it (docs/specs/phantom.md): every range is wider.
 */
export function drawRoot(random: Random, u: Vector3, w: Vector3, variety = 0): Root {
  /** Between two ends, each farther out by `more` at full variety. */
  const between = (low: number, high: number, more = 0): number => {
    const [from, to] = [low - more * variety, high + more * variety];
    return from + (to - from) * random.uniform();
  };
  const annulusRadiusMm = between(10.5, 14, 1.5);
  const bulgeMm = between(4.5, 7, 1.5);
  const turn = between(-8, 8, 6);
  const cusp = (nominalDegrees: number): Cusp => ({
    angle: (nominalDegrees + turn + between(-6, 6, 5)) * degree,
    bulgeMm: bulgeMm * between(0.88, 1.12, 0.1),
  });
  const cusps: Root['cusps'] = [cusp(0), cusp(120), cusp(-120)];
  const ostium = (from: Cusp): RootPlace => ({
    angle: from.angle + between(-14, 14, 6) * degree,
    heightMm: between(10, 18, 3),
  });
  const ostia: Root['ostia'] = [ostium(cusps[0]), ostium(cusps[1])];
  const highest = Math.max(ostia[0].heightMm, ostia[1].heightMm);
  return {
    u,
    v: crossProduct(w, u),
    w,
    cusps,
    annulusRadiusMm,
    ovality: between(0.02, 0.1, 0.02) * (1 + 0.5 * variety),
    longAngle: between(0, Math.PI),
    junctionHeightMm: Math.max(highest + 3, between(18, 24, 3)),
    junctionRadiusMm: annulusRadiusMm * between(1.02, 1.2, 0.08),
    coaptationHeightMm: between(7, 10, 1.5),
    septumMm: between(4, 10, 1),
    ostia,
  };
}

/** Radius of the annulus (and of the outflow just below it) at an angle. */
export function annulusRadiusAt(root: Root, angle: number): number {
  return root.annulusRadiusMm * (1 + root.ovality * Math.cos(2 * (angle - root.longAngle)));
}

/** Radius of the inner wall from the annulus (height 0) to the sinotubular junction. */
export function wallRadiusAt(root: Root, angle: number, heightMm: number): number {
  const share = Math.min(1, Math.max(0, heightMm / root.junctionHeightMm));
  const straight = annulusRadiusAt(root, angle) * (1 - share) + root.junctionRadiusMm * share;
  const { cusp, offset } = nearestCusp(root, angle);
  const lobe = 0.2 + 0.8 * (0.5 + 0.5 * Math.cos(Math.PI * offset));
  return straight + cusp.bulgeMm * lobe * Math.sin(Math.PI * share ** 0.85);
}

/**
 * The cusp an angle belongs to; `offset` runs from -1 at one commissure over 0 at the hinge point to
 * 1 at the other commissure.
 */
export function nearestCusp(root: Root, angle: number): { cusp: Cusp; offset: number } {
  let best: { cusp: Cusp; offset: number } = { cusp: root.cusps[0], offset: Infinity };
  for (const cusp of root.cusps) {
    const apart = wrapAngle(angle - cusp.angle);
    // The commissure lies half way to the neighbour on that side.
    let gap = 2 * Math.PI;
    for (const other of root.cusps) {
      if (other === cusp) continue;
      const way = wrapAngle(other.angle - cusp.angle);
      if (way * apart >= 0) gap = Math.min(gap, Math.abs(way));
    }
    const offset = apart / (gap / 2);
    if (Math.abs(offset) < Math.abs(best.offset)) best = { cusp, offset };
  }
  return best;
}

/** Height of the closed leaflet at a place: the crown-shaped hinge line at the wall, coaptation inside. */
export function leafletHeightAt(root: Root, angle: number, radiusMm: number): number {
  const offset = Math.min(1, Math.abs(nearestCusp(root, angle).offset));
  const hinge = root.junctionHeightMm * 0.85 * offset ** 2;
  const wall = wallRadiusAt(root, angle, hinge);
  const inward = 1 - Math.min(1, radiusMm / wall);
  // The belly of a leaflet leaves the wall flat and rises towards the coaptation.
  return hinge + (root.coaptationHeightMm - hinge) * inward ** 1.4;
}

/** Root coordinates (along u, v, w) to the heart's frame. */
export function rootToHeart(
  root: Root,
  angle: number,
  radiusMm: number,
  heightMm: number,
): Vector3 {
  const across = stepAlong([0, 0, 0], root.u, radiusMm * Math.cos(angle));
  return stepAlong(stepAlong(across, root.v, radiusMm * Math.sin(angle)), root.w, heightMm);
}

/** The seven points in the heart's frame. */
export function rootPoints(root: Root): Record<PointName, Vector3> {
  const [right, left, none] = root.cusps;
  const hinge = (cusp: Cusp): Vector3 =>
    rootToHeart(root, cusp.angle, annulusRadiusAt(root, cusp.angle), 0);
  const ostium = (place: RootPlace): Vector3 =>
    rootToHeart(root, place.angle, wallRadiusAt(root, place.angle, place.heightMm), place.heightMm);
  const septum = septumAngle(root);
  const radiusMm = annulusRadiusAt(root, septum);
  return {
    RCC: hinge(right),
    LCC: hinge(left),
    NCC: hinge(none),
    RCA: ostium(root.ostia[0]),
    LCA: ostium(root.ostia[1]),
    MS1: rootToHeart(root, septum, radiusMm, -1),
    MS2: rootToHeart(root, septum, radiusMm, -1 - root.septumMm),
  };
}

/** Points that are in no task, in the heart's frame. */
export function rootLandmarks(root: Root): Record<LandmarkName, Vector3> {
  return { STJ: rootToHeart(root, 0, 0, root.junctionHeightMm) };
}

/** Direction of the commissure between the right and the non-coronary cusp. */
export function septumAngle(root: Root): number {
  const [right, , none] = root.cusps;
  return right.angle + wrapAngle(none.angle - right.angle) / 2;
}

/**
 * The lumen of the root between annulus and junction, `byMm` wider for its wall. It dips below the
 * annulus by `belowMm`, so that no rim of the wall is left across the open outflow.
 */
export function rootLumen(root: Root, byMm: number, belowMm: number): Shape {
  const top = root.junctionHeightMm;
  return {
    distance: (x, y, z) => {
      const height = x * root.w[0] + y * root.w[1] + z * root.w[2];
      const { angle, radius } = aroundAxis(root, x, y, z);
      const side = (radius - wallRadiusAt(root, angle, height) - byMm) * 0.93;
      return Math.max(side, -height - belowMm, height - top - 1);
    },
    centre: stepAlong([0, 0, 0], root.w, top / 2),
    halfMm: cube(root.annulusRadiusMm * 1.3 + 9 + top / 2 + byMm),
  };
}

/** The closed leaflets as the middle of a sheet; inside the lumen only. */
export function leaflets(root: Root): Shape {
  return {
    distance: (x, y, z) => {
      const height = x * root.w[0] + y * root.w[1] + z * root.w[2];
      if (height < -4 || height > root.junctionHeightMm) return 99;
      const { angle, radius } = aroundAxis(root, x, y, z);
      if (radius > wallRadiusAt(root, angle, height) + 0.5) return 99;
      return (height - leafletHeightAt(root, angle, radius)) * 0.85;
    },
    centre: stepAlong([0, 0, 0], root.w, root.junctionHeightMm / 2),
    halfMm: cube(root.annulusRadiusMm * 1.3 + 9 + root.junctionHeightMm / 2),
  };
}

/** Angle and distance of a point about the root's axis. */
export function aroundAxis(
  root: Root,
  x: number,
  y: number,
  z: number,
): { angle: number; radius: number } {
  const a = x * root.u[0] + y * root.u[1] + z * root.u[2];
  const b = x * root.v[0] + y * root.v[1] + z * root.v[2];
  return { angle: Math.atan2(b, a), radius: Math.sqrt(a * a + b * b) };
}

/** The same direction between -π and π. */
export function wrapAngle(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

function cube(halfMm: number): Vector3 {
  return [halfMm, halfMm, halfMm];
}
