/** Turning a volume's axes to right, anterior, superior without touching its values. */
import { spacingOf, voxelToWorld, type Shape3, type Volume } from './volume.ts';

type Axis = 0 | 1 | 2;

/** Which file axis runs along each world axis, and whether forward. */
interface AxisMap {
  readonly from: Axis;
  readonly flip: boolean;
}

/**
 * The same voxels with i to the right, j to the front, k up, as nearly as the grid allows: axes are
 * permuted and turned round, never resampled. Oblique grids stay oblique (the affine says so).
 */
export function toRas(volume: Volume): Volume {
  const { shape, affine, data } = volume;
  const counts = [shape[2], shape[1], shape[0]] as const; // along i, j, k
  const strides = [1, shape[2], shape[2] * shape[1]] as const;
  const map = closestAxes(affine);
  if (map.every(({ from, flip }, axis) => from === axis && !flip)) return volume;

  const size = map.map(({ from }) => counts[from]) as [number, number, number];
  const step = map.map(({ from, flip }) => (flip ? -strides[from] : strides[from]));
  let first = 0;
  for (const { from, flip } of map) if (flip) first += (counts[from] - 1) * strides[from];
  const [si = 1, sj = 1, sk = 1] = step;
  const [ni, nj, nk] = size;
  const out = new Float32Array(data.length);
  let index = 0;
  for (let k = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++) {
      let at = first + k * sk + j * sj;
      for (let i = 0; i < ni; i++, index++, at += si) out[index] = data[at] ?? 0;
    }
  }
  const newShape: Shape3 = [nk, nj, ni];
  return { data: out, shape: newShape, affine: turnedAffine(affine, counts, map) };
}

function turnedAffine(
  affine: Float64Array,
  counts: readonly [number, number, number],
  map: readonly AxisMap[],
): Float64Array {
  const out = new Float64Array(16);
  out[15] = 1;
  const corner: [number, number, number] = [0, 0, 0];
  map.forEach(({ from, flip }, axis) => {
    if (flip) corner[from] = counts[from] - 1;
    for (const row of [0, 1, 2]) {
      const cell = affine[row * 4 + from] ?? 0;
      out[row * 4 + axis] = (flip ? -cell : cell) + 0; // + 0: never -0
    }
  });
  voxelToWorld(affine, corner).forEach((mm, row) => {
    out[row * 4 + 3] = mm;
  });
  return out;
}

/**
 * Of the six ways to pair file axes with world axes the one whose directions agree best. Where an oblique grid lets several
 * agree equally well, the one whose first axes turn most to the front, then up: the file's own order decides nothing.
 */
function closestAxes(affine: Float64Array): readonly AxisMap[] {
  const [sd, sh, sw] = spacingOf(affine);
  const spacing = [sw, sh, sd] as const;
  const cosine = (row: Axis, from: Axis): number => (affine[row * 4 + from] ?? 0) / spacing[from];
  const rated = ways.map((way) => {
    const map = way.map((from, row) => ({ from, flip: cosine(row as Axis, from) < 0 }));
    const turned = (row: Axis, axis: Axis): number =>
      cosine(row, way[axis]) * (map[axis]?.flip === true ? -1 : 1);
    const agreement = turned(0, 0) + turned(1, 1) + turned(2, 2);
    return { map, ranks: [agreement, turned(1, 0), turned(2, 0), turned(2, 1)] };
  });
  return rated.reduce((best, next) => (isBefore(next.ranks, best.ranks) ? next : best)).map;
}

const ways: readonly (readonly [Axis, Axis, Axis])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** Whether the first number that differs by more than rounding is the greater one. */
function isBefore(ranks: readonly number[], others: readonly number[]): boolean {
  const at = ranks.findIndex((rank, n) => Math.abs(rank - (others[n] ?? 0)) > 1e-9);
  return at >= 0 && (ranks[at] ?? 0) > (others[at] ?? 0);
}
