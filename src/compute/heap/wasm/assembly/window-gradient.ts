/**
 * One product for every filter gradient:
 *
 *   sums[z][y][r][o] += Σ g  in[g + z·stepZ + y·stepY + r] · gradient[g][o]
 *
 * over a grid of points g, with the same addresses as `window-gemm.ts`. A tile of 4 r × 8 channels
 * lives in registers while a block of points streams by; each block starts at zero and is added to the sums at its
 * end, in the order of the points, which also keeps the rounding error of long sums low.
 */
import { madd } from './vector-math';
import { BLOCK, fillTable } from './voxel-table';

/**
 * Words of `params`: input, gradient, sums, tapsZ, tapsY, stepZ, stepY (bytes), run (floats), channels,
 * table, then the grid (`fillTable`; first = input, second = gradient) and its number of points. The sums are
 * `[tapsZ][tapsY][run rounded up to 4][channels rounded up to 8]`; what is past `run` and `channels` is
 * arbitrary, because tiles read past the end of a run.
 *
 * Works on the sums' rows in fours, `start` ≤ row / 4 < `end`: each sum is one thread's.
 */
export function windowGradient(params: usize, start: i32, end: i32): void {
  const input = load<usize>(params, 0);
  const gradient = load<usize>(params, 4);
  const sums = load<usize>(params, 8);
  const tapsY = load<i32>(params, 16);
  const stepZ = load<i32>(params, 20);
  const stepY = load<i32>(params, 24);
  const run = load<i32>(params, 28);
  const channels = load<i32>(params, 32);
  const table = load<usize>(params, 36);
  const points = load<i32>(params, 84);
  const rowBytes = ((channels + 7) >> 3) * 32;
  const fours = (run + 3) >> 2;
  for (let at = 0; at < points; at += BLOCK) {
    const count = min(BLOCK, points - at);
    fillTable(table, params + 40, input, gradient, at, at + count);
    for (let row = start; row < end; ) {
      const tap = row / fours;
      const from = row - tap * fours;
      const many = min(fours - from, end - row);
      const shift: usize = (tap / tapsY) * stepZ + (tap % tapsY) * stepY + from * 16;
      const to = sums + row * 4 * rowBytes;
      blockGradient(table, count, shift, 0, many * 4, channels, to);
      row += many;
    }
  }
}

/** Adds the products at the `count` points of a table whose addresses are moved on by `tap` and `shift` bytes. */
export function blockGradient(
  table: usize,
  count: i32,
  tap: usize,
  shift: usize,
  run: i32,
  channels: i32,
  to: usize,
): void {
  const rowBytes = ((channels + 7) >> 3) * 32;
  for (let r = 0; r < run; r += 4) {
    for (let o: usize = 0; o < (rowBytes as usize); o += 32) {
      tile4x2(table, count, tap, shift + o, to + o, rowBytes);
    }
    to += 4 * rowBytes;
    tap += 16;
  }
}

// @ts-ignore: decorator
@inline
function addTo(to: usize, value: v128): void {
  v128.store(to, f32x4.add(v128.load(to), value));
}

function tile4x2(
  table: usize,
  count: i32,
  tap: usize,
  channel: usize,
  to: usize,
  rowBytes: i32,
): void {
  let a00 = f32x4.splat(0);
  let a01 = f32x4.splat(0);
  let a10 = f32x4.splat(0);
  let a11 = f32x4.splat(0);
  let a20 = f32x4.splat(0);
  let a21 = f32x4.splat(0);
  let a30 = f32x4.splat(0);
  let a31 = f32x4.splat(0);
  const end = table + count * 8;
  for (; table < end; table += 8) {
    const p = load<usize>(table, 0) + tap;
    const g = load<usize>(table, 4) + channel;
    const g0 = v128.load(g);
    const g1 = v128.load(g, 16);
    const x0 = v128.load32_splat(p);
    const x1 = v128.load32_splat(p, 4);
    const x2 = v128.load32_splat(p, 8);
    const x3 = v128.load32_splat(p, 12);
    a00 = madd(x0, g0, a00);
    a01 = madd(x0, g1, a01);
    a10 = madd(x1, g0, a10);
    a11 = madd(x1, g1, a11);
    a20 = madd(x2, g0, a20);
    a21 = madd(x2, g1, a21);
    a30 = madd(x3, g0, a30);
    a31 = madd(x3, g1, a31);
  }
  addTo(to, a00);
  addTo(to + 16, a01);
  to += rowBytes;
  addTo(to, a10);
  addTo(to + 16, a11);
  to += rowBytes;
  addTo(to, a20);
  addTo(to + 16, a21);
  to += rowBytes;
  addTo(to, a30);
  addTo(to + 16, a31);
}
