/** NIfTI's qform: a rotation as a quaternion whose real part is left out. */
import type { Vector3 } from '../volume/vector.ts';
import { spacingOf } from '../volume/volume.ts';

/** The fields quatern_b, _c, _d, qoffset, pixdim[1..3] and the sign in pixdim[0]. */
export interface QuaternionForm {
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly shift: Vector3;
  /** Along i, j, k. */
  readonly spacing: Vector3;
  /** -1 where the third axis is turned round. */
  readonly handedness: 1 | -1;
}

/** How far b² + c² + d² may exceed 1 in 32-bit files before it is an error. */
const slack = 1e-5;

/** A field that no transform can be made of, what it should hold and what it holds. */
export interface QuaternionTrouble {
  readonly field: string;
  readonly expected: string;
  readonly came: string;
}

/** `null` when the form is sound. */
export function troubleOf({ b, c, d, shift, spacing }: QuaternionForm): QuaternionTrouble | null {
  const axis = spacing.findIndex((mm) => !(mm > 0 && Number.isFinite(mm)));
  if (axis >= 0) {
    const came = String(spacing[axis]);
    return { field: `pixdim[${axis + 1}]`, expected: 'a spacing above 0', came };
  }
  const far = shift.find((mm) => !Number.isFinite(mm));
  if (far !== undefined) return { field: 'qoffset', expected: 'finite numbers', came: String(far) };
  const length = Math.hypot(b, c, d);
  if (length * length <= 1 + slack) return null;
  return { field: 'quatern', expected: 'a length of at most 1', came: length.toPrecision(3) };
}

/** `null` when the form has a trouble. */
export function affineOfQuaternion(form: QuaternionForm): Float64Array | null {
  if (troubleOf(form) !== null) return null;
  const { shift, spacing, handedness } = form;
  let { b, c, d } = form;
  const squares = b * b + c * c + d * d;
  if (squares > 1) {
    const length = Math.sqrt(squares);
    b /= length;
    c /= length;
    d /= length;
  }
  const a = Math.sqrt(Math.max(0, 1 - squares));
  const [x, y, plainZ] = spacing;
  const z = plainZ * handedness;
  return new Float64Array([
    (a * a + b * b - c * c - d * d) * x, 2 * (b * c - a * d) * y, 2 * (b * d + a * c) * z, shift[0],
    2 * (b * c + a * d) * x, (a * a + c * c - b * b - d * d) * y, 2 * (c * d - a * b) * z, shift[1],
    2 * (b * d - a * c) * x, 2 * (c * d + a * b) * y, (a * a + d * d - b * b - c * c) * z, shift[2],
    0, 0, 0, 1,
  ]); // prettier-ignore
}

/** `null` when the axes are not at right angles: a quaternion cannot say so. */
export function quaternionOfAffine(affine: Float64Array): QuaternionForm | null {
  const [sd, sh, sw] = spacingOf(affine);
  const spacing: Vector3 = [sw, sh, sd];
  const cell = (row: number, column: 0 | 1 | 2): number =>
    (affine[row * 4 + column] ?? 0) / spacing[column];
  const column = (c: 0 | 1 | 2): Vector3 => [cell(0, c), cell(1, c), cell(2, c)];
  const [u, v, plainW] = [column(0), column(1), column(2)];
  const dot = (p: Vector3, q: Vector3): number => p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
  if (Math.max(Math.abs(dot(u, v)), Math.abs(dot(u, plainW)), Math.abs(dot(v, plainW))) > 1e-4) {
    return null;
  }
  const crossUv: Vector3 = [
    u[1] * v[2] - u[2] * v[1],
    u[2] * v[0] - u[0] * v[2],
    u[0] * v[1] - u[1] * v[0],
  ];
  const handedness = dot(crossUv, plainW) < 0 ? -1 : 1;
  const w: Vector3 = [plainW[0] * handedness, plainW[1] * handedness, plainW[2] * handedness];
  const [b, c, d] = imaginaryPart(u, v, w);
  const shift: Vector3 = [affine[3] ?? 0, affine[7] ?? 0, affine[11] ?? 0];
  return { b, c, d, shift, spacing, handedness };
}

/** Imaginary part of the unit quaternion with real part ≥ 0 of a rotation given by its columns. */
function imaginaryPart(u: Vector3, v: Vector3, w: Vector3): Vector3 {
  // 4 q qᵀ for each component; divide by the largest, which is safely away from 0 (Shepperd 1978).
  const aa = 1 + u[0] + v[1] + w[2];
  const bb = 1 + u[0] - v[1] - w[2];
  const cc = 1 - u[0] + v[1] - w[2];
  const dd = 1 - u[0] - v[1] + w[2];
  const ab = v[2] - w[1];
  const ac = w[0] - u[2];
  const ad = u[1] - v[0];
  const bc = v[0] + u[1];
  const bd = w[0] + u[2];
  const cd = w[1] + v[2];
  const largest = Math.max(aa, bb, cc, dd);
  const rows: Record<number, [number, number, number, number]> = {
    [dd]: [ad, bd, cd, dd],
    [cc]: [ac, bc, cc, cd],
    [bb]: [ab, bb, bc, bd],
    [aa]: [aa, ab, ac, ad],
  };
  const [a, b, c, d] = rows[largest] ?? [1, 0, 0, 0];
  const scale = (a < 0 ? -1 : 1) / Math.sqrt(a * a + b * b + c * c + d * d);
  return [b * scale, c * scale, d * scale];
}
