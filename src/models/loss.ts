/** The training loss: over heads, over the scales of deep supervision. */
import { invariant } from '../base/index.ts';
import type { Engine, Scalar, Tensor4D, Tensor5D } from '../compute/index.ts';
import type { HeadOutputs } from './forward.ts';
import { softCrossEntropyDice } from './soft-loss.ts';

/** What a batch teaches one head. */
export interface HeadLabel {
  /** Labels in [b, d, h, w] order. */
  readonly values: Int32Array | Uint8Array;
  readonly shape: Tensor4D['shape'];
  /** Whether every voxel is background. */
  readonly isEmpty: boolean;
  /** What takes the map's place in the loss: probabilities, weights of voxels, or both. */
  readonly soft?: SoftLabel;
}

/** In [b, d, h, w] order. */
export interface SoftLabel {
  /** [b, d, h, w, classes]; without them the map's labels are certain. */
  readonly probabilities?: Float32Array;
  /** [b, d, h, w], 0 to 1; without them all voxels weigh alike. */
  readonly weights?: Float32Array;
}

/** Label maps by head. A head without labels is left out. */
export type HeadLabels = Readonly<Record<string, HeadLabel>>;

/** `values` in [b, d, h, w] order as labels of one head. */
export function headLabel(
  values: Int32Array | Uint8Array,
  shape: Tensor4D['shape'],
  soft?: SoftLabel,
): HeadLabel {
  const isEmpty = values.every((value) => value === 0);
  return { values, shape, isEmpty, ...(soft === undefined ? {} : { soft }) };
}

/** A batch's loss and its terms, the caller's to dispose. */
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

/** What an output is held to, on its own grid. */
export interface OutputTarget {
  readonly head: string;
  /** Its place among the head's outputs, 0 for the finest. */
  readonly scale: number;
  readonly smooth: number;
  /** Labels as int32 [b, d, h, w]; or probabilities [b, d, h, w, classes] and weights [b, d, h, w]. */
  readonly tensors: readonly [Tensor4D] | readonly [Tensor5D, Tensor4D];
}

/**
 * Targets for the heads that have labels; at least one must. New tensors, the caller's to dispose, all made of arrays.
 *
 * @param shapes of each head's outputs, finest first.
 */
export function outputTargets(
  engine: Engine,
  labels: HeadLabels,
  shapes: Readonly<Record<string, readonly Tensor5D['shape'][]>>,
): OutputTarget[] {
  const heads = Object.keys(labels).sort();
  invariant(heads.length > 0, 'some head has labels');
  return heads.flatMap((head) => {
    const label = labels[head] as HeadLabel;
    const scales = shapes[head];
    invariant(scales !== undefined, `the model has the head ${head} that labels are given for`);
    return scales.map((shape, scale): OutputTarget => {
      const tensors =
        label.soft === undefined
          ? ([labelsOn(engine, label, shape)] as const)
          : softTargetOn(engine, label, shape);
      return { head, scale, smooth: label.isEmpty ? emptySmooth : 1, tensors };
    });
  });
}

/** nnU-Net's loss summed over the heads that have labels; at least one must. */
export function headsLoss(engine: Engine, outputs: HeadOutputs, labels: HeadLabels): HeadsLoss {
  return engine.tf.tidy(() => {
    const shapes: Record<string, Tensor5D['shape'][]> = {};
    for (const [head, scales] of Object.entries(outputs)) {
      shapes[head] = scales.map(({ shape }) => shape);
    }
    const targets = outputTargets(engine, labels, shapes);
    const { loss, parts } = targetsLoss(engine, outputs, targets);
    return { loss, parts };
  });
}

/** The same, given the targets. */
export function targetsLoss(
  engine: Engine,
  outputs: HeadOutputs,
  targets: readonly OutputTarget[],
): HeadsLoss {
  const { tf, ops } = engine;
  return tf.tidy(() => {
    const parts: Record<string, { ce: Scalar; dice: Scalar }> = {};
    const terms = targets.map(({ head, scale, smooth, tensors }): Scalar => {
      const logits = outputs[head]?.[scale];
      invariant(logits !== undefined, `the head ${head} has an output of scale ${scale}`);
      const [first, weights] = tensors;
      const { loss, ce, dice } =
        weights === undefined
          ? ops.crossEntropyDice(logits, first as Tensor4D, { smooth })
          : softCrossEntropyDice(
              ...([engine, logits, { probabilities: first as Tensor5D, weights }] as const),
              smooth,
            );
      if (scale === 0) parts[head] = { ce, dice };
      return tf.mul(loss, 2 ** -scale);
    });
    return { loss: terms.reduce((sum, term) => tf.add(sum, term)), parts };
  });
}

function labelsOn({ tf }: Engine, { values, shape }: HeadLabel, like: Tensor5D['shape']): Tensor4D {
  const isWhole = [1, 2, 3].every((axis) => shape[axis] === like[axis]);
  const resized = isWhole
    ? values
    : Int32Array.from(nearestVoxels(shape, like), (voxel) => values[voxel] as number);
  return tf.tensor4d(resized, [like[0], like[1], like[2], like[3]], 'int32');
}

/** The label's probabilities and weights on the grid of `like`, whose last axis are the classes. */
function softTargetOn(
  { tf }: Engine,
  label: HeadLabel,
  like: Tensor5D['shape'],
): readonly [Tensor5D, Tensor4D] {
  const { values, shape, soft } = label;
  const classes = like[4];
  const from = nearestVoxels(shape, like);
  const probabilities = new Float32Array(from.length * classes);
  const weights = new Float32Array(from.length).fill(1);
  from.forEach((voxel, to) => {
    if (soft?.probabilities === undefined) {
      probabilities[to * classes + (values[voxel] as number)] = 1;
    } else {
      const row = soft.probabilities.subarray(voxel * classes, (voxel + 1) * classes);
      probabilities.set(row, to * classes);
    }
    if (soft?.weights !== undefined) weights[to] = soft.weights[voxel] as number;
  });
  return [
    tf.tensor5d(probabilities, like),
    tf.tensor4d(weights, [like[0], like[1], like[2], like[3]]),
  ];
}

/** Index of the voxel of a grid `[b, d, h, w]` for each of `to`; nearest as PyTorch: voxel i takes floor(i · from / to). */
function nearestVoxels(from: Tensor4D['shape'], to: Tensor5D['shape']): Int32Array {
  const [depths, heights, widths] = [1, 2, 3].map((axis) => {
    const [whole, side] = [from[axis] as number, to[axis] as number];
    return Int32Array.from({ length: side }, (_, i) => Math.floor((i * whole) / side));
  }) as [Int32Array, Int32Array, Int32Array];
  const voxels = new Int32Array(to[0] * to[1] * to[2] * to[3]);
  let at = 0;
  for (let b = 0; b < to[0]; b++) {
    for (const d of depths) {
      for (const h of heights) {
        const row = ((b * from[1] + d) * from[2] + h) * from[3];
        for (const w of widths) voxels[at++] = row + w;
      }
    }
  }
  return voxels;
}
