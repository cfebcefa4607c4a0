/**
 * Rotation and scaling about the middle: augmentation of patches in training, and test-time augmentation of whole volumes,
 * whose predictions are transformed back.
 */
import type { Random } from '../base/index.ts';
import type { ChannelVolume } from '../models/index.ts';

type Nine = readonly [number, number, number, number, number, number, number, number, number];

/** Rotations and scales to draw from. */
export interface TransformSettings {
  /** Greatest rotation about each axis, degrees. */
  readonly rotationDegMax: number;
  /** Greatest change of size, share of 1. */
  readonly scaleShareMax: number;
}

/** A matrix as of `transformMatrix`, rotation and scale drawn from the settings. */
export function drawTransform(random: Random, settings: TransformSettings): Float64Array {
  const angle = (): number =>
    ((random.uniform() * 2 - 1) * (settings.rotationDegMax * Math.PI)) / 180;
  const [a, b, c] = [angle(), angle(), angle()];
  const scale = 1 + (random.uniform() * 2 - 1) * settings.scaleShareMax;
  return transformMatrix(a, b, c, scale);
}

/** Row-major 3x3 matrix of voxel offsets: rotations about the three axes, in radians, times a scale. */
export function transformMatrix(a: number, b: number, c: number, scale: number): Float64Array {
  const [ca, sa] = [Math.cos(a), Math.sin(a)];
  const [cb, sb] = [Math.cos(b), Math.sin(b)];
  const [cc, sc] = [Math.cos(c), Math.sin(c)];
  return Float64Array.of(
    ...[cb * cc, -cb * sc, sb],
    ...[sa * sb * cc + ca * sc, -sa * sb * sc + ca * cc, -sa * cb],
    ...[-ca * sb * cc + sa * sc, ca * sb * sc + sa * cc, ca * cb],
  ).map((entry) => entry * scale);
}

/**
 * The volume as seen through a row-major 3x3 `matrix` of voxel offsets from the middle: voxel x of the result shows
 * the source at `matrix · x`, trilinearly or its nearest voxel; `outside` where that is beyond the outermost centres.
 */
export function transformed(
  { data, shape, channels }: ChannelVolume,
  matrix: Float64Array,
  outside: number,
  mode: 'linear' | 'nearest' = 'linear',
): ChannelVolume {
  const [depth, height, width] = shape;
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = matrix as unknown as Nine;
  const [cz, cy, cx] = [(depth - 1) / 2, (height - 1) / 2, (width - 1) / 2];
  const plane = height * width;
  const out = new Float32Array(data.length);
  // A border voxel that stays where it was may land a rounding error beside it.
  const near = 1e-9;
  const last = [depth - 1, height - 1, width - 1] as const;
  let at = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += channels) {
        const [dz, dy, dx] = [z - cz, y - cy, x - cx];
        const sz = cz + m0 * dz + m1 * dy + m2 * dx;
        const sy = cy + m3 * dz + m4 * dy + m5 * dx;
        const sx = cx + m6 * dz + m7 * dy + m8 * dx;
        const isInside =
          sz >= -near &&
          sy >= -near &&
          sx >= -near &&
          sz <= last[0] + near &&
          sy <= last[1] + near &&
          sx <= last[2] + near;
        if (!isInside) {
          out.fill(outside, at, at + channels);
          continue;
        }
        const z0 = floorWithin(sz, last[0]);
        const y0 = floorWithin(sy, last[1]);
        const x0 = floorWithin(sx, last[2]);
        const part = mode === 'nearest' ? Math.round : (share: number): number => share;
        const [fz, fy, fx] = [part(sz - z0), part(sy - y0), part(sx - x0)];
        for (let corner = 0; corner < 8; corner++) {
          const [iz, iy, ix] = [corner >> 2, (corner >> 1) & 1, corner & 1];
          const share = (iz ? fz : 1 - fz) * (iy ? fy : 1 - fy) * (ix ? fx : 1 - fx);
          if (share === 0) continue;
          const from = ((z0 + iz) * plane + (y0 + iy) * width + x0 + ix) * channels;
          for (let c = 0; c < channels; c++) {
            out[at + c] = (out[at + c] as number) + share * (data[from + c] as number);
          }
        }
      }
    }
  }
  return { data: out, shape, channels };
}

/** The lower of the two voxels that `at` lies between; of an axis of one voxel there is one. */
function floorWithin(at: number, last: number): number {
  return Math.max(0, Math.min(Math.floor(at), last - 1));
}

/** Inverse of a row-major 3x3 matrix. */
export function inverse3(matrix: Float64Array): Float64Array {
  const [a, b, c, d, e, f, g, h, i] = matrix as unknown as Nine;
  const [A, B, C] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const determinant = a * A + b * B + c * C;
  return Float64Array.of(
    ...[A, c * h - b * i, b * f - c * e],
    ...[B, a * i - c * g, c * d - a * f],
    ...[C, b * g - a * h, a * e - b * d],
  ).map((value) => value / determinant);
}
