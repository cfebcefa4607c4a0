/** Gaussian blur of a grid, one axis after the other. */
import type { Vector3 } from './vector.ts';
import type { Shape3 } from './volume.ts';

/** Gaussian blur with `sigmaVoxels` along [depth, height, width]; the border value goes on outside. */
export function blurred(data: Float32Array, shape: Shape3, sigmaVoxels: Vector3): Float32Array {
  const [depth, height, width] = shape;
  let out = data;
  out = blurAxis(out, sigmaVoxels[2], width, 1);
  out = blurAxis(out, sigmaVoxels[1], height, width);
  out = blurAxis(out, sigmaVoxels[0], depth, width * height);
  return out === data ? data.slice() : out;
}

function blurAxis(data: Float32Array, sigma: number, length: number, stride: number): Float32Array {
  if (sigma < 0.05) return data;
  const reach = Math.max(1, Math.ceil(3 * sigma));
  const taps = new Float64Array(2 * reach + 1);
  let sum = 0;
  for (let t = -reach; t <= reach; t++) {
    const tap = Math.exp(-0.5 * (t / sigma) ** 2);
    taps[t + reach] = tap;
    sum += tap;
  }
  const out = new Float32Array(data.length);
  const lines = data.length / length;
  // The lines along this axis; neighbours along i are taken together, so that memory is read in order.
  for (let block = 0; block < lines / stride; block++) {
    const first = block * length * stride;
    for (let at = 0; at < length; at++) {
      const from = first + at * stride;
      const isInner = at >= reach && at + reach < length;
      for (let side = 0; side < stride; side++) {
        let total = 0;
        if (isInner) {
          let read = from + side - reach * stride;
          for (let t = 0; t < taps.length; t++, read += stride) {
            total += (taps[t] ?? 0) * (data[read] ?? 0);
          }
        } else {
          for (let t = -reach; t <= reach; t++) {
            const near = Math.min(length - 1, Math.max(0, at + t));
            total += (taps[t + reach] ?? 0) * (data[first + near * stride + side] ?? 0);
          }
        }
        out[from + side] = total / sum;
      }
    }
  }
  return out;
}
