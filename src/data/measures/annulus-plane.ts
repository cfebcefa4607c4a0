/**
 * The annulus as planners of a valve's implantation see it: the plane through the lowest points of the three cusps, and the
 * circle through these points (Kasel et al., JACC Cardiovasc Imaging 2013;6:249).
 */
import {
  addVectors,
  crossProduct,
  distanceBetween,
  dotProduct,
  lengthOf,
  scaleVector,
  stepAlong,
  subtractVectors,
  unitVector,
  type Vector3,
} from '../volume/vector.ts';

/** The three lowest points of the cusps, RAS mm. */
export interface HingePoints {
  readonly RCC: Vector3;
  readonly LCC: Vector3;
  readonly NCC: Vector3;
}

/** The plane through the hinge points, and their circle. */
export interface AnnulusPlane {
  /** Centre of the circle through the hinge points, RAS mm. */
  readonly centre: Vector3;
  /** Unit vector at right angles to the plane, from the ventricle to the aorta, RAS. */
  readonly normal: Vector3;
  /** Of the circle through the hinge points, mm. */
  readonly radiusMm: number;
  readonly hinges: HingePoints;
}

/** Below this sine of the triangle's angle at a hinge point its circle is a matter of rounding. */
const sineMin = 1e-3;

/**
 * normal = (LCC - RCC) x (NCC - RCC), made one long: seen from the aorta the cusps run RCC, LCC, NCC against the clock. The
 * centre is the triangle's circumcentre, the radius its distance from each hinge point.
 *
 * @returns null when the points lie in a line, which has no plane and no circle
 */
export function annulusPlane(hinges: HingePoints): AnnulusPlane | null {
  const { RCC, LCC, NCC } = hinges;
  const [a, b] = [subtractVectors(LCC, RCC), subtractVectors(NCC, RCC)];
  const across = crossProduct(a, b);
  const area = lengthOf(across);
  if (!(area > sineMin * lengthOf(a) * lengthOf(b))) return null;
  // Circumcentre from RCC: (|a|² (b x n) + |b|² (n x a)) / 2|n|², with n = a x b.
  const offset = scaleVector(
    addVectors(
      scaleVector(crossProduct(b, across), dotProduct(a, a)),
      scaleVector(crossProduct(across, a), dotProduct(b, b)),
    ),
    1 / (2 * area * area),
  );
  const centre = addVectors(RCC, offset);
  return { centre, normal: unitVector(across), radiusMm: distanceBetween(centre, RCC), hinges };
}

/** Height in mm over the plane, towards the aorta; below 0 on the ventricle's side. */
export function heightMm({ centre, normal }: AnnulusPlane, at: Vector3): number {
  return dotProduct(subtractVectors(at, centre), normal);
}

/** The part of `direction` that lies in the plane, one long; null when there is none. */
export function withinPlane({ normal }: AnnulusPlane, direction: Vector3): Vector3 | null {
  const flat = stepAlong(direction, normal, -dotProduct(direction, normal));
  return lengthOf(flat) > sineMin * lengthOf(direction) ? unitVector(flat) : null;
}
