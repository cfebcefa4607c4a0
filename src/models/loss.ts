/** The training loss: over heads, over the scales of deep supervision. */
import { invariant } from '../base/index.ts';
import type { Engine, Scalar, Tensor4D } from '../compute/index.ts';
import type { HeadOutputs } from './forward.ts';

type Shape4D = [number, number, number, number];

/** Label maps by head, int32 [b, d, h, w]. A head without labels is left out. */
export type HeadLabels = Readonly<Record<string, Tensor4D>>;

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
      const map = labels[head] as Tensor4D;
      const values = map.dataSync<'int32'>();
      const smooth = values.every((value) => value === 0) ? emptySmooth : 1;
      scales.forEach((logits, i) => {
        const shape = logits.shape.slice(0, 4) as Shape4D;
        const resized = map.shape.every((side, axis) => side === shape[axis])
          ? map
          : tf.tensor4d(resizeLabels(values, map.shape, shape), shape, 'int32');
        const { loss, ce, dice } = ops.crossEntropyDice(logits, resized, { smooth });
        terms.push(i === 0 ? loss : tf.mul(loss, 2 ** -i));
        if (i === 0) parts[head] = { ce, dice };
      });
    }
    invariant(terms.length > 0, 'some head has labels');
    return { loss: terms.reduce((sum, term) => tf.add(sum, term)), parts };
  });
}

/** Nearest neighbour as PyTorch: voxel i takes voxel floor(i · from / to). In JavaScript: few voxels are asked for. */
function resizeLabels(labels: Int32Array, from: Shape4D, to: Shape4D): Int32Array {
  const source = (axis: 1 | 2 | 3, i: number): number => Math.floor((i * from[axis]) / to[axis]);
  const columns = Int32Array.from({ length: to[3] }, (_, x) => source(3, x));
  const resized = new Int32Array(to[0] * to[1] * to[2] * to[3]);
  let at = 0;
  for (let b = 0; b < to[0]; b++) {
    for (let z = 0; z < to[1]; z++) {
      for (let y = 0; y < to[2]; y++) {
        const row = ((b * from[1] + source(1, z)) * from[2] + source(2, y)) * from[3];
        for (const x of columns) resized[at++] = labels[row + x] as number;
      }
    }
  }
  return resized;
}
