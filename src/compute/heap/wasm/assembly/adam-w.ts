/**
 * AdamW (Loshchilov & Hutter 2019) in place:
 *
 *   m = β1·m + (1 - β1)·g,  v = β2·v + (1 - β2)·g²,
 *   p = p·shrink - rate · m / (sqrt(v)·correction + eps)
 *
 * with shrink = 1 - lr·weightDecay, rate = lr / (1 - β1^step), correction = 1 / sqrt(1 - β2^step).
 */
import { put } from './vector-math';

export function adamW(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  count: i32,
  beta1: f32,
  beta2: f32,
  rest1: f32,
  rest2: f32,
  eps: f32,
  shrink: f32,
  rate: f32,
  correction: f32,
): void {
  for (let i: usize = 0, end: usize = count * 4; i < end; i += 16) {
    const lanes = ((end - i) >> 2) as i32;
    const gradient = v128.load(g + i);
    const m1 = f32x4.add(
      f32x4.mul(v128.load(m + i), f32x4.splat(beta1)),
      f32x4.mul(gradient, f32x4.splat(rest1)),
    );
    const v1 = f32x4.add(
      f32x4.mul(v128.load(v + i), f32x4.splat(beta2)),
      f32x4.mul(f32x4.mul(gradient, gradient), f32x4.splat(rest2)),
    );
    const deviation = f32x4.add(
      f32x4.mul(f32x4.sqrt(v1), f32x4.splat(correction)),
      f32x4.splat(eps),
    );
    const move = f32x4.div(f32x4.mul(m1, f32x4.splat(rate)), deviation);
    put(p + i, f32x4.sub(f32x4.mul(v128.load(p + i), f32x4.splat(shrink)), move), lanes);
    put(m + i, m1, lanes);
    put(v + i, v1, lanes);
  }
}
