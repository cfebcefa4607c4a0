/**
 * Stochastic gradient descent with Nesterov momentum in place, in PyTorch's order:
 *
 *   d = g + decay·p,  v = momentum·v + d,  p = p - lr·(d + momentum·v)
 */
import { put } from './vector-math';

export function sgd(
  p: usize,
  g: usize,
  v: usize,
  count: i32,
  lr: f32,
  momentum: f32,
  decay: f32,
): void {
  const keep = f32x4.splat(momentum);
  for (let i: usize = 0, end: usize = count * 4; i < end; i += 16) {
    const lanes = ((end - i) >> 2) as i32;
    const parameter = v128.load(p + i);
    const down = f32x4.add(v128.load(g + i), f32x4.mul(parameter, f32x4.splat(decay)));
    const velocity = f32x4.add(f32x4.mul(v128.load(v + i), keep), down);
    const ahead = f32x4.add(down, f32x4.mul(velocity, keep));
    put(p + i, f32x4.sub(parameter, f32x4.mul(ahead, f32x4.splat(lr))), lanes);
    put(v + i, velocity, lanes);
  }
}
