/** Vessels that lean on each other: where the middle of one lies beside the other. */
import { dotProduct, stepAlong, type Vector3 } from '../../volume/vector.ts';

/** Walls of two vessels that touch, and a little fat. */
const touchMm = 4.5;

/**
 * The middle of a vessel that leans on another, as high as a place on the other's axis: outwards from there as far as both radii and
 * their walls. Root and pulmonary trunk lie in one sleeve of pericardium, the trunk in front and then on the left.
 *
 * @param axis the other's direction there, one long
 * @param towards horizontal, one long
 */
export function leaningOn(
  place: Vector3,
  axis: Vector3,
  towards: Vector3,
  radiiMm: number,
): Vector3 {
  const along = dotProduct(towards, axis);
  return stepAlong(place, towards, (radiiMm + touchMm) / Math.sqrt(1 - along * along));
}

/** A horizontal direction: 0 degrees is the patient's right, 90 the front. */
export function horizontally(degrees: number): Vector3 {
  const turn = (degrees * Math.PI) / 180;
  return [Math.cos(turn), Math.sin(turn), 0];
}
