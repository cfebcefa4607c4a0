/**
 * The transforms of F(4, 3) along one line, four channels at a time, with the points 0, ±a, ±b and infinity for
 * a = 3/4, b = 3/2: rounding errors are half of those with the usual 0, ±1, ±2 (Alam et al. 2022). Each reads its
 * vectors `fromStep` bytes apart and writes them `toStep` bytes apart.
 */
import { madd, nmadd } from './vector-math';

const A: f32 = 0.75;
const B: f32 = 1.5;
/** Squares of the points, their sum and product, and the points' Lagrange denominators. */
const A2: f32 = A * A;
const B2: f32 = B * B;
const SUM: f32 = A2 + B2;
const PRODUCT: f32 = A2 * B2;
const OVER_A: f32 = 1 / (2 * A2 * (A2 - B2));
const OVER_B: f32 = 1 / (2 * B2 * (B2 - A2));

/** Bᵀ: six values of the input → six. */
// @ts-ignore: decorator
@inline
export function inputLine(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const a2 = f32x4.splat(A2);
  const b2 = f32x4.splat(B2);
  const d1 = v128.load(from + fromStep);
  const d2 = v128.load(from + 2 * fromStep);
  const d3 = v128.load(from + 3 * fromStep);
  const d4 = v128.load(from + 4 * fromStep);
  const evenA = nmadd(b2, d2, d4);
  const oddA = f32x4.mul(f32x4.splat(A), nmadd(b2, d1, d3));
  v128.store(to + toStep, f32x4.add(evenA, oddA));
  v128.store(to + 2 * toStep, f32x4.sub(evenA, oddA));
  const evenB = nmadd(a2, d2, d4);
  const oddB = f32x4.mul(f32x4.splat(B), nmadd(a2, d1, d3));
  v128.store(to + 3 * toStep, f32x4.add(evenB, oddB));
  v128.store(to + 4 * toStep, f32x4.sub(evenB, oddB));
  const product = f32x4.splat(PRODUCT);
  const sum = f32x4.splat(SUM);
  const first = madd(product, v128.load(from), d4);
  v128.store(to, nmadd(sum, d2, first));
  const last = madd(product, d1, v128.load(from + 5 * fromStep));
  v128.store(to + 5 * toStep, nmadd(sum, d3, last));
}

/** Aᵀ: six products → four outputs, each plus `base`. */
// @ts-ignore: decorator
@inline
export function outputLine(
  from: usize,
  fromStep: usize,
  to: usize,
  toStep: usize,
  base: v128,
): void {
  const a2 = f32x4.splat(A2);
  const b2 = f32x4.splat(B2);
  const m1 = v128.load(from + fromStep);
  const m2 = v128.load(from + 2 * fromStep);
  const m3 = v128.load(from + 3 * fromStep);
  const m4 = v128.load(from + 4 * fromStep);
  const evenA = f32x4.add(m1, m2);
  const evenB = f32x4.add(m3, m4);
  const first = f32x4.add(v128.load(from), f32x4.add(evenA, evenB));
  v128.store(to, f32x4.add(first, base));
  const third = madd(evenA, a2, f32x4.mul(evenB, b2));
  v128.store(to + 2 * toStep, f32x4.add(third, base));
  const oddA = f32x4.mul(f32x4.sub(m1, m2), f32x4.splat(A));
  const oddB = f32x4.mul(f32x4.sub(m3, m4), f32x4.splat(B));
  v128.store(to + toStep, f32x4.add(f32x4.add(oddA, oddB), base));
  const last = madd(oddB, b2, v128.load(from + 5 * fromStep));
  v128.store(to + 3 * toStep, f32x4.add(madd(oddA, a2, last), base));
}

/** A: four gradients of outputs → six. */
// @ts-ignore: decorator
@inline
export function gradientLine(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const a2 = f32x4.splat(A2);
  const b2 = f32x4.splat(B2);
  const y0 = v128.load(from);
  const y1 = v128.load(from + fromStep);
  const y2 = v128.load(from + 2 * fromStep);
  const y3 = v128.load(from + 3 * fromStep);
  v128.store(to, y0);
  v128.store(to + 5 * toStep, y3);
  const evenA = madd(a2, y2, y0);
  const oddA = f32x4.mul(f32x4.splat(A), madd(a2, y3, y1));
  v128.store(to + toStep, f32x4.add(evenA, oddA));
  v128.store(to + 2 * toStep, f32x4.sub(evenA, oddA));
  const evenB = madd(b2, y2, y0);
  const oddB = f32x4.mul(f32x4.splat(B), madd(b2, y3, y1));
  v128.store(to + 3 * toStep, f32x4.add(evenB, oddB));
  v128.store(to + 4 * toStep, f32x4.sub(evenB, oddB));
}

/** G: three weights → six. */
// @ts-ignore: decorator
@inline
export function filterLine(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const g0 = v128.load(from);
  const g1 = v128.load(from + fromStep);
  const g2 = v128.load(from + 2 * fromStep);
  v128.store(to, f32x4.mul(g0, f32x4.splat(1 / PRODUCT)));
  const overA = f32x4.splat(OVER_A);
  const evenA = f32x4.mul(overA, madd(f32x4.splat(A2), g2, g0));
  const oddA = f32x4.mul(overA, f32x4.mul(f32x4.splat(A), g1));
  v128.store(to + toStep, f32x4.add(evenA, oddA));
  v128.store(to + 2 * toStep, f32x4.sub(evenA, oddA));
  const overB = f32x4.splat(OVER_B);
  const evenB = f32x4.mul(overB, madd(f32x4.splat(B2), g2, g0));
  const oddB = f32x4.mul(overB, f32x4.mul(f32x4.splat(B), g1));
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
  const overA = f32x4.splat(OVER_A);
  const overB = f32x4.splat(OVER_B);
  const evenA = f32x4.mul(overA, f32x4.add(s1, s2));
  const evenB = f32x4.mul(overB, f32x4.add(s3, s4));
  const first = f32x4.mul(v128.load(from), f32x4.splat(1 / PRODUCT));
  v128.store(to, f32x4.add(first, f32x4.add(evenA, evenB)));
  const oddA = f32x4.mul(f32x4.mul(overA, f32x4.splat(A)), f32x4.sub(s1, s2));
  const oddB = f32x4.mul(f32x4.mul(overB, f32x4.splat(B)), f32x4.sub(s3, s4));
  v128.store(to + toStep, f32x4.add(oddA, oddB));
  const third = madd(evenA, f32x4.splat(A2), v128.load(from + 5 * fromStep));
  v128.store(to + 2 * toStep, madd(evenB, f32x4.splat(B2), third));
}
