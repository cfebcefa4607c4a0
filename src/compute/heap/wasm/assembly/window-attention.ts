/**
 * Multi-head attention inside windows, with its gradient. Per window and head, with keys in the lanes:
 *
 *   s[i] = (q[i]·scale) · Kᵀ + bias[i] - 100·[region[i] ≠ region],  p = softmax(s),  o[i] = p · V
 *
 * The n × n probabilities are not kept: the gradient makes them again from the saved logarithm of each row's
 * sum (Dao et al. 2022). K and V are transposed into `[depth][keys]`, both rounded up to 4 with zeros.
 *
 * Words of `params`: qkv, bias, regions or 0, output, logsums, scratch, windows, n, heads, depth, groups, scale
 * (float); the gradient's go on with dOutput, dQkv, dBias.
 */
import { exp4, laneMask, madd, max4, put, sum4 } from './vector-math';
import { logarithm } from './cross-entropy-dice';

/** Work items are head · windows + window. */
export function windowAttention(params: usize, start: i32, end: i32): void {
  const windows = load<i32>(params, 24);
  const n = load<i32>(params, 28);
  const heads = load<i32>(params, 32);
  const depth = load<i32>(params, 36);
  const groups = load<i32>(params, 40);
  const scale = load<f32>(params, 44);
  const keys = ((n + 3) & ~3) * 4;
  const depths = (depth + 3) & ~3;
  const channels = heads * depth * 4;
  const kt = load<usize>(params, 20);
  const vt = kt + depths * keys;
  const row = vt + depths * keys;
  const q = row + keys;
  for (let item = start; item < end; item++) {
    const head = item / windows;
    const window = item % windows;
    const from = load<usize>(params, 0) + window * n * 3 * channels + head * depth * 4;
    const bias = load<usize>(params, 4) + head * n * n * 4;
    const all = load<usize>(params, 8);
    const regions: usize = all ? all + (window % groups) * n * 4 : 0;
    const output = load<usize>(params, 12) + window * n * channels + head * depth * 4;
    const logsums = load<usize>(params, 16) + (window * heads + head) * n * 4;
    transposeIn(from + channels, kt, n, depth, 3 * channels, keys);
    transposeIn(from + 2 * channels, vt, n, depth, 3 * channels, keys);
    memory.fill(q, 0, depths * 4);
    for (let i = 0; i < n; i++) {
      copyScaled(from + i * 3 * channels, q, depth, scale);
      const top = logits(q, kt, bias + i * n * 4, regions, i, row, n, depths, keys);
      let sums = f32x4.splat(0);
      const highest = f32x4.splat(top);
      for (let j = 0; j < n; j += 4) {
        const e = v128.and(exp4(f32x4.sub(v128.load(row + j * 4), highest)), laneMask(n - j));
        v128.store(row + j * 4, e);
        sums = f32x4.add(sums, e);
      }
      const sum = sum4(sums);
      store<f32>(logsums + i * 4, top + (logarithm(sum as f64) as f32));
      const to = output + i * channels;
      const inverse: f32 = 1 / sum;
      for (let d = 0; d < depths; d += 4) {
        combine(row, vt + d * keys, keys, inverse, to + d * 4, depth - d);
      }
    }
  }
}

/** Work items as above; dBias adds up over the windows and starts at zero. */
export function windowAttentionGradient(params: usize, start: i32, end: i32): void {
  const windows = load<i32>(params, 24);
  const n = load<i32>(params, 28);
  const heads = load<i32>(params, 32);
  const depth = load<i32>(params, 36);
  const groups = load<i32>(params, 40);
  const scale = load<f32>(params, 44);
  const keys = ((n + 3) & ~3) * 4;
  const depths = (depth + 3) & ~3;
  const channels = heads * depth * 4;
  const kt = load<usize>(params, 20);
  const vt = kt + depths * keys;
  const dkt = vt + depths * keys;
  const dvt = dkt + depths * keys;
  const row = dvt + depths * keys;
  const q = row + keys;
  const go = q + depths * 4;
  const second = go + depths * 4;
  for (let item = start; item < end; item++) {
    const head = item / windows;
    const window = item % windows;
    const inside: usize = window * n * 3 * channels + head * depth * 4;
    const outside: usize = window * n * channels + head * depth * 4;
    const from = load<usize>(params, 0) + inside;
    const bias = load<usize>(params, 4) + head * n * n * 4;
    const all = load<usize>(params, 8);
    const regions: usize = all ? all + (window % groups) * n * 4 : 0;
    const output = load<usize>(params, 12) + outside;
    const logsums = load<usize>(params, 16) + (window * heads + head) * n * 4;
    const dOutput = load<usize>(params, 48) + outside;
    const dFrom = load<usize>(params, 52) + inside;
    const dBias = load<usize>(params, 56) + head * n * n * 4;
    transposeIn(from + channels, kt, n, depth, 3 * channels, keys);
    transposeIn(from + 2 * channels, vt, n, depth, 3 * channels, keys);
    memory.fill(dkt, 0, 2 * depths * keys);
    memory.fill(q, 0, 2 * depths * 4);
    for (let i = 0; i < n; i++) {
      copyScaled(from + i * 3 * channels, q, depth, scale);
      copyScaled(dOutput + i * channels, go, depth, 1);
      // Σ p·dp of the row is dO·O.
      let overlap: f32 = 0;
      for (let d = 0; d < depth; d++) {
        overlap += load<f32>(go + d * 4) * load<f32>(output + i * channels + d * 4);
      }
      logits(q, kt, bias + i * n * 4, regions, i, row, n, depths, keys);
      products(go, vt, second, depths, keys);
      const base = f32x4.splat(load<f32>(logsums + i * 4));
      const lessen = f32x4.splat(overlap);
      const b = dBias + i * n * 4;
      for (let j = 0; j < n; j += 4) {
        const k = j * 4;
        const p = v128.and(exp4(f32x4.sub(v128.load(row + k), base)), laneMask(n - j));
        const ds = f32x4.mul(p, f32x4.sub(v128.load(second + k), lessen));
        v128.store(row + k, p);
        v128.store(second + k, ds);
        put(b + k, f32x4.add(v128.load(b + k), ds), n - j);
      }
      const dq = dFrom + i * 3 * channels;
      for (let d = 0; d < depths; d += 4) {
        combine(second, kt + d * keys, keys, scale, dq + d * 4, depth - d);
        spread(row, go + d * 4, dvt + d * keys, keys);
        spread(second, q + d * 4, dkt + d * keys, keys);
      }
    }
    transposeOut(dkt, dFrom + channels, n, depth, 3 * channels, keys);
    transposeOut(dvt, dFrom + 2 * channels, n, depth, 3 * channels, keys);
  }
}

/** Bytes of scratch that either kernel needs. */
export function windowAttentionScratch(n: i32, depth: i32): i32 {
  const keys = ((n + 3) & ~3) * 4;
  const depths = (depth + 3) & ~3;
  return 4 * depths * keys + 2 * keys + 8 * depths * 4 + 64;
}

/** `[n][depth]` rows → `[depth][keys]` with zeros beyond. */
function transposeIn(from: usize, to: usize, n: i32, depth: i32, step: i32, keys: i32): void {
  memory.fill(to, 0, ((depth + 3) & ~3) * keys);
  for (let j = 0; j < n; j++) {
    for (let d = 0; d < depth; d++) {
      store<f32>(to + d * keys + j * 4, load<f32>(from + j * step + d * 4));
    }
  }
}

function transposeOut(from: usize, to: usize, n: i32, depth: i32, step: i32, keys: i32): void {
  for (let j = 0; j < n; j++) {
    for (let d = 0; d < depth; d++) {
      store<f32>(to + j * step + d * 4, load<f32>(from + d * keys + j * 4));
    }
  }
}

// @ts-ignore: decorator
@inline
function copyScaled(from: usize, to: usize, count: i32, scale: f32): void {
  for (let d = 0; d < count; d++) store<f32>(to + d * 4, load<f32>(from + d * 4) * scale);
}

/** `row = q·Kᵀ + bias`, less 100 where the region is not that of token `i`; returns the largest of the n values. */
function logits(
  q: usize,
  kt: usize,
  bias: usize,
  regions: usize,
  i: i32,
  row: usize,
  n: i32,
  depths: i32,
  keys: i32,
): f32 {
  products(q, kt, row, depths, keys);
  const own = i32x4.splat(regions ? load<i32>(regions + i * 4) : 0);
  const apart = f32x4.splat(-100);
  let top = f32x4.splat(-Infinity);
  for (let j = 0; j < n; j += 4) {
    let s = f32x4.add(v128.load(row + j * 4), v128.load(bias + j * 4));
    if (regions) {
      const differ = i32x4.ne(v128.load(regions + j * 4), own);
      s = f32x4.add(s, v128.and(apart, differ));
    }
    v128.store(row + j * 4, s);
    top = f32x4.pmax(top, v128.bitselect(s, top, laneMask(n - j)));
  }
  return max4(top);
}

/** `row[j] = Σ d a[d] · t[d][j]`. */
function products(a: usize, t: usize, row: usize, depths: i32, keys: i32): void {
  for (let d = 0; d < depths; d += 4) {
    const a0 = v128.load32_splat(a + d * 4);
    const a1 = v128.load32_splat(a + d * 4, 4);
    const a2 = v128.load32_splat(a + d * 4, 8);
    const a3 = v128.load32_splat(a + d * 4, 12);
    const t0 = t + d * keys;
    const t1 = t0 + keys;
    const t2 = t1 + keys;
    const t3 = t2 + keys;
    for (let j = 0; j < keys; j += 16) {
      const before = d == 0 ? f32x4.splat(0) : v128.load(row + j);
      let s = madd(a0, v128.load(t0 + j), before);
      s = madd(a1, v128.load(t1 + j), s);
      s = madd(a2, v128.load(t2 + j), s);
      s = madd(a3, v128.load(t3 + j), s);
      v128.store(row + j, s);
    }
  }
}

/** `to[d] = factor · Σ j row[j] · t[d][j]` for four d. */
function combine(row: usize, t: usize, keys: i32, factor: f32, to: usize, lanes: i32): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const t1 = t + keys;
  const t2 = t1 + keys;
  const t3 = t2 + keys;
  for (let j = 0; j < keys; j += 16) {
    const p = v128.load(row + j);
    s0 = madd(p, v128.load(t + j), s0);
    s1 = madd(p, v128.load(t1 + j), s1);
    s2 = madd(p, v128.load(t2 + j), s2);
    s3 = madd(p, v128.load(t3 + j), s3);
  }
  const sums = f32x4(sum4(s0), sum4(s1), sum4(s2), sum4(s3));
  put(to, f32x4.mul(sums, f32x4.splat(factor)), lanes);
}

/** `t[d][j] += row[j] · a[d]` for four d. */
function spread(row: usize, a: usize, t: usize, keys: i32): void {
  const a0 = v128.load32_splat(a);
  const a1 = v128.load32_splat(a, 4);
  const a2 = v128.load32_splat(a, 8);
  const a3 = v128.load32_splat(a, 12);
  const t1 = t + keys;
  const t2 = t1 + keys;
  const t3 = t2 + keys;
  for (let j = 0; j < keys; j += 16) {
    const p = v128.load(row + j);
    v128.store(t + j, madd(p, a0, v128.load(t + j)));
    v128.store(t1 + j, madd(p, a1, v128.load(t1 + j)));
    v128.store(t2 + j, madd(p, a2, v128.load(t2 + j)));
    v128.store(t3 + j, madd(p, a3, v128.load(t3 + j)));
  }
}
