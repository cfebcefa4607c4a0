/**
 * How the annulus lies in the body, and where a C-arm must stand to see it from the side.
 *
 * Angles of the C-arm are DICOM's (PS3.3 C.8.7.5.1.2): the primary angle is positive towards LAO, the patient's left, the
 * secondary towards CRAN, the head; 0, 0 has the detector in front of the patient. The way from the tube to the detector is
 * then, in RAS: (-sin a cos b, cos a cos b, sin b).
 */
import {
  subtractVectors,
  unitVector,
  addVectors,
  scaleVector,
  type Vector3,
} from '../volume/vector.ts';
import type { AnnulusPlane } from './annulus-plane.ts';

/** Where a C-arm stands, degrees. */
export interface ProjectionAngles {
  /** LAO above 0, RAO below. */
  readonly laoDeg: number;
  /** CRAN above 0, CAUD below. */
  readonly cranDeg: number;
}

/** Angle between the annulus' plane and the body's axial plane: that of its normal with straight up, 0 to 180 degrees. */
export function annulusTiltDeg({ normal }: AnnulusPlane): number {
  return degrees(Math.acos(Math.min(1, Math.max(-1, normal[2]))));
}

/**
 * Angle between the horizontal and the annulus seen from the front: the aortic angulation that is read on a coronal
 * projection. 0 to 180 degrees.
 */
export function aorticAngulationDeg({ normal: [right, , up] }: AnnulusPlane): number | null {
  return Math.hypot(right, up) < 1e-6 ? null : degrees(Math.atan2(Math.abs(right), up));
}

/**
 * The view along the annulus' plane in which the lowest points of the three cusps stand in one line, that of RCC half way
 * between those of NCC and LCC: from the middle of LCC and NCC to RCC.
 */
export function threeCuspView({ hinges: { RCC, LCC, NCC } }: AnnulusPlane): ProjectionAngles {
  const middle = scaleVector(addVectors(LCC, NCC), 1 / 2);
  return anglesOf(unitVector(subtractVectors(RCC, middle)));
}

/** The view along the annulus' plane in which RCC and LCC lie over one another and NCC alone: from LCC to RCC. */
export function cuspOverlapView({ hinges: { RCC, LCC } }: AnnulusPlane): ProjectionAngles {
  return anglesOf(unitVector(subtractVectors(RCC, LCC)));
}

/** Angles of a C-arm whose rays run along the unit vector `towards`, from the tube to the detector, RAS. */
export function anglesOf([right, front, up]: Vector3): ProjectionAngles {
  return {
    laoDeg: degrees(Math.atan2(-right, front)) + 0,
    cranDeg: degrees(Math.asin(Math.min(1, Math.max(-1, up)))),
  };
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}
