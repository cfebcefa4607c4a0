/**
 * Cross-entropy plus soft Dice with their gradient, over logits `[samples, voxels, classes]`.
 *
 *   ce   = mean of -log p[label],  p = softmax(logits)
 *   dice = -mean over groups and classes k ≥ 1 of (2·I + smooth) / (P + Y + smooth)
 *
 * with I = Σ p·y, P = Σ p, Y = Σ y over a group: the whole batch or one sample. The gradient of the Dice with
 * respect to p is A·y + B per class, which the second pass takes through the softmax. Each pass may run on parts of a
 * group; what lies between them, on the sums, is the caller's.
 */
import { addToDoubles, exp4, laneMask, max4, put, sum4 } from './vector-math';

const BLOCK: i32 = 64;

/**
 * Writes p, and the sums P, I and Y of these points: 4 doubles each per 4 classes, then Σ -log p[label].
 *
 * @param labels int32; a label outside the classes counts for none
 * @param scratch 3 floats per class, classes rounded up to 4
 */
export function lossSums(
  x: usize,
  labels: usize,
  p: usize,
  scratch: usize,
  sums: usize,
  points: i32,
  classes: i32,
): void {
  const padded = (classes + 3) & ~3;
  const row = classes * 4;
  let loss: f64 = 0;
  memory.fill(sums, 0, padded * 24);
  for (let at = 0; at < points; at += BLOCK) {
    memory.fill(scratch, 0, padded * 12);
    const count = min(BLOCK, points - at);
    // The logarithm of the product of a block's sums is the sum of its logarithms: one instead of 64.
    let product: f64 = 1;
    for (let i = 0; i < count; i++, x += row, p += row, labels += 4) {
      const label = load<i32>(labels);
      let top = f32x4.splat(-Infinity);
      for (let c = 0; c < classes; c += 4) {
        const value = v128.bitselect(v128.load(x + c * 4), top, laneMask(classes - c));
        top = f32x4.pmax(top, value);
      }
      const highest = f32x4.splat(max4(top));
      let sum = f32x4.splat(0);
      let chosen = f32x4.splat(0);
      for (let c = 0; c < classes; c += 4) {
        const shifted = f32x4.sub(v128.load(x + c * 4), highest);
        const e = v128.and(exp4(shifted), laneMask(classes - c));
        sum = f32x4.add(sum, e);
        const inside = v128.and(isLabel(label, c), laneMask(classes - c));
        chosen = f32x4.add(chosen, v128.and(shifted, inside));
        put(p + c * 4, e, classes - c);
      }
      const whole = sum4(sum);
      product *= whole as f64;
      loss -= sum4(chosen) as f64;
      const inverse = f32x4.splat(1 / whole);
      for (let c = 0; c < classes; c += 4) {
        const value = f32x4.mul(v128.load(p + c * 4), inverse);
        const hit = isLabel(label, c);
        const to = scratch + c * 12;
        put(p + c * 4, value, classes - c);
        v128.store(to, f32x4.add(v128.load(to), value));
        v128.store(to + 16, f32x4.add(v128.load(to + 16), v128.and(value, hit)));
        v128.store(to + 32, f32x4.add(v128.load(to + 32), v128.and(f32x4.splat(1), hit)));
      }
    }
    for (let c = 0; c < padded * 3; c += 4) {
      addToDoubles(sums + c * 8, v128.load(scratch + c * 4));
    }
    loss += logarithm(product);
  }
  store<f64>(sums + padded * 24, loss);
}

/** p → q - p·Σq + (p - y)·weight with q = p·(A·y + B), in place; tables of A and B, classes rounded up to 4. */
export function lossSpread(
  labels: usize,
  p: usize,
  tables: usize,
  points: i32,
  classes: i32,
  weight: f32,
): void {
  const padded = (classes + 3) & ~3;
  const row = classes * 4;
  const weights = f32x4.splat(weight);
  for (let i = 0; i < points; i++, p += row, labels += 4) {
    const label = load<i32>(labels);
    let sum = f32x4.splat(0);
    for (let c = 0; c < classes; c += 4) {
      const q = f32x4.mul(v128.load(p + c * 4), slopeOf(tables, c, padded, label));
      sum = f32x4.add(sum, v128.and(q, laneMask(classes - c)));
    }
    const whole = f32x4.splat(sum4(sum));
    for (let c = 0; c < classes; c += 4) {
      const value = v128.load(p + c * 4);
      const dice = f32x4.mul(value, f32x4.sub(slopeOf(tables, c, padded, label), whole));
      const y = v128.and(f32x4.splat(1), isLabel(label, c));
      const entropy = f32x4.mul(f32x4.sub(value, y), weights);
      put(p + c * 4, f32x4.add(dice, entropy), classes - c);
    }
  }
}

// @ts-ignore: decorator
@inline
function slopeOf(tables: usize, c: i32, padded: i32, label: i32): v128 {
  const hit = v128.and(v128.load(tables + c * 4), isLabel(label, c));
  return f32x4.add(hit, v128.load(tables + (padded + c) * 4));
}

// @ts-ignore: decorator
@inline
function isLabel(label: i32, c: i32): v128 {
  return i32x4.eq(i32x4(0, 1, 2, 3), i32x4.splat(label - c));
}

/** Natural logarithm of a normal positive double: exponent apart, then 2·artanh((m - 1) / (m + 1)). */
export function logarithm(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = ((bits >> 52) as i32) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const s = (m - 1) / (m + 1);
  const q = s * s;
  // |s| ≤ 0.172, so the first term left out is below 1e-15.
  let sum = 1.0 / 17;
  for (let n = 15; n >= 1; n -= 2) sum = sum * q + 1.0 / n;
  return 2 * s * sum + exponent * 0.6931471805599453;
}

/** `y = a + b`; `y` may be either. */
export function add(a: usize, b: usize, y: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    put(y + i * 4, f32x4.add(v128.load(a + i * 4), v128.load(b + i * 4)), count - i);
  }
}

/** `y = x · factor[0]`. */
export function scale(x: usize, factor: usize, y: usize, count: i32): void {
  const by = f32x4.splat(load<f32>(factor));
  for (let i = 0; i < count; i += 4) {
    put(y + i * 4, f32x4.mul(v128.load(x + i * 4), by), count - i);
  }
}
