/** Voxels of 2×2×2 blocks side by side in the channels. */
import { copyRows } from './layout';

/**
 * `[b, d, h, w, c]` ↔ `[b, d/2, h/2, w/2, 8·c]`, all sides even. `reverse` copies back. The offsets of corner i of a
 * block along z, y and x are bits i of three numbers: 000, 100, 010, 001, 110, 101, 011, 111.
 */
export function mergePatches(
  grid: usize,
  merged: usize,
  reverse: i32,
  batch: i32,
  depth: i32,
  height: i32,
  width: i32,
  channels: i32,
): void {
  const bytes = channels * 4;
  const row = width * bytes;
  // The depth is even, so that planes pair up across samples too.
  for (let z = 0; z < batch * depth; z += 2) {
    for (let y = 0; y < height; y += 2) {
      for (let i = 0; i < 8; i++) {
        const plane = z + ((0xb2 >> i) & 1);
        const line = plane * height + y + ((0xd4 >> i) & 1);
        const corner = grid + line * row + ((0xe8 >> i) & 1) * bytes;
        const place = merged + i * bytes;
        if (reverse) copyRows(place, 8 * bytes, corner, 2 * bytes, bytes, width >> 1);
        else copyRows(corner, 2 * bytes, place, 8 * bytes, bytes, width >> 1);
      }
      merged += 4 * row;
    }
  }
}
