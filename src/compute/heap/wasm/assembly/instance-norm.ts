/**
 * Instance norm fused with leaky ReLU, over `[batch, voxels, channels]`:
 *
 *   y = act(d · gamma · rstd + beta),  d = x - mean,  act(u) = u > 0 ? u : slope · u
 *
 * Long sums run in blocks of float32 that are added up in float64. Per-channel tables are padded to whole
 * vectors, so that channels past the last are computed from whatever follows and never stored.
 */
import { addToDoubles, madd, put } from './vector-math';

const BLOCK: i32 = 64;

/**
 * Mean and 1 / sqrt(variance + eps) in two passes, of the channels `first` ≤ c < `last`, both multiples of 4.
 *
 * @param stats `[batch][2][channels]`: mean, rstd
 * @param scratch per 4 channels: 4 doubles, 4 floats
 */
export function instanceMoments(
  x: usize,
  stats: usize,
  scratch: usize,
  batch: i32,
  voxels: i32,
  channels: i32,
  eps: f32,
  first: i32,
  last: i32,
): void {
  const padded = (channels + 3) & ~3;
  const row = channels * 4;
  const means = scratch + padded * 8;
  for (let b = 0; b < batch; b++) {
    memory.fill(scratch + first * 8, 0, (last - first) * 8);
    memory.fill(means + first * 4, 0, (last - first) * 4);
    for (let pass = 0; pass < 2; pass++) {
      let at = x;
      for (let v = 0; v < voxels; v += BLOCK) {
        const end = at + min(BLOCK, voxels - v) * row;
        for (let c = first; c < last; c += 4) {
          if (pass == 0) addToDoubles(scratch + c * 8, blockSum(at + c * 4, end, row));
          else {
            const mean = v128.load(means + c * 4);
            addToDoubles(scratch + c * 8, blockSquares(at + c * 4, end, row, mean));
          }
        }
        at = end;
      }
      for (let c = first; c < min(last, channels); c++) {
        const moment = load<f64>(scratch + c * 8) / voxels;
        if (pass == 0) {
          store<f32>(means + c * 4, moment as f32);
          store<f32>(stats + c * 4, moment as f32);
        } else {
          store<f32>(stats + row + c * 4, (1 / sqrt<f64>(moment + eps)) as f32);
        }
      }
      memory.fill(scratch + first * 8, 0, (last - first) * 8);
    }
    x += voxels * row;
    stats += 2 * row;
  }
}

function blockSum(p: usize, end: usize, row: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  for (; p + row < end; p += 2 * row) {
    s0 = f32x4.add(s0, v128.load(p));
    s1 = f32x4.add(s1, v128.load(p + row));
  }
  if (p < end) s0 = f32x4.add(s0, v128.load(p));
  return f32x4.add(s0, s1);
}

function blockSquares(p: usize, end: usize, row: i32, mean: v128): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  for (; p + row < end; p += 2 * row) {
    const d0 = f32x4.sub(v128.load(p), mean);
    const d1 = f32x4.sub(v128.load(p + row), mean);
    s0 = madd(d0, d0, s0);
    s1 = madd(d1, d1, s1);
  }
  if (p < end) {
    const d = f32x4.sub(v128.load(p), mean);
    s0 = madd(d, d, s0);
  }
  return f32x4.add(s0, s1);
}

/** @param scratch 3 floats per channel, channels rounded up to 4: mean, gamma · rstd, beta */
export function instanceNorm(
  x: usize,
  stats: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  scratch: usize,
  batch: i32,
  voxels: i32,
  channels: i32,
  slope: f32,
): void {
  const padded = (channels + 3) & ~3;
  const row = channels * 4;
  const table = padded * 4;
  const slopes = f32x4.splat(slope);
  for (let b = 0; b < batch; b++) {
    affine(stats, gamma, beta, scratch, channels, table, 0, channels);
    for (let v = 0; v < voxels; v += BLOCK) {
      const end = x + min(BLOCK, voxels - v) * row;
      for (let c = 0; c < channels; c += 4) {
        const mean = v128.load(scratch + c * 4);
        const scale = v128.load(scratch + table + c * 4);
        const shift = v128.load(scratch + 2 * table + c * 4);
        let to = y + c * 4;
        const lanes = channels - c;
        for (let p = x + c * 4; p < end; p += row, to += row) {
          const u = madd(f32x4.sub(v128.load(p), mean), scale, shift);
          const below = f32x4.mul(u, slopes);
          put(to, v128.bitselect(u, below, f32x4.gt(u, f32x4.splat(0))), lanes);
        }
      }
      y += end - x;
      x = end;
    }
    stats += 2 * row;
  }
}

/** Tables of mean, gamma · rstd and beta for one sample. */
function affine(
  stats: usize,
  gamma: usize,
  beta: usize,
  to: usize,
  channels: i32,
  table: i32,
  first: i32,
  last: i32,
): void {
  for (let c = first; c < last; c++) {
    const at = to + c * 4;
    store<f32>(at, load<f32>(stats + c * 4));
    store<f32>(at + table, load<f32>(stats + (channels + c) * 4) * load<f32>(gamma + c * 4));
    store<f32>(at + 2 * table, load<f32>(beta + c * 4));
  }
}

/**
 * The sums of the gradient of one sample, of the channels `first` ≤ c < `last`, both multiples of 4. With
 * g = dy · act'(u): adds Σ g to dbeta and Σ g · d · rstd to dgamma, and leaves the tables of `instanceNormSpread`.
 *
 * @param scratch per 4 channels: 8 doubles, then 5 tables of 4 floats
 */
export function instanceNormSums(
  x: usize,
  dy: usize,
  stats: usize,
  gamma: usize,
  beta: usize,
  dgamma: usize,
  dbeta: usize,
  scratch: usize,
  voxels: i32,
  channels: i32,
  slope: f32,
  first: i32,
  last: i32,
): void {
  const padded = (channels + 3) & ~3;
  const row = channels * 4;
  const table = padded * 4;
  const tables = scratch + padded * 16;
  const slopes = f32x4.splat(slope);
  const one = f32x4.splat(1);
  const used = min(last, channels);
  memory.fill(scratch + first * 16, 0, (last - first) * 16);
  affine(stats, gamma, beta, tables, channels, table, first, used);
  for (let v = 0; v < voxels; v += BLOCK) {
    const end = x + min(BLOCK, voxels - v) * row;
    for (let c = first; c < last; c += 4) {
      const mean = v128.load(tables + c * 4);
      const scale = v128.load(tables + table + c * 4);
      const shift = v128.load(tables + 2 * table + c * 4);
      let g1 = f32x4.splat(0);
      let g2 = f32x4.splat(0);
      let k = dy + c * 4;
      for (let i = x + c * 4; i < end; i += row, k += row) {
        const d = f32x4.sub(v128.load(i), mean);
        const positive = f32x4.gt(madd(d, scale, shift), f32x4.splat(0));
        const g = f32x4.mul(v128.load(k), v128.bitselect(one, slopes, positive));
        g1 = f32x4.add(g1, g);
        g2 = madd(g, d, g2);
      }
      addToDoubles(scratch + c * 16, g1);
      addToDoubles(scratch + c * 16 + 32, g2);
    }
    dy += end - x;
    x = end;
  }
  for (let c = first; c < used; c++) {
    const sums = scratch + (c >> 2) * 64 + (c & 3) * 8;
    const g1 = load<f64>(sums);
    const g2 = load<f64>(sums + 32);
    const rstd = load<f32>(stats + row + c * 4) as f64;
    const scale = load<f32>(tables + table + c * 4) as f64;
    store<f32>(tables + 3 * table + c * 4, ((-scale * rstd * rstd * g2) / voxels) as f32);
    store<f32>(tables + 4 * table + c * 4, ((-scale * g1) / voxels) as f32);
    store<f32>(dgamma + c * 4, load<f32>(dgamma + c * 4) + ((g2 * rstd) as f32));
    store<f32>(dbeta + c * 4, load<f32>(dbeta + c * 4) + (g1 as f32));
  }
}

/**
 * dx = gamma · rstd · (g - mean(g) - d · rstd² · mean(g · d)) at `voxels` voxels of a sample, from the tables that
 * `instanceNormSums` left in its scratch.
 */
export function instanceNormSpread(
  x: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  voxels: i32,
  channels: i32,
  slope: f32,
): void {
  const padded = (channels + 3) & ~3;
  const row = channels * 4;
  const table = padded * 4;
  const tables = scratch + padded * 16;
  const slopes = f32x4.splat(slope);
  const one = f32x4.splat(1);
  for (let v = 0; v < voxels; v += BLOCK) {
    const end = x + min(BLOCK, voxels - v) * row;
    for (let c = 0; c < channels; c += 4) {
      const mean = v128.load(tables + c * 4);
      const scale = v128.load(tables + table + c * 4);
      const shift = v128.load(tables + 2 * table + c * 4);
      const tilt = v128.load(tables + 3 * table + c * 4);
      const lift = v128.load(tables + 4 * table + c * 4);
      const lanes = channels - c;
      let k = c * 4;
      for (let i = x + c * 4; i < end; i += row, k += row) {
        const d = f32x4.sub(v128.load(i), mean);
        const positive = f32x4.gt(madd(d, scale, shift), f32x4.splat(0));
        const g = f32x4.mul(v128.load(dy + k), v128.bitselect(one, slopes, positive));
        put(dx + k, madd(g, scale, madd(d, tilt, lift)), lanes);
      }
    }
    dy += end - x;
    dx += end - x;
    x = end;
  }
}

/** `y = x > 0 ? x : slope · x` over `count` floats; as its own gradient with `x` the input and `g` the dy. */
export function leakyRelu(x: usize, g: usize, y: usize, count: i32, slope: f32): void {
  const slopes = f32x4.splat(slope);
  for (let i = 0; i < count; i += 4) {
    const value = v128.load(g + i * 4);
    const positive = f32x4.gt(v128.load(x + i * 4), f32x4.splat(0));
    put(y + i * 4, v128.bitselect(value, f32x4.mul(value, slopes), positive), count - i);
  }
}
