/**
 * The transforms of F(4, 3) along one line, four channels at a time, with the points 0, ±a, ±b and infinity for
 * a = 1/√2, b = √2: rounding errors are half of those with the usual 0, ±1, ±2 (Alam et al. 2022). Each reads its
 * vectors `fromStep` bytes apart and writes them `toStep` bytes apart.
 */
import { put } from './vector-math';

const A: f32 = 0.7071067811865476;
const B: f32 = 1.4142135623730951;

/** Bᵀ: six values of the input → six, of which the first `lanes` channels are stored. */
// @ts-ignore: decorator
@inline
export function inputLine(from: usize, fromStep: usize, to: usize, toStep: usize, lanes: i32): void {
  const two = f32x4.splat(2);
  const half = f32x4.splat(0.5);
  const d1 = v128.load(from + fromStep);
  const d2 = v128.load(from + 2 * fromStep);
  const d3 = v128.load(from + 3 * fromStep);
  const d4 = v128.load(from + 4 * fromStep);
  const evenA = f32x4.relaxed_nmadd(two, d2, d4);
  const oddA = f32x4.mul(f32x4.splat(A), f32x4.relaxed_nmadd(two, d1, d3));
  put(to + toStep, f32x4.add(evenA, oddA), lanes);
  put(to + 2 * toStep, f32x4.sub(evenA, oddA), lanes);
  const evenB = f32x4.relaxed_nmadd(half, d2, d4);
  const oddB = f32x4.mul(f32x4.splat(B), f32x4.relaxed_nmadd(half, d1, d3));
  put(to + 3 * toStep, f32x4.add(evenB, oddB), lanes);
  put(to + 4 * toStep, f32x4.sub(evenB, oddB), lanes);
  const middle = f32x4.splat(2.5);
  put(to, f32x4.relaxed_nmadd(middle, d2, f32x4.add(v128.load(from), d4)), lanes);
  const d5 = v128.load(from + 5 * fromStep);
  put(to + 5 * toStep, f32x4.relaxed_nmadd(middle, d3, f32x4.add(d1, d5)), lanes);
}

/** Aᵀ: six products → four outputs, each plus `base`, of which the first `lanes` channels are stored. */
// @ts-ignore: decorator
@inline
export function outputLine(
  from: usize,
  fromStep: usize,
  to: usize,
  toStep: usize,
  base: v128,
  lanes: i32,
): void {
  const m1 = v128.load(from + fromStep);
  const m2 = v128.load(from + 2 * fromStep);
  const m3 = v128.load(from + 3 * fromStep);
  const m4 = v128.load(from + 4 * fromStep);
  const evenA = f32x4.add(m1, m2);
  const evenB = f32x4.add(m3, m4);
  const first = f32x4.add(v128.load(from), f32x4.add(evenA, evenB));
  put(to, f32x4.add(first, base), lanes);
  const third = f32x4.relaxed_madd(evenA, f32x4.splat(0.5), f32x4.add(evenB, evenB));
  put(to + 2 * toStep, f32x4.add(third, base), lanes);
  const oddA = f32x4.mul(f32x4.sub(m1, m2), f32x4.splat(A));
  const oddB = f32x4.mul(f32x4.sub(m3, m4), f32x4.splat(B));
  put(to + toStep, f32x4.add(f32x4.add(oddA, oddB), base), lanes);
  const last = f32x4.add(v128.load(from + 5 * fromStep), f32x4.add(oddB, oddB));
  put(to + 3 * toStep, f32x4.add(f32x4.relaxed_madd(oddA, f32x4.splat(0.5), last), base), lanes);
}

/** A: four gradients of outputs → six, of which the first `lanes` channels are stored. */
// @ts-ignore: decorator
@inline
export function gradientLine(
  from: usize,
  fromStep: usize,
  to: usize,
  toStep: usize,
  lanes: i32,
): void {
  const two = f32x4.splat(2);
  const half = f32x4.splat(0.5);
  const y0 = v128.load(from);
  const y1 = v128.load(from + fromStep);
  const y2 = v128.load(from + 2 * fromStep);
  const y3 = v128.load(from + 3 * fromStep);
  put(to, y0, lanes);
  put(to + 5 * toStep, y3, lanes);
  const evenA = f32x4.relaxed_madd(half, y2, y0);
  const oddA = f32x4.mul(f32x4.splat(A), f32x4.relaxed_madd(half, y3, y1));
  put(to + toStep, f32x4.add(evenA, oddA), lanes);
  put(to + 2 * toStep, f32x4.sub(evenA, oddA), lanes);
  const evenB = f32x4.relaxed_madd(two, y2, y0);
  const oddB = f32x4.mul(f32x4.splat(B), f32x4.relaxed_madd(two, y3, y1));
  put(to + 3 * toStep, f32x4.add(evenB, oddB), lanes);
  put(to + 4 * toStep, f32x4.sub(evenB, oddB), lanes);
}

/** G: three weights → six. */
// @ts-ignore: decorator
@inline
export function filterLine(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const g0 = v128.load(from);
  const g1 = v128.load(from + fromStep);
  const g2 = v128.load(from + 2 * fromStep);
  v128.store(to, g0);
  const evenA = f32x4.mul(
    f32x4.splat(-2.0 / 3),
    f32x4.relaxed_madd(f32x4.splat(0.5), g2, g0),
  );
  const oddA = f32x4.mul(f32x4.splat((-2.0 / 3) * 0.7071067811865476), g1);
  v128.store(to + toStep, f32x4.add(evenA, oddA));
  v128.store(to + 2 * toStep, f32x4.sub(evenA, oddA));
  const evenB = f32x4.mul(f32x4.splat(1.0 / 6), f32x4.add(g0, f32x4.add(g2, g2)));
  const oddB = f32x4.mul(f32x4.splat(1.4142135623730951 / 6), g1);
  v128.store(to + 3 * toStep, f32x4.add(evenB, oddB));
  v128.store(to + 4 * toStep, f32x4.sub(evenB, oddB));
  v128.store(to + 5 * toStep, g2);
}

/** Gᵀ: six sums → the gradients of three weights. */
// @ts-ignore: decorator
@inline
export function sumLine(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const s1 = v128.load(from + fromStep);
  const s2 = v128.load(from + 2 * fromStep);
  const s3 = v128.load(from + 3 * fromStep);
  const s4 = v128.load(from + 4 * fromStep);
  const evenA = f32x4.mul(f32x4.splat(1.0 / 3), f32x4.add(s1, s2));
  const evenB = f32x4.mul(f32x4.splat(1.0 / 3), f32x4.add(s3, s4));
  const first = f32x4.sub(v128.load(from), f32x4.add(evenA, evenA));
  v128.store(to, f32x4.relaxed_madd(evenB, f32x4.splat(0.5), first));
  const oddA = f32x4.mul(f32x4.splat((2.0 / 3) * 0.7071067811865476), f32x4.sub(s2, s1));
  const oddB = f32x4.mul(f32x4.splat(1.4142135623730951 / 6), f32x4.sub(s3, s4));
  v128.store(to + toStep, f32x4.add(oddA, oddB));
  v128.store(to + 2 * toStep, f32x4.add(v128.load(from + 5 * fromStep), f32x4.sub(evenB, evenA)));
}
