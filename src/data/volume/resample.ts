/**
 * Values on another grid. Integer indices are voxel centres; a volume's box reaches half a voxel
 * beyond its outermost centres, and resampling keeps the middle of that box where it is.
 */
import { refuseField } from '../case/packed.ts';
import { blurred } from './blur.ts';
import type { Vector3 } from './vector.ts';
import {
  invertAffine,
  spacingOf,
  voxelCount,
  voxelToWorld,
  type Geometry,
  type Shape3,
  type Volume,
} from './volume.ts';

/**
 * `nearest` for labels; `linear` between voxel centres; `smooth` blurs first by as much as the new
 * voxels are coarser, then goes linearly: use it to make a volume coarser.
 */
export type ResampleMode = 'linear' | 'nearest' | 'smooth';

/** Places in voxels that differ by no more are one place. */
const hair = 1e-6;

/** Largest grid that `resample` makes. */
const voxelsMax = 2 ** 28;

/**
 * The grid of `spacingMm` along [depth, height, width] that covers the same box: round(box / spacing)
 * voxels an axis, at least one, around the same middle.
 *
 * @throws {DataError} 'bad_field' when a spacing is not above 0 or the grid would exceed 2^28 voxels.
 */
export function respacedGeometry(geometry: Geometry, spacingMm: Vector3): Geometry {
  const { shape, affine } = geometry;
  const old = spacingOf(affine);
  if (!spacingMm.every((mm) => mm > 0 && Number.isFinite(mm))) {
    refuseField('spacingMm', 'three numbers above 0', spacingMm.join(' x '));
  }
  const axis = (n: 0 | 1 | 2): number =>
    Math.max(1, Math.round((shape[n] * old[n]) / spacingMm[n]));
  const next: Shape3 = [axis(0), axis(1), axis(2)];
  if (voxelCount(next) > voxelsMax) {
    refuseField('spacingMm', `a grid of at most ${voxelsMax} voxels`, next.join(' x '));
  }
  const middle = voxelToWorld(affine, centreOf(shape));
  const out = new Float64Array(16);
  out[15] = 1;
  const half = centreOf(next);
  for (const row of [0, 1, 2] as const) {
    let corner = middle[row];
    for (const column of [0, 1, 2] as const) {
      const n = (2 - column) as 0 | 1 | 2; // column i is width, the last of the shape
      const cell = ((affine[row * 4 + column] ?? 0) * spacingMm[n]) / old[n];
      out[row * 4 + column] = cell;
      corner -= cell * half[column];
    }
    out[row * 4 + 3] = corner;
  }
  return { shape: next, affine: out };
}

/** The volume at another spacing; beyond the outermost centres the border value goes on. */
export function resample(volume: Volume, spacingMm: Vector3, mode: ResampleMode): Volume {
  return sample(volume, respacedGeometry(volume, spacingMm), mode, null);
}

/** The volume on any other grid; `outside` where that grid leaves the volume's box (air: -1024 HU). */
export function resampleOnto(
  volume: Volume,
  target: Geometry,
  mode: ResampleMode,
  outside = -1024,
): Volume {
  return sample(volume, target, mode, outside);
}

/** A label map on another grid, nearest neighbour, 0 outside. Ties as in `nearest`: the way a file's axes run changes nothing. */
export function resampleLabelsOnto(
  labels: Uint8Array,
  from: Geometry,
  target: Geometry,
): Uint8Array {
  const out = new Uint8Array(voxelCount(target.shape));
  const [depth, height, width] = from.shape;
  const [onI, onJ, onK] = tieSides(from.affine);
  eachVoxel(from, target, (index, i, j, k) => {
    const [a, b, c] = [nearest(i, width, onI), nearest(j, height, onJ), nearest(k, depth, onK)];
    if (a >= 0 && b >= 0 && c >= 0) out[index] = labels[(c * height + b) * width + a] ?? 0;
  });
  return out;
}

/**
 * Where a mask fills at least half of a voxel of another grid: what its voxels take up there is added up, each in as many
 * parts as the other grid is finer, eight at least.
 */
export function resampleMaskOnto(
  mask: ArrayLike<number>,
  from: Geometry,
  target: Geometry,
): Uint8Array {
  const [depth, height, width] = target.shape;
  const [old, next] = [spacingOf(from.affine), spacingOf(target.affine)];
  const parts = [0, 1, 2].map((n) => Math.max(2, Math.ceil((2 * (old[n] ?? 1)) / (next[n] ?? 1))));
  const [pk = 2, pj = 2, pi = 2] = parts;
  const share = old.reduce(
    (product, mm, n) => (product * mm) / ((next[n] ?? 1) * (parts[n] ?? 1)),
    1,
  );
  const back = invertAffine(target.affine);
  const filled = new Float32Array(voxelCount(target.shape));
  const [, rows, columns] = from.shape;
  const [onI, onJ, onK] = tieSides(target.affine);
  for (let voxel = 0; voxel < mask.length; voxel++) {
    if (mask[voxel] === 0) continue;
    const i = voxel % columns;
    const j = Math.floor(voxel / columns) % rows;
    const k = Math.floor(voxel / (columns * rows));
    for (let part = 0; part < pi * pj * pk; part++) {
      const x = i - 0.5 + ((part % pi) + 0.5) / pi;
      const y = j - 0.5 + ((Math.floor(part / pi) % pj) + 0.5) / pj;
      const z = k - 0.5 + (Math.floor(part / (pi * pj)) + 0.5) / pk;
      const [u, v, w] = voxelToWorld(back, voxelToWorld(from.affine, [x, y, z]));
      const [a, b, c] = [nearest(u, width, onI), nearest(v, height, onJ), nearest(w, depth, onK)];
      if (a < 0 || b < 0 || c < 0) continue;
      const at = (c * height + b) * width + a;
      filled[at] = (filled[at] ?? 0) + share;
    }
  }
  return Uint8Array.from(filled, (part) => (part >= 0.5 - 1e-3 ? 1 : 0));
}

function sample(
  volume: Volume,
  target: Geometry,
  mode: ResampleMode,
  outside: number | null,
): Volume {
  const source = mode === 'smooth' ? smoothed(volume, target) : volume.data;
  const [depth, height, width] = volume.shape;
  const out = new Float32Array(voxelCount(target.shape));
  const clamp = (at: number, count: number): number => Math.min(count - 1, Math.max(0, at));
  const value = (a: number, b: number, c: number): number =>
    source[(c * height + b) * width + a] ?? 0;
  const [onI, onJ, onK] = tieSides(volume.affine);
  eachVoxel(volume, target, (index, i, j, k) => {
    const isIn = nearest(i, width, onI) >= 0 && nearest(j, height, onJ) >= 0 && nearest(k, depth, onK) >= 0; // prettier-ignore
    if (!isIn && outside !== null) {
      out[index] = outside;
      return;
    }
    const [x, y, z] = [clamp(i, width), clamp(j, height), clamp(k, depth)];
    if (mode === 'nearest') {
      out[index] = value(nearest(x, width, onI), nearest(y, height, onJ), nearest(z, depth, onK));
      return;
    }
    const [a, b, c] = [Math.floor(x), Math.floor(y), Math.floor(z)];
    const [fa, fb, fc] = [x - a, y - b, z - c];
    const [a1, b1, c1] = [clamp(a + 1, width), clamp(b + 1, height), clamp(c + 1, depth)];
    const near = mix(mix(value(a, b, c), value(a1, b, c), fa), mix(value(a, b1, c), value(a1, b1, c), fa), fb); // prettier-ignore
    const far = mix(mix(value(a, b, c1), value(a1, b, c1), fa), mix(value(a, b1, c1), value(a1, b1, c1), fa), fb); // prettier-ignore
    out[index] = mix(near, far, fc);
  });
  return { data: out, shape: target.shape, affine: target.affine };
}

function mix(a: number, b: number, share: number): number {
  return share === 0 ? a : a + (b - a) * share;
}

/** Index of the voxel whose box holds the place, -1 outside; half way between two `tie` decides. A hair of rounding is forgiven. */
function nearest(at: number, count: number, tie: TieSide): number {
  if (at < -0.5 - hair || at > count - 0.5 + hair) return -1;
  return Math.min(count - 1, Math.max(0, Math.floor(at + 0.5 + tie * hair)));
}

/** Which of two equally near voxels is taken along an axis: 1 the later one in the file, -1 the earlier one. */
type TieSide = 1 | -1;

/**
 * For each axis i, j, k the side that lies to the right, to the front or above, whichever the axis runs along most: a place
 * in the patient and not in the file, so that all orientations of one image give the same.
 */
function tieSides(affine: Float64Array): readonly [TieSide, TieSide, TieSide] {
  const side = (column: number): TieSide => {
    let most = 0;
    for (const row of [0, 1, 2]) {
      const cell = affine[row * 4 + column] ?? 0;
      // Of two equally long parts the first counts, however rounding fell.
      if (Math.abs(cell) > Math.abs(most) * (1 + hair)) most = cell;
    }
    return most < 0 ? -1 : 1;
  };
  return [side(0), side(1), side(2)];
}

/** Calls `see` with each target voxel's index and its place (i, j, k) in the source grid. */
function eachVoxel(
  source: Geometry,
  target: Geometry,
  see: (index: number, i: number, j: number, k: number) => void,
): void {
  const back = invertAffine(source.affine);
  const there = (i: number, j: number, k: number): Vector3 =>
    voxelToWorld(back, voxelToWorld(target.affine, [i, j, k]));
  const first = there(0, 0, 0);
  const [stepI, stepJ, stepK] = [there(1, 0, 0), there(0, 1, 0), there(0, 0, 1)].map((next) => [
    next[0] - first[0],
    next[1] - first[1],
    next[2] - first[2],
  ]) as [number[], number[], number[]];
  const along = (axis: number, i: number, j: number, k: number): number =>
    tidy(
      (first[axis] ?? 0) + i * (stepI[axis] ?? 0) + j * (stepJ[axis] ?? 0) + k * (stepK[axis] ?? 0),
    );
  const [depth, height, width] = target.shape;
  let index = 0;
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++, index++) {
        see(index, along(0, i, j, k), along(1, i, j, k), along(2, i, j, k));
      }
    }
  }
}

/** A place within 1e-9 of a voxel centre is meant to be there: grids that match stay untouched. */
function tidy(at: number): number {
  const whole = Math.round(at);
  return Math.abs(at - whole) < 1e-9 ? whole : at;
}

/** Blurred so that voxels f times as wide see the mean of what they cover: sigma = 0.42 sqrt(f² - 1). */
function smoothed(volume: Volume, target: Geometry): Float32Array {
  const old = spacingOf(volume.affine);
  const next = spacingOf(target.affine);
  const sigma = (n: 0 | 1 | 2): number =>
    0.42 * Math.sqrt(Math.max(0, (next[n] / old[n]) ** 2 - 1));
  return blurred(volume.data, volume.shape, [sigma(0), sigma(1), sigma(2)]);
}

/** Middle of a grid as (i, j, k). */
function centreOf(shape: Shape3): Vector3 {
  return [(shape[2] - 1) / 2, (shape[1] - 1) / 2, (shape[0] - 1) / 2];
}
