/** The training loss: over heads, over the scales of deep supervision. */
import { invariant } from '../base/index.ts';
import type { Engine, Scalar, Tensor4D, Tensor5D } from '../compute/index.ts';
import type { HeadOutputs } from './forward.ts';

export interface HeadLabel {
  /** int32 [b, d, h, w] */
  readonly map: Tensor4D;
  /** Whether every voxel is background: known before the map goes to a device that is slow to ask. */
  readonly isEmpty: boolean;
}

/** Label maps by head. A head without labels is left out. */
export type HeadLabels = Readonly<Record<string, HeadLabel>>;

/** `values` in [b, d, h, w] order as labels of one head; the map is the caller's to dispose. */
export function headLabel(
  engine: Engine,
  values: Int32Array | Uint8Array,
  shape: Tensor4D['shape'],
): HeadLabel {
  const map = engine.tf.tensor4d(values, shape, 'int32');
  return { map, isEmpty: values.every((value) => value === 0) };
}

export interface HeadsLoss {
  /** Σ over heads with labels, Σ over scales i of 2^-i · (cross-entropy + soft Dice). */
  readonly loss: Scalar;
  /** Of the finest output of each head with labels; `dice` is negative, -1 is perfect. */
  readonly parts: Readonly<Record<string, { readonly ce: Scalar; readonly dice: Scalar }>>;
}

/**
 * Soft Dice of a patch without the structure has nothing to overlap with; at smooth 1 its gradient is a hundred times
 * that of a patch with it, and drives a rare structure's head to nothing for good. This much smoothing leaves the
 * patch to the cross-entropy.
 */
const emptySmooth = 1e6;

/** nnU-Net's loss summed over the heads that have labels; at least one must. */
export function headsLoss(engine: Engine, outputs: HeadOutputs, labels: HeadLabels): HeadsLoss {
  const { tf, ops } = engine;
  return tf.tidy(() => {
    const terms: Scalar[] = [];
    const parts: Record<string, { ce: Scalar; dice: Scalar }> = {};
    for (const head of Object.keys(labels).sort()) {
      const scales = outputs[head];
      invariant(scales !== undefined, `the model has the head ${head} that labels are given for`);
      const { map, isEmpty } = labels[head] as HeadLabel;
      scales.forEach((logits, i) => {
        const resized = resizeLabels(engine, map, logits);
        const { loss, ce, dice } = ops.crossEntropyDice(logits, resized, {
          smooth: isEmpty ? emptySmooth : 1,
        });
        terms.push(tf.mul(loss, 2 ** -i));
        if (i === 0) parts[head] = { ce, dice };
      });
    }
    invariant(terms.length > 0, 'some head has labels');
    return { loss: terms.reduce((sum, term) => tf.add(sum, term)), parts };
  });
}

/** Nearest neighbour as PyTorch: voxel i takes voxel floor(i · from / to). */
function resizeLabels(engine: Engine, labels: Tensor4D, like: Tensor5D): Tensor4D {
  const { tf } = engine;
  let resized = labels;
  for (const axis of [1, 2, 3] as const) {
    const from = labels.shape[axis];
    const to = like.shape[axis];
    if (from === to) continue;
    const index = Int32Array.from({ length: to }, (_, i) => Math.floor((i * from) / to));
    resized = tf.gather(resized, tf.tensor1d(index, 'int32'), axis);
  }
  return resized;
}
