/** Cross-entropy and soft Dice against probabilities instead of labels, voxel by voxel as much as each is worth. */
import type { Engine, Scalar, Tensor, Tensor4D, Tensor5D } from '../compute/index.ts';

/** What a head should learn where labels are not certain. */
export interface SoftTarget {
  /** `[b, d, h, w, K]`, a distribution over the classes in each voxel. */
  readonly probabilities: Tensor5D;
  /** `[b, d, h, w]`, 0 to 1; a voxel of weight 0 says nothing. */
  readonly weights: Tensor4D;
}

/**
 * With p = softmax(logits), targets q and weights w, W = Σw:
 *
 *   ce = -Σ_v w Σ_k q log p / W,  dice = -mean over classes 1…K-1 of (2·Σ w p q + smooth) / (Σ w p + Σ w q + smooth)
 *
 * Of labels as distributions of one 1 and weights of 1 it is `Ops.crossEntropyDice` (Dice over the whole batch).
 * By TF.js's own operations: distillation with soft targets is the rarer way, and its share of a step is small.
 */
export function softCrossEntropyDice(
  { tf }: Engine,
  logits: Tensor5D,
  { probabilities, weights }: SoftTarget,
  smooth: number,
): { readonly loss: Scalar; readonly ce: Scalar; readonly dice: Scalar } {
  return tf.tidy(() => {
    const classes = logits.shape[4];
    const flat = (x: Tensor, width: number): Tensor => tf.reshape(x, [-1, width]);
    const logP = tf.logSoftmax(flat(logits, classes));
    const q = flat(probabilities, classes);
    const w = flat(weights, 1);
    const weighted = tf.mul(q, w);
    const total = tf.maximum(tf.sum(w), 1e-8);
    const ce = tf.neg<Scalar>(tf.div(tf.sum(tf.mul(logP, weighted)), total));
    const p = tf.exp(logP);
    const overlap = tf.sum(tf.mul(p, weighted), 0);
    const sizes = tf.add(tf.sum(tf.mul(p, w), 0), tf.sum(weighted, 0));
    const ratio = tf.div(tf.add(tf.mul(overlap, 2), smooth), tf.add(sizes, smooth));
    const dice = tf.neg<Scalar>(tf.mean(tf.slice(ratio, [1])));
    return { loss: tf.add<Scalar>(ce, dice), ce, dice };
  });
}
