/**
 * The transforms of F(4, 3) along one line, four channels at a time, with the points 0, ±1, ±2 and infinity. Each reads
 * its vectors `fromStep` bytes apart and writes them `toStep` bytes apart.
 */
import { put } from './vector-math';

/** Bᵀ: six values of the input → six, of which the first `lanes` channels are stored. */
// @ts-ignore: decorator
@inline
export function inputLine(from: usize, fromStep: usize, to: usize, toStep: usize, lanes: i32): void {
  const four = f32x4.splat(4);
  const d0 = v128.load(from);
  const d1 = v128.load(from + fromStep);
  const d2 = v128.load(from + 2 * fromStep);
  const d3 = v128.load(from + 3 * fromStep);
  const d4 = v128.load(from + 4 * fromStep);
  const d5 = v128.load(from + 5 * fromStep);
  const even = f32x4.relaxed_nmadd(four, d2, d4);
  const odd = f32x4.relaxed_nmadd(four, d1, d3);
  const rise = f32x4.sub(d4, d2);
  const slope = f32x4.sub(d3, d1);
  const twice = f32x4.add(slope, slope);
  put(to, f32x4.relaxed_madd(four, f32x4.sub(d0, d2), rise), lanes);
  put(to + toStep, f32x4.add(even, odd), lanes);
  put(to + 2 * toStep, f32x4.sub(even, odd), lanes);
  put(to + 3 * toStep, f32x4.add(rise, twice), lanes);
  put(to + 4 * toStep, f32x4.sub(rise, twice), lanes);
  put(to + 5 * toStep, f32x4.relaxed_nmadd(four, slope, f32x4.sub(d5, d3)), lanes);
}

/** Aᵀ: six products → four outputs, each plus `base`. */
// @ts-ignore: decorator
@inline
export function outputLine(from: usize, fromStep: usize, to: usize, toStep: usize, base: v128): void {
  const m0 = f32x4.add(v128.load(from), base);
  const m1 = v128.load(from + fromStep);
  const m2 = v128.load(from + 2 * fromStep);
  const m3 = v128.load(from + 3 * fromStep);
  const m4 = v128.load(from + 4 * fromStep);
  const m5 = f32x4.add(v128.load(from + 5 * fromStep), base);
  const sum12 = f32x4.add(m1, m2);
  const sum34 = f32x4.add(m3, m4);
  const less12 = f32x4.add(f32x4.sub(m1, m2), base);
  const less34 = f32x4.sub(m3, m4);
  v128.store(to, f32x4.add(m0, f32x4.add(sum12, sum34)));
  v128.store(to + toStep, f32x4.relaxed_madd(f32x4.splat(2), less34, less12));
  v128.store(to + 2 * toStep, f32x4.relaxed_madd(f32x4.splat(4), sum34, f32x4.add(sum12, base)));
  v128.store(
    to + 3 * toStep,
    f32x4.relaxed_madd(f32x4.splat(8), less34, f32x4.add(f32x4.sub(m1, m2), m5)),
  );
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
  const y0 = v128.load(from);
  const y1 = v128.load(from + fromStep);
  const y2 = v128.load(from + 2 * fromStep);
  const y3 = v128.load(from + 3 * fromStep);
  const even = f32x4.add(y0, y2);
  const odd = f32x4.add(y1, y3);
  const evenFar = f32x4.relaxed_madd(f32x4.splat(4), y2, y0);
  const oddFar = f32x4.mul(f32x4.splat(2), f32x4.relaxed_madd(f32x4.splat(4), y3, y1));
  put(to, y0, lanes);
  put(to + toStep, f32x4.add(even, odd), lanes);
  put(to + 2 * toStep, f32x4.sub(even, odd), lanes);
  put(to + 3 * toStep, f32x4.add(evenFar, oddFar), lanes);
  put(to + 4 * toStep, f32x4.sub(evenFar, oddFar), lanes);
  put(to + 5 * toStep, y3, lanes);
}

/** G: three weights → six. */
// @ts-ignore: decorator
@inline
export function filterLine(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const g0 = v128.load(from);
  const g1 = v128.load(from + fromStep);
  const g2 = v128.load(from + 2 * fromStep);
  const sixth = f32x4.splat(1.0 / 6);
  const near = f32x4.mul(f32x4.add(g0, g2), sixth);
  const middle = f32x4.mul(g1, sixth);
  const far = f32x4.relaxed_madd(g0, f32x4.splat(1.0 / 24), f32x4.mul(g2, sixth));
  const half = f32x4.mul(g1, f32x4.splat(1.0 / 12));
  v128.store(to, f32x4.mul(g0, f32x4.splat(0.25)));
  v128.store(to + toStep, f32x4.neg(f32x4.add(near, middle)));
  v128.store(to + 2 * toStep, f32x4.sub(middle, near));
  v128.store(to + 3 * toStep, f32x4.add(far, half));
  v128.store(to + 4 * toStep, f32x4.sub(far, half));
  v128.store(to + 5 * toStep, g2);
}

/** Gᵀ: six sums → the gradients of three weights. */
// @ts-ignore: decorator
@inline
export function sumLine(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const s0 = v128.load(from);
  const s1 = v128.load(from + fromStep);
  const s2 = v128.load(from + 2 * fromStep);
  const s3 = v128.load(from + 3 * fromStep);
  const s4 = v128.load(from + 4 * fromStep);
  const s5 = v128.load(from + 5 * fromStep);
  const sixth = f32x4.splat(1.0 / 6);
  const near = f32x4.mul(f32x4.add(s1, s2), sixth);
  const far = f32x4.add(s3, s4);
  const quarter = f32x4.relaxed_madd(s0, f32x4.splat(0.25), f32x4.mul(far, f32x4.splat(1.0 / 24)));
  v128.store(to, f32x4.sub(quarter, near));
  const tilt = f32x4.mul(f32x4.sub(s2, s1), sixth);
  const half = f32x4.splat(1.0 / 12);
  v128.store(to + toStep, f32x4.relaxed_madd(f32x4.sub(s3, s4), half, tilt));
  v128.store(to + 2 * toStep, f32x4.sub(f32x4.relaxed_madd(far, sixth, s5), near));
}
