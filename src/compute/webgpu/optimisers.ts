/** The optimisers' steps on the GPU: they write variables in place. */
import type { Tensor, Variable } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import type { AdamWSettings, SgdSettings } from '../ops/ops.ts';
import { flatGrid, flatIndex, flatWorkgroup, vectorType, widthOf } from './launcher.ts';
import type { GpuLauncher } from './launcher.ts';

/** See `Ops.adamW`. */
export function adamW(
  l: GpuLauncher,
  params: readonly Variable[],
  grads: readonly Tensor[],
  m: readonly Variable[],
  v: readonly Variable[],
  settings: AdamWSettings,
): void {
  const { lr, beta1, beta2, eps, weightDecay, step } = settings;
  const coefficients = l.upload(
    Float32Array.of(
      ...[beta1, 1 - beta1, beta2, 1 - beta2, eps, 1 - lr * weightDecay],
      ...[lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)],
    ),
  );
  params.forEach((param, i) => {
    const [gradient, mean, square] = [grads[i], m[i], v[i]];
    invariant(
      gradient?.size === param.size && mean?.size === param.size && square?.size === param.size,
      'a gradient and two moments of the size of each parameter',
    );
    for (const variable of [param, mean, square]) l.own(variable);
    const type = vectorType(param.size);
    const count = param.size / widthOf(type);
    l.run({
      key: `adamW ${count}`,
      bindings: [
        { name: 'c', of: coefficients, type: 'f32' },
        { name: 'g', of: gradient, type },
        { name: 'p', of: param, type, writes: true },
        { name: 'm', of: mean, type, writes: true },
        { name: 'v', of: square, type, writes: true },
      ],
      workgroup: flatWorkgroup,
      workgroups: flatGrid(count),
      code: () => ({
        body: `${flatIndex(count)}
  let mean = m[i] * c[0] + g[i] * c[1];
  let square = v[i] * c[2] + g[i] * g[i] * c[3];
  m[i] = mean;
  v[i] = square;
  p[i] = p[i] * c[5] - c[6] * mean / (sqrt(square) * c[7] + c[4]);`,
      }),
    });
  });
  l.release(coefficients);
}

/** See `Ops.sgd`. */
export function sgd(
  l: GpuLauncher,
  params: readonly Variable[],
  grads: readonly Tensor[],
  v: readonly Variable[],
  { lr, momentum, weightDecay }: SgdSettings,
): void {
  const coefficients = l.upload(Float32Array.of(lr, momentum, weightDecay));
  params.forEach((param, i) => {
    const [gradient, velocity] = [grads[i], v[i]];
    invariant(
      gradient?.size === param.size && velocity?.size === param.size,
      'a gradient and a velocity of the size of each parameter',
    );
    for (const variable of [param, velocity]) l.own(variable);
    const type = vectorType(param.size);
    const count = param.size / widthOf(type);
    l.run({
      key: `sgd ${count}`,
      bindings: [
        { name: 'c', of: coefficients, type: 'f32' },
        { name: 'g', of: gradient, type },
        { name: 'p', of: param, type, writes: true },
        { name: 'v', of: velocity, type, writes: true },
      ],
      workgroup: flatWorkgroup,
      workgroups: flatGrid(count),
      code: () => ({
        body: `${flatIndex(count)}
  let down = g[i] + p[i] * c[2];
  let velocity = v[i] * c[1] + down;
  v[i] = velocity;
  p[i] = p[i] - (down + velocity * c[1]) * c[0];`,
      }),
    });
  });
  l.release(coefficients);
}
