/** What a transformer needs beside products and attention: layer norm, GELU, windows, bias tables. */
import { copy } from './layout';
import { exp4, laneMask, madd, put, sum4 } from './vector-math';

/** `[rows, c]`: `(x - mean) · rstd · gamma + beta` per row. `stats` is `[rows][2]`: mean, rstd. */
export function layerNorm(
  x: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  stats: usize,
  rows: i32,
  channels: i32,
  eps: f32,
): void {
  const row = channels * 4;
  for (let r = 0; r < rows; r++, x += row, y += row, stats += 8) {
    let sum = f32x4.splat(0);
    for (let c = 0; c < channels; c += 4) {
      sum = f32x4.add(sum, v128.and(v128.load(x + c * 4), laneMask(channels - c)));
    }
    const mean = sum4(sum) / (channels as f32);
    const means = f32x4.splat(mean);
    let squares = f32x4.splat(0);
    for (let c = 0; c < channels; c += 4) {
      const d = v128.and(f32x4.sub(v128.load(x + c * 4), means), laneMask(channels - c));
      squares = f32x4.add(squares, f32x4.mul(d, d));
    }
    const rstd: f32 = 1 / sqrt<f32>(sum4(squares) / (channels as f32) + eps);
    const scale = f32x4.splat(rstd);
    for (let c = 0; c < channels; c += 4) {
      const unit = f32x4.mul(f32x4.sub(v128.load(x + c * 4), means), scale);
      const value = f32x4.add(
        f32x4.mul(unit, v128.load(gamma + c * 4)),
        v128.load(beta + c * 4),
      );
      put(y + c * 4, value, channels - c);
    }
    store<f32>(stats, mean);
    store<f32>(stats, rstd, 4);
  }
}

/**
 * With u = dy·gamma and x̂ the normalised row: dx = rstd · (u - mean(u) - x̂·mean(u·x̂)), dgamma = Σ dy·x̂,
 * dbeta = Σ dy.
 *
 * @param scratch 2 floats per channel, rounded up to 4
 */
export function layerNormGradient(
  x: usize,
  dy: usize,
  stats: usize,
  gamma: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  scratch: usize,
  rows: i32,
  channels: i32,
): void {
  const row = channels * 4;
  const padded = ((channels + 3) & ~3) * 4;
  memory.fill(dgamma, 0, row);
  memory.fill(dbeta, 0, row);
  memory.fill(scratch, 0, 2 * padded);
  for (let r = 0; r < rows; r++, x += row, dy += row, dx += row, stats += 8) {
    const mean = v128.load32_splat(stats);
    const rstd = v128.load32_splat(stats, 4);
    let sum = f32x4.splat(0);
    let tilt = f32x4.splat(0);
    for (let c = 0; c < padded; c += 16) {
      const lanes = laneMask(channels - (c >> 2));
      const unit = v128.and(f32x4.mul(f32x4.sub(v128.load(x + c), mean), rstd), lanes);
      const g = v128.and(v128.load(dy + c), lanes);
      const u = v128.and(f32x4.mul(g, v128.load(gamma + c)), lanes);
      const to = scratch + c;
      sum = f32x4.add(sum, u);
      tilt = f32x4.add(tilt, f32x4.mul(u, unit));
      v128.store(to, f32x4.add(v128.load(to), f32x4.mul(g, unit)));
      v128.store(to + padded, f32x4.add(v128.load(to + padded), g));
    }
    const share: f32 = 1 / (channels as f32);
    const a = f32x4.splat(sum4(sum) * share);
    const b = f32x4.splat(sum4(tilt) * share);
    for (let c = 0; c < channels; c += 4) {
      const unit = f32x4.mul(f32x4.sub(v128.load(x + c * 4), mean), rstd);
      const u = f32x4.mul(v128.load(dy + c * 4), v128.load(gamma + c * 4));
      const value = f32x4.mul(f32x4.sub(f32x4.sub(u, a), f32x4.mul(unit, b)), rstd);
      put(dx + c * 4, value, channels - c);
    }
    // Sums run in blocks of rows, so that long ones stay exact to rounding.
    if ((r & 255) == 255 || r + 1 == rows) {
      for (let c = 0; c < channels; c++) {
        const k = c * 4;
        store<f32>(dgamma + k, load<f32>(dgamma + k) + load<f32>(scratch + k));
        store<f32>(dbeta + k, load<f32>(dbeta + k) + load<f32>(scratch + padded + k));
      }
      memory.fill(scratch, 0, 2 * padded);
    }
  }
}

/**
 * `x/2 · (1 + erf(x/√2))`, or, given `dy`, its gradient `dy · (Φ(x) + x·φ(x))`. erf by Abramowitz & Stegun
 * 7.1.26, absolute error below 1.5e-7; its exponential is φ's.
 */
export function gelu(x: usize, dy: usize, y: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (let i = 0; i < count; i += 4) {
    const value = v128.load(x + i * 4);
    const z = f32x4.mul(f32x4.abs(value), f32x4.splat(0.7071067811865476));
    const t = f32x4.div(one, madd(z, f32x4.splat(0.3275911), one));
    let poly = madd(t, f32x4.splat(1.061405429), f32x4.splat(-1.453152027));
    poly = madd(poly, t, f32x4.splat(1.421413741));
    poly = madd(poly, t, f32x4.splat(-0.284496736));
    poly = madd(poly, t, f32x4.splat(0.254829592));
    const bell = exp4(f32x4.neg(f32x4.mul(z, z)));
    // Upper tail of |x|: 1 - Φ(|x|).
    const tail = f32x4.mul(f32x4.splat(0.5), f32x4.mul(f32x4.mul(poly, t), bell));
    const positive = f32x4.gt(value, f32x4.splat(0));
    const cdf = v128.bitselect(f32x4.sub(one, tail), tail, positive);
    let result = f32x4.mul(value, cdf);
    if (dy) {
      const density = f32x4.mul(bell, f32x4.splat(0.3989422804014327));
      const slope = madd(value, density, cdf);
      result = f32x4.mul(v128.load(dy + i * 4), slope);
    }
    put(y + i * 4, result, count - i);
  }
}

/**
 * Copies voxels between a grid and its windows: pad with zeros, roll by -shift, cut. `reverse` copies back.
 *
 * Words of `params`: grid, windows, reverse, b, d, h, w, c, then window z, y, x and shift z, y, x.
 */
export function windows(params: usize): void {
  const grid = load<usize>(params, 0);
  let at = load<usize>(params, 4);
  const reverse = load<i32>(params, 8);
  const batch = load<i32>(params, 12);
  const depth = load<i32>(params, 16);
  const height = load<i32>(params, 20);
  const width = load<i32>(params, 24);
  const bytes = load<i32>(params, 28) * 4;
  const wz = load<i32>(params, 32);
  const wy = load<i32>(params, 36);
  const wx = load<i32>(params, 40);
  const pz = ((depth + wz - 1) / wz) * wz;
  const py = ((height + wy - 1) / wy) * wy;
  const px = ((width + wx - 1) / wx) * wx;
  const sz = load<i32>(params, 44);
  const sy = load<i32>(params, 48);
  const sx = load<i32>(params, 52);
  for (let b = 0; b < batch; b++) {
    for (let z0 = 0; z0 < pz; z0 += wz) {
      for (let y0 = 0; y0 < py; y0 += wy) {
        for (let x0 = 0; x0 < px; x0 += wx) {
          for (let z = z0; z < z0 + wz; z++) {
            const gz = (z + sz) % pz;
            for (let y = y0; y < y0 + wy; y++) {
              const gy = (y + sy) % py;
              const row = grid + ((b * depth + gz) * height + gy) * width * bytes;
              const inside = gz < depth && gy < height;
              for (let x = x0; x < x0 + wx; x++, at += bytes) {
                const gx = (x + sx) % px;
                const voxel = row + gx * bytes;
                if (inside && gx < width) {
                  if (reverse) copy(at, voxel, bytes);
                  else copy(voxel, at, bytes);
                } else if (!reverse) {
                  memory.fill(at, 0, bytes);
                }
              }
            }
          }
        }
      }
    }
  }
}

/** `[rows, heads]` and int32 indices → `[heads, count]`; an index past the rows reads 0. */
export function gatherBias(
  table: usize,
  index: usize,
  out: usize,
  rows: i32,
  heads: i32,
  count: i32,
): void {
  for (let i = 0; i < count; i++) {
    const row = load<u32>(index + i * 4);
    for (let h = 0; h < heads; h++) {
      const value = row < (rows as u32) ? load<f32>(table + (row * heads + h) * 4) : 0;
      store<f32>(out + (h * count + i) * 4, value);
    }
  }
}

/** `dtable[index[i]][h] = Σ dout[h][i]`, in the order of i. */
export function gatherBiasGradient(
  dout: usize,
  index: usize,
  dtable: usize,
  rows: i32,
  heads: i32,
  count: i32,
): void {
  memory.fill(dtable, 0, rows * heads * 4);
  for (let i = 0; i < count; i++) {
    const row = load<u32>(index + i * 4);
    if (row >= (rows as u32)) continue;
    for (let h = 0; h < heads; h++) {
      const to = dtable + (row * heads + h) * 4;
      store<f32>(to, load<f32>(to) + load<f32>(dout + (h * count + i) * 4));
    }
  }
}
