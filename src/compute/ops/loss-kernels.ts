/** The loss and its gradient in one pass, as a registered kernel. */
import type * as tfjs from '@tensorflow/tfjs';
import type { Scalar, Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs';

import { need, runMany, runOne, type OwnKernel } from './kernel-registry.ts';
import type { CrossEntropyDice } from './ops.ts';
import { countOf } from './sizes.ts';

/** Outputs loss, ce, dice, and the loss's gradient by the logits, which costs less now than again later. */
const crossEntropyDiceKernel: OwnKernel = {
  name: 'AnnulusCrossEntropyDice',
  run: (l, inputs, attributes) => {
    const logits = need(inputs, 'logits');
    const [samples = 1] = logits.shape;
    const classes = logits.shape.at(-1) ?? 1;
    const voxels = countOf(logits) / samples / classes;
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
    l.kernels.scale(px, l.heap.pointerOf(need(inputs, 'factor')), py, countOf(x));
    return out;
  },
};

/** The loss, and the scaling by which its upstream gradient enters. */
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
