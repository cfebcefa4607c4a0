/** Which voxel each token of the windows is, so that padding, rolling and cutting are one look-up. */
import type { Triple, WindowOptions } from '../compute/index.ts';

/** As `windowPartition` orders tokens: index into the voxels of `size`, or `padding` where the grid was padded. */
export function windowIndices(
  size: Triple,
  { window, shift }: WindowOptions,
  padding: number,
): { readonly tokens: Int32Array; readonly windows: number; readonly n: number } {
  const counts = size.map((length, axis) => Math.ceil(length / (window[axis] as number)));
  const [cd, ch, cw] = counts as [number, number, number];
  const n = window[0] * window[1] * window[2];
  const windows = cd * ch * cw;
  const tokens = new Int32Array(windows * n);
  // Rolling by -shift moves voxel i + shift to i, round the padded end.
  const from = (axis: 0 | 1 | 2, at: number): number =>
    (at + shift[axis]) % ((counts[axis] as number) * window[axis]);
  for (let index = 0; index < tokens.length; index++) {
    const [block, token] = [Math.floor(index / n), index % n];
    const d = from(
      0,
      Math.floor(block / (ch * cw)) * window[0] + Math.floor(token / (window[1] * window[2])),
    );
    const h = from(
      1,
      (Math.floor(block / cw) % ch) * window[1] + (Math.floor(token / window[2]) % window[1]),
    );
    const w = from(2, (block % cw) * window[2] + (token % window[2]));
    const inside = d < size[0] && h < size[1] && w < size[2];
    tokens[index] = inside ? (d * size[1] + h) * size[2] + w : padding;
  }
  return { tokens, windows, n };
}

/** Where each of `voxels` voxels lies among `tokens`. */
export function inverseIndices(tokens: Int32Array, voxels: number): Int32Array {
  const places = new Int32Array(voxels);
  tokens.forEach((voxel, place) => {
    if (voxel < voxels) places[voxel] = place;
  });
  return places;
}

/** Corners of a 2×2×2 block in the order of `mergePatches`. */
const corners: readonly Triple[] = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [1, 1, 0],
  [1, 0, 1],
  [0, 1, 1],
  [1, 1, 1],
];

/** The eight voxels of each block of an even grid, [blocks, 8]. */
export function mergeIndices([depth, height, width]: Triple): Int32Array {
  const indices = new Int32Array(depth * height * width);
  let at = 0;
  for (let d = 0; d < depth; d += 2) {
    for (let h = 0; h < height; h += 2) {
      for (let w = 0; w < width; w += 2) {
        for (const [i, j, k] of corners) {
          indices[at++] = ((d + i) * height + h + j) * width + w + k;
        }
      }
    }
  }
  return indices;
}
