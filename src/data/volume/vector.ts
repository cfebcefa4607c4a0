/** Three numbers in mm (or voxels) and the few verbs that geometry needs. */

/** x, y, z; in world coordinates RAS: right, anterior, superior positive. */
export type Vector3 = readonly [number, number, number];

/** Columns of a rotation: where a frame's x, y and z point in the world. */
export type Rotation = readonly [Vector3, Vector3, Vector3];

/** `a + b` */
export function addVectors(a: Vector3, b: Vector3): Vector3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/** `a - b` */
export function subtractVectors(a: Vector3, b: Vector3): Vector3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

/** `a · factor` */
export function scaleVector(a: Vector3, factor: number): Vector3 {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

/** `a + b * factor`, the step along a direction. */
export function stepAlong(a: Vector3, b: Vector3, factor: number): Vector3 {
  return [a[0] + b[0] * factor, a[1] + b[1] * factor, a[2] + b[2] * factor];
}

/** `a · b` */
export function dotProduct(a: Vector3, b: Vector3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** `a × b` */
export function crossProduct(a: Vector3, b: Vector3): Vector3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** `|a|`, in the unit of its coordinates. */
export function lengthOf(a: Vector3): number {
  return Math.sqrt(dotProduct(a, a));
}

/** `a` with length 1; `a` must not be zero. */
export function unitVector(a: Vector3): Vector3 {
  return scaleVector(a, 1 / lengthOf(a));
}

/** `|a - b|` */
export function distanceBetween(a: Vector3, b: Vector3): number {
  return lengthOf(subtractVectors(a, b));
}

/** `a` turned by `angleRad` about the unit vector `axis` (Rodrigues' formula). */
export function rotateAbout(a: Vector3, axis: Vector3, angleRad: number): Vector3 {
  const cos = Math.cos(angleRad);
  const turned = stepAlong(scaleVector(a, cos), crossProduct(axis, a), Math.sin(angleRad));
  return stepAlong(turned, axis, dotProduct(axis, a) * (1 - cos));
}

/** `a` turned by a rotation. */
export function rotated([x, y, z]: Rotation, [a, b, c]: Vector3): Vector3 {
  return addVectors(addVectors(scaleVector(x, a), scaleVector(y, b)), scaleVector(z, c));
}
