/**
 * One product for every forward convolution, input gradient, transposed convolution and matrix product:
 *
 *   out[g][o] = bias[o] + Σ z, y, r  in[g + z·stepZ + y·stepY + r] · weights[z][y][r][o]
 *
 * over a grid of points g. Along x, taps and channels lie side by side in a channels-last tensor, so r runs
 * over both at once. A tile of 4 points × 8 channels (6 × 4 for a last 4) stays in registers while the weights
 * stream by.
 *
 * The tiles are written out because only named locals stay in registers, and are no larger, nor unrolled,
 * because V8 places every load of a loop body before its arithmetic: more than 15 values alive at once
 * (here 8 sums, 4 broadcasts, 2 weights) spill and halve the speed.
 */
import { madd, put } from './vector-math';
import { BLOCK, fillTable } from './voxel-table';

/**
 * Words of `params`: input, weights, bias or 0, output, tapsZ, tapsY, stepZ, stepY (bytes), run (floats),
 * channels, table, then the grid (`fillTable`; first = input, second = output).
 * Weights: per tile of 8 channels `[z][y][r][8]`, a last tile of at most 4 channels `[z][y][r][4]`.
 */
export function windowGemm(params: usize, start: i32, end: i32): void {
  const input = load<usize>(params, 0);
  const weights = load<usize>(params, 4);
  const bias = load<usize>(params, 8);
  const output = load<usize>(params, 12);
  const tapsZ = load<i32>(params, 16);
  const tapsY = load<i32>(params, 20);
  const stepZ = load<i32>(params, 24);
  const stepY = load<i32>(params, 28);
  const run = load<i32>(params, 32);
  const channels = load<i32>(params, 36);
  const table = load<usize>(params, 40);
  for (let at = start; at < end; at += BLOCK) {
    const count = min(BLOCK, end - at);
    fillTable(table, params + 44, input, output, at, at + count);
    blockGemm(table, count, 0, 0, weights, bias, channels, tapsZ, tapsY, stepZ, stepY, run);
  }
}

/** The product at the `count` points of a table whose addresses are moved on by `from` and `to` bytes. */
export function blockGemm(
  table: usize,
  count: i32,
  from: usize,
  to: usize,
  weights: usize,
  bias: usize,
  channels: i32,
  tapsZ: i32,
  tapsY: i32,
  stepZ: i32,
  stepY: i32,
  run: i32,
): void {
  const tileBytes: usize = tapsZ * tapsY * run * 32;
  const end = table + count * 8;
  for (let o = 0; o < channels; o += 8) {
    const lanes = channels - o;
    if (lanes > 4) {
      for (let t = table; t < end; t += 32) {
        tile4x2(t, from, to, weights, bias, lanes, tapsZ, tapsY, stepZ, stepY, run);
      }
    } else {
      for (let t = table; t < end; t += 48) {
        tile6x1(t, from, to, weights, bias, lanes, tapsZ, tapsY, stepZ, stepY, run);
      }
    }
    weights += tileBytes;
    to += 32;
    if (bias) bias += 32;
  }
}

function tile4x2(
  table: usize,
  from: usize,
  to: usize,
  weights: usize,
  bias: usize,
  lanes: i32,
  tapsZ: i32,
  tapsY: i32,
  stepZ: i32,
  stepY: i32,
  run: i32,
): void {
  const b0 = bias ? v128.load(bias) : f32x4.splat(0);
  const b1 = bias ? v128.load(bias, 16) : f32x4.splat(0);
  let a00 = b0;
  let a01 = b1;
  let a10 = b0;
  let a11 = b1;
  let a20 = b0;
  let a21 = b1;
  let a30 = b0;
  let a31 = b1;
  let w = weights;
  for (let z = 0; z < tapsZ; z++) {
    for (let y = 0; y < tapsY; y++) {
      const tap: usize = from + z * stepZ + y * stepY;
      let p0 = load<usize>(table, 0) + tap;
      let p1 = load<usize>(table, 8) + tap;
      let p2 = load<usize>(table, 16) + tap;
      let p3 = load<usize>(table, 24) + tap;
      const end = p0 + (run << 2);
      while (p0 < end) {
        const w0 = v128.load(w);
        const w1 = v128.load(w, 16);
        const x0 = v128.load32_splat(p0);
        const x1 = v128.load32_splat(p1);
        const x2 = v128.load32_splat(p2);
        const x3 = v128.load32_splat(p3);
        a00 = madd(x0, w0, a00);
        a01 = madd(x0, w1, a01);
        a10 = madd(x1, w0, a10);
        a11 = madd(x1, w1, a11);
        a20 = madd(x2, w0, a20);
        a21 = madd(x2, w1, a21);
        a30 = madd(x3, w0, a30);
        a31 = madd(x3, w1, a31);
        p0 += 4;
        p1 += 4;
        p2 += 4;
        p3 += 4;
        w += 32;
      }
    }
  }
  const o0 = load<usize>(table, 4) + to;
  put(o0, a00, lanes);
  put(o0 + 16, a01, lanes - 4);
  const o1 = load<usize>(table, 12) + to;
  put(o1, a10, lanes);
  put(o1 + 16, a11, lanes - 4);
  const o2 = load<usize>(table, 20) + to;
  put(o2, a20, lanes);
  put(o2 + 16, a21, lanes - 4);
  const o3 = load<usize>(table, 28) + to;
  put(o3, a30, lanes);
  put(o3 + 16, a31, lanes - 4);
}

function tile6x1(
  table: usize,
  from: usize,
  to: usize,
  weights: usize,
  bias: usize,
  lanes: i32,
  tapsZ: i32,
  tapsY: i32,
  stepZ: i32,
  stepY: i32,
  run: i32,
): void {
  const b0 = bias ? v128.load(bias) : f32x4.splat(0);
  let a00 = b0;
  let a10 = b0;
  let a20 = b0;
  let a30 = b0;
  let a40 = b0;
  let a50 = b0;
  let w = weights;
  for (let z = 0; z < tapsZ; z++) {
    for (let y = 0; y < tapsY; y++) {
      const tap: usize = from + z * stepZ + y * stepY;
      let p0 = load<usize>(table, 0) + tap;
      let p1 = load<usize>(table, 8) + tap;
      let p2 = load<usize>(table, 16) + tap;
      let p3 = load<usize>(table, 24) + tap;
      let p4 = load<usize>(table, 32) + tap;
      let p5 = load<usize>(table, 40) + tap;
      const end = p0 + (run << 2);
      while (p0 < end) {
        const w0 = v128.load(w);
        const x0 = v128.load32_splat(p0);
        const x1 = v128.load32_splat(p1);
        const x2 = v128.load32_splat(p2);
        const x3 = v128.load32_splat(p3);
        const x4 = v128.load32_splat(p4);
        const x5 = v128.load32_splat(p5);
        a00 = madd(x0, w0, a00);
        a10 = madd(x1, w0, a10);
        a20 = madd(x2, w0, a20);
        a30 = madd(x3, w0, a30);
        a40 = madd(x4, w0, a40);
        a50 = madd(x5, w0, a50);
        p0 += 4;
        p1 += 4;
        p2 += 4;
        p3 += 4;
        p4 += 4;
        p5 += 4;
        w += 16;
      }
    }
  }
  const o0 = load<usize>(table, 4) + to;
  put(o0, a00, lanes);
  const o1 = load<usize>(table, 12) + to;
  put(o1, a10, lanes);
  const o2 = load<usize>(table, 20) + to;
  put(o2, a20, lanes);
  const o3 = load<usize>(table, 28) + to;
  put(o3, a30, lanes);
  const o4 = load<usize>(table, 36) + to;
  put(o4, a40, lanes);
  const o5 = load<usize>(table, 44) + to;
  put(o5, a50, lanes);
}
