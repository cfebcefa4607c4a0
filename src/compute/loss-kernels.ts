/** The fused loss as a registered kernel, and the optimisers' steps on variables. */
import type * as tfjs from '@tensorflow/tfjs';
import type { Scalar, Tensor, Tensor4D, Tensor5D, TensorInfo, Variable } from '@tensorflow/tfjs';

import { invariant } from '../base/index.ts';
import { need, runMany, runOne, type OwnKernel } from './kernel-registry.ts';
import type { Launcher } from './launcher.ts';
import type { AdamWSettings, CrossEntropyDice, SgdSettings } from './ops.ts';

/** Outputs loss, ce, dice, and the loss's gradient by the logits, which costs less now than again later. */
const crossEntropyDiceKernel: OwnKernel = {
  name: 'AnnulusCrossEntropyDice',
  run: (l, inputs, attributes) => {
    const logits = need(inputs, 'logits');
    const [samples = 1] = logits.shape;
    const classes = logits.shape.at(-1) ?? 1;
    const voxels = sizeOf(logits) / samples / classes;
    const gradient = l.heap.output(logits.shape);
    const scalars = [l.heap.output([]), l.heap.output([]), l.heap.output([])];
    const padded = Math.ceil(classes / 4) * 4;
    l.heap.scratch(padded * 44 + 16, (result) => {
      l.kernels.crossEntropyDice(
        ...[l.heap.pointerOf(logits), l.heap.pointerOf(need(inputs, 'labels'))],
        ...[l.heap.pointerOf(gradient), result, result + 16, samples, voxels, classes],
        ...[attributes.batchDice === true ? 1 : samples, attributes.smooth as number],
      );
      scalars.forEach((scalar, i) => {
        l.heap.words(l.heap.pointerOf(scalar), 1).set(l.heap.words(result + 4 * i, 1));
      });
    });
    return [...scalars, gradient];
  },
  saved: { inputs: [], outputs: [3] },
  gradient: (tf, dy, [gradient]) => ({
    logits: () => runOne(tf, 'AnnulusScale', { x: gradient as Tensor, factor: dy }),
  }),
};

const scaleKernel: OwnKernel = {
  name: 'AnnulusScale',
  run: (l, inputs) => {
    const x = need(inputs, 'x');
    const out = l.heap.output(x.shape);
    const [px, py] = [l.heap.pointerOf(x), l.heap.pointerOf(out)];
    l.kernels.scale(px, l.heap.pointerOf(need(inputs, 'factor')), py, sizeOf(x));
    return out;
  },
};

export const lossKernels: readonly OwnKernel[] = [crossEntropyDiceKernel, scaleKernel];

/** See `Ops.crossEntropyDice`. */
export function crossEntropyDice(
  tf: typeof tfjs,
  logits: Tensor5D,
  labels: Tensor4D,
  smooth: number,
  batchDice: boolean,
): CrossEntropyDice {
  const attributes = { smooth, batchDice };
  const outputs = runMany(tf, 'AnnulusCrossEntropyDice', { logits, labels }, attributes);
  const [loss, ce, dice, gradient] = outputs;
  gradient?.dispose(); // the tape keeps its own reference
  return { loss: loss as Scalar, ce: ce as Scalar, dice: dice as Scalar };
}

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

function sizeOf(x: TensorInfo): number {
  return x.shape.reduce((product, side) => product * side, 1);
}
