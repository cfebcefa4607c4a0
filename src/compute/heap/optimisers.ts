/** The optimisers' steps: they write variables in place. */
import type { Tensor, Variable } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import type { AdamWSettings, SgdSettings } from '../ops/ops.ts';
import type { Launcher } from './launcher.ts';

/** See `Ops.adamW`. */
export function adamW(
  l: Launcher,
  params: readonly Variable[],
  grads: readonly Tensor[],
  m: readonly Variable[],
  v: readonly Variable[],
  settings: AdamWSettings,
): void {
  const { lr, beta1, beta2, eps, weightDecay, step } = settings;
  params.forEach((param, i) => {
    const [gradient, mean, square] = [grads[i], m[i], v[i]];
    invariant(
      gradient?.size === param.size && mean?.size === param.size && square?.size === param.size,
      'a gradient and two moments of the size of each parameter',
    );
    for (const variable of [param, mean, square]) l.heap.unshare(variable);
    l.kernels.adamW(
      ...[param, gradient, mean, square].map((tensor) => l.heap.pointerOf(tensor)),
      ...[param.size, beta1, beta2, 1 - beta1, 1 - beta2, eps, 1 - lr * weightDecay],
      ...[lr / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)],
    );
  });
}

/** See `Ops.sgd`. */
export function sgd(
  l: Launcher,
  params: readonly Variable[],
  grads: readonly Tensor[],
  v: readonly Variable[],
  { lr, momentum, weightDecay }: SgdSettings,
): void {
  params.forEach((param, i) => {
    const [gradient, velocity] = [grads[i], v[i]];
    invariant(
      gradient?.size === param.size && velocity?.size === param.size,
      'a gradient and a velocity of the size of each parameter',
    );
    for (const variable of [param, velocity]) l.heap.unshare(variable);
    l.kernels.sgd(
      ...[param, gradient, velocity].map((tensor) => l.heap.pointerOf(tensor)),
      ...[param.size, lr, momentum, weightDecay],
    );
  });
}
