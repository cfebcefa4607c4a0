/** The training loss: over heads, over the scales of deep supervision. */
import { invariant } from '../base/index.ts';
import type { Engine, Scalar, Tensor4D, Tensor5D } from '../compute/index.ts';
import type { HeadOutputs } from './forward.ts';

export interface HeadLabel {
  /** int32 [b, d, h, w] */
  readonly map: Tensor4D;
  /** What the map holds, kept on the host: a device is slow to ask. */
  readonly values: Int32Array | Uint8Array;
  /** Whether every voxel is background. */
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
  return { map, values, isEmpty: values.every((value) => value === 0) };
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
      const label = labels[head] as HeadLabel;
      scales.forEach((logits, i) => {
        const isWhole = [1, 2, 3].every((axis) => label.map.shape[axis] === logits.shape[axis]);
        const resized = isWhole ? label.map : resizeLabels(engine, label, logits.shape);
        const { loss, ce, dice } = ops.crossEntropyDice(logits, resized, {
          smooth: label.isEmpty ? emptySmooth : 1,
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
function resizeLabels(
  { tf }: Engine,
  { map, values }: HeadLabel,
  [, ...like]: Tensor5D['shape'],
): Tensor4D {
  const [batch, ...from] = map.shape;
  const to = [like[0], like[1], like[2]] as const;
  const [depths, heights, widths] = to.map((side, axis) =>
    Int32Array.from({ length: side }, (_, i) => Math.floor((i * (from[axis] as number)) / side)),
  ) as [Int32Array, Int32Array, Int32Array];
  const resized = new Int32Array(batch * to[0] * to[1] * to[2]);
  let at = 0;
  for (let b = 0; b < batch; b++) {
    for (const d of depths) {
      for (const h of heights) {
        const row = ((b * from[0] + d) * from[1] + h) * from[2];
        for (const w of widths) resized[at++] = values[row + w] as number;
      }
    }
  }
  return tf.tensor4d(resized, [batch, ...to], 'int32');
}
