/**
 * Where the points of an aortic root can be, given its annulus, and how far a point is from there. A machine's mask knows the
 * annulus and the aorta, but no cusp, no ostium and no septum: a distance of 0 says that a point can be right, not that it is.
 */
import {
  addVectors,
  crossProduct,
  distanceBetween,
  heightMm,
  scaleVector,
  stepAlong,
  subtractVectors,
  withinPlane,
  type AnnulusPlane,
  type PointName,
  type Vector3,
} from '../../src/data/index.ts';
import { dotProduct, lengthOf, rotateAbout } from '../../src/data/volume/vector.ts';

/** A root as far as a mask tells it. */
export interface RootPlaces {
  /** Its centre and its normal; `hinges` are the machine's, or where cusps face on average. */
  readonly annulus: AnnulusPlane;
  /** The aorta's surface, RAS mm. */
  readonly wall: readonly Vector3[];
}

/** A piece of a wall around the axis: an arc where `lowMm` is `highMm`, else a part of a cylinder. */
export interface Band {
  readonly radiusMm: number;
  /** Direction from the axis to the middle of it; its part along the axis does not count. */
  readonly middle: Vector3;
  /** On either side of the middle; 180 is all around. */
  readonly halfAngleDeg: number;
  /** Heights over the annulus. */
  readonly lowMm: number;
  readonly highMm: number;
}

/** Half of the mean of 23.5 and 26.3 mm, the annulus' two diameters (Tops et al., JACC Cardiovasc Imaging 2008;1:321). */
export const annulusRadiusMm = 12.45;
/** A cusp takes a third of the circle. */
const cuspHalfAngleDeg = 60;
/** Heights of ostia that were seen in 200 patients (Stolzmann et al., Eur Radiol 2009;19:1316). */
export const ostiumHeightsMm = { low: 7.3, high: 26 } as const;
/**
 * Ends of the membranous septum: at most two deviations over the published mean of the upper end, 4.5 + 2 x 2.3 mm (Clin Anat
 * 2018;31:525), and as low as the phantoms have it, 11 mm under the annulus (docs/specs/phantom.md).
 */
const septumHeightsMm = { low: -11, high: 9.1 } as const;
/** Half of what lies between the directions of RCC and NCC. */
const septumHalfAngleDeg = 30;

/** Where a point must lie, seen from the axis: its part along this direction of the patient is above 0. */
export const sides: Readonly<Record<PointName, 'front' | 'left' | 'right'>> = {
  ...{ RCC: 'front', LCC: 'left', NCC: 'right', RCA: 'front', LCA: 'left', MS1: 'right', MS2: 'right' },
}; // prettier-ignore

const directions: Readonly<Record<'front' | 'left' | 'right', Vector3>> = {
  front: [0, 1, 0],
  left: [-1, 0, 0],
  right: [1, 0, 0],
};

/** Distance in mm from `at` to the nearest place where the point `name` can be. */
export function distanceToPlace(
  name: PointName,
  at: Vector3,
  { annulus, wall }: RootPlaces,
): number {
  const cusp = cuspOf[name];
  if (name === 'RCA' || name === 'LCA')
    return distanceToWall(at, ostiumWall(cusp, { annulus, wall }));
  const towards = cuspDirections(annulus);
  if (name === 'MS1' || name === 'MS2') {
    return distanceToBand(at, annulus, {
      radiusMm: annulusRadiusMm,
      middle: addVectors(towards.RCC, towards.NCC),
      halfAngleDeg: septumHalfAngleDeg,
      lowMm: septumHeightsMm.low,
      highMm: septumHeightsMm.high,
    });
  }
  return distanceToBand(at, annulus, {
    radiusMm: annulusRadiusMm,
    middle: towards[cusp],
    halfAngleDeg: cuspHalfAngleDeg,
    lowMm: 0,
    highMm: 0,
  });
}

/** The cusp that a point belongs to; the septum has two and is asked otherwise. */
const cuspOf: Readonly<Record<PointName, 'RCC' | 'LCC' | 'NCC'>> = {
  ...{ RCC: 'RCC', LCC: 'LCC', NCC: 'NCC', RCA: 'RCC', LCA: 'LCC', MS1: 'RCC', MS2: 'RCC' },
};

/** Whether a point lies on its side of the axis through the annulus. */
export function isOnItsSide(name: PointName, at: Vector3, annulus: AnnulusPlane): boolean {
  const side = withinPlane(annulus, directions[sides[name]]);
  return side !== null && dotProduct(subtractVectors(at, annulus.centre), side) > 0;
}

/** Distance in mm to the nearest place of a band. */
export function distanceToBand(at: Vector3, annulus: AnnulusPlane, band: Band): number {
  const { radiusMm, halfAngleDeg, lowMm, highMm } = band;
  const height = heightMm(annulus, at);
  const off = Math.max(lowMm - height, 0, height - highMm);
  const flat = stepAlong(subtractVectors(at, annulus.centre), annulus.normal, -height);
  const middle = withinPlane(annulus, band.middle) ?? flat;
  // On the axis every place of the arc is as near.
  const isWithin = lengthOf(flat) === 0 || angleDeg(flat, middle) <= halfAngleDeg;
  if (isWithin) return Math.hypot(lengthOf(flat) - radiusMm, off);
  const turn = (halfAngleDeg * Math.PI) / 180;
  const ends = [turn, -turn].map((angle) =>
    distanceBetween(flat, scaleVector(rotateAbout(middle, annulus.normal, angle), radiusMm)),
  );
  return Math.hypot(Math.min(...ends), off);
}

/** Distance in mm to the nearest of some places; infinite where there are none. */
export function distanceToWall(at: Vector3, wall: readonly Vector3[]): number {
  return wall.reduce((least, place) => Math.min(least, distanceBetween(at, place)), Infinity);
}

/** The aorta's surface over a cusp, at the heights that ostia have. */
export function ostiumWall(cusp: 'RCC' | 'LCC' | 'NCC', { annulus, wall }: RootPlaces): Vector3[] {
  const middle = cuspDirections(annulus)[cusp];
  return wall.filter((at) => {
    const height = heightMm(annulus, at);
    if (height < ostiumHeightsMm.low || height > ostiumHeightsMm.high) return false;
    const flat = withinPlane(annulus, subtractVectors(at, annulus.centre));
    return flat !== null && angleDeg(flat, middle) <= cuspHalfAngleDeg;
  });
}

/** Unit directions in the annulus' plane from its centre to the hinge points. */
function cuspDirections(annulus: AnnulusPlane): Record<'RCC' | 'LCC' | 'NCC', Vector3> {
  const towards = (hinge: Vector3): Vector3 =>
    withinPlane(annulus, subtractVectors(hinge, annulus.centre)) ?? [0, 0, 0];
  const { RCC, LCC, NCC } = annulus.hinges;
  return { RCC: towards(RCC), LCC: towards(LCC), NCC: towards(NCC) };
}

/**
 * Hinge points where cusps face on average: RCC to the patient's front, the others 120 degrees on, against the clock seen from
 * the aorta.
 */
export function averageHinges(centre: Vector3, normal: Vector3): AnnulusPlane {
  const bare = { centre, normal, radiusMm: annulusRadiusMm, hinges: { RCC: centre, LCC: centre, NCC: centre } }; // prettier-ignore
  const front = withinPlane(bare, directions.front) ?? crossProduct(directions.right, normal);
  const hinge = (degrees: number): Vector3 =>
    stepAlong(centre, rotateAbout(front, normal, (degrees * Math.PI) / 180), annulusRadiusMm);
  return { ...bare, hinges: { RCC: hinge(0), LCC: hinge(120), NCC: hinge(240) } };
}

/** Angle between two directions, 0 to 180 degrees. */
export function angleDeg(a: Vector3, b: Vector3): number {
  const cosine = dotProduct(a, b) / (lengthOf(a) * lengthOf(b));
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}
