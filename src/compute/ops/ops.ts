/**
 * The operations that models are made of. One interface, several implementations: `reference-ops.ts`
 * (plain TF.js) and `kernel-ops.ts` (own kernels). Activations are channels-last float32
 * `[batch, depth, height, width, channel]`; parameters keep PyTorch's names and layouts.
 *
 * Every operation is differentiable with respect to its activations and parameters, never with respect
 * to regions, indices and labels. Results are new tensors that the caller disposes (`tf.tidy`).
 */
import type {
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  Tensor5D,
  Variable,
} from '@tensorflow/tfjs';

/** Sizes or steps along depth, height and width. */
export type Triple = readonly [number, number, number];

/** See `Ops.conv3d`. */
export interface Conv3dOptions {
  /** 1 or 2, the same on each axis or one number per axis. */
  readonly stride: number | Triple;
}

/** See `Ops.instanceNorm`. */
export interface InstanceNormOptions {
  /** Added to the variance. Default 1e-5, as PyTorch. */
  readonly eps?: number;
  /** Slope of the fused leaky ReLU below zero; 1 for no activation. */
  readonly slope: number;
}

/** How a grid is cut into windows of attention: see `Ops.windowPartition`. */
export interface WindowOptions {
  /** Window size in voxels. */
  readonly window: Triple;
  /** Cyclic shift in voxels, towards the origin when partitioning. */
  readonly shift: Triple;
}

/** See `Ops.windowReverse`. */
export interface WindowReverseOptions extends WindowOptions {
  /** `[b, d, h, w, c]` of the result: what the partition was given, without its padding. */
  readonly shape: readonly [number, number, number, number, number];
}

/** See `Ops.windowAttention`. */
export interface WindowAttentionOptions {
  /** Number of heads; divides the channels. */
  readonly heads: number;
  /** `[heads, n, n]`, added to the logits of every window; `null` for none. */
  readonly bias: Tensor3D | null;
  /**
   * int32 `[groups, n]`: window `i` has the regions of row `i mod groups`. The logit of two tokens of different regions
   * is lowered by 100, as in MONAI. `null` where all is one region.
   */
  readonly regions: Tensor2D | null;
}

/** See `Ops.crossEntropyDice`. */
export interface CrossEntropyDiceOptions {
  /** Added to the Dice numerator and denominator. Default 1. */
  readonly smooth?: number;
  /** One Dice over the whole batch (default), or the mean of one per sample. */
  readonly batchDice?: boolean;
}

/** The loss of a batch and its two terms, each the caller's to dispose. */
export interface CrossEntropyDice {
  /** `ce + dice`, the only output with a gradient. */
  readonly loss: Scalar;
  /** Mean over voxels of `-log softmax(logits)[label]`. */
  readonly ce: Scalar;
  /** `-mean over classes 1…K-1 of (2·Σp·y + smooth) / (Σp + Σy + smooth)`, from -1 (perfect) to 0. */
  readonly dice: Scalar;
}

/** One step of AdamW (Loshchilov & Hutter 2019): see `Ops.adamW`. */
export interface AdamWSettings {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled: the parameter shrinks by `lr · weightDecay` each step. */
  readonly weightDecay: number;
  /** Number of this step, from 1; corrects the bias of the moments. */
  readonly step: number;
}

/** One step of SGD with Nesterov's momentum: see `Ops.sgd`. */
export interface SgdSettings {
  readonly lr: number;
  /** Nesterov's, 0 to below 1. */
  readonly momentum: number;
  /** Added to the gradient as `weightDecay · parameter`, as PyTorch. */
  readonly weightDecay: number;
}

/** The operations of one engine. Tensors must be that engine's. */
export interface Ops {
  /**
   * `y[o] = b[o] + Σ x[i] · w[o, i]`, a cross-correlation. Each kernel size is 1, 2 or 3; odd sizes are
   * padded by `k >> 1` zeros on both sides (PyTorch's padding), size 2 is not padded.
   * `[b, d, h, w, I] → [b, d', h', w', O]` with `d' = floor((d + 2·pad - k) / stride) + 1`.
   *
   * @param w `[O, I, kd, kh, kw]`
   * @param b `[O]` or `null`
   */
  conv3d(x: Tensor5D, w: Tensor5D, b: Tensor1D | null, options: Conv3dOptions): Tensor5D;

  /**
   * Transposed convolution whose stride equals its kernel: `[b, d, h, w, I] → [b, d·sd, h·sh, w·sw, O]`.
   *
   * @param w `[I, O, sd, sh, sw]`, sizes 1 or 2
   */
  convTranspose3d(x: Tensor5D, w: Tensor5D, b: Tensor1D | null): Tensor5D;

  /**
   * `leakyRelu((x - mean) / sqrt(var + eps) · gamma + beta)`, mean and biased variance over the voxels of
   * each sample and channel.
   *
   * @param gamma `[c]` or `null` for 1
   * @param beta `[c]` or `null` for 0
   */
  instanceNorm(
    x: Tensor5D,
    gamma: Tensor1D | null,
    beta: Tensor1D | null,
    options: InstanceNormOptions,
  ): Tensor5D;

  /** `sum + term` of one shape. Disposes `sum`, and takes its memory where nobody shares it. */
  accumulate<T extends Tensor>(sum: T, term: T): T;

  /** `x` where positive, `slope · x` elsewhere; a slope from 0 to 1. */
  leakyRelu<T extends Tensor>(x: T, slope: number): T;

  /** Joins the channels of two tensors of the same grid. */
  concat(a: Tensor5D, b: Tensor5D): Tensor5D;

  /**
   * `x · wᵀ + b` over the last axis: `[…, I] → […, O]`.
   *
   * @param w `[O, I]`
   */
  linear<T extends Tensor>(x: T, w: Tensor2D, b: Tensor1D | null): T;

  /** Normalises the last axis, then `· gamma + beta`. `eps` is 1e-5 unless given. */
  layerNorm<T extends Tensor>(x: T, gamma: Tensor1D | null, beta: Tensor1D | null, eps?: number): T;

  /** `x/2 · (1 + erf(x / √2))`, the exact form. */
  gelu<T extends Tensor>(x: T): T;

  /**
   * Multi-head attention inside windows: `softmax(q·kᵀ / sqrt(C / heads) + bias - 100·[regions differ]) · v`.
   *
   * @param qkv `[windows, n, 3·C]`, the last axis ordered q, k, v and heads within each
   * @returns `[windows, n, C]`
   */
  windowAttention(qkv: Tensor3D, options: WindowAttentionOptions): Tensor3D;

  /**
   * Pads with zeros at the far ends to multiples of the window, rolls by `-shift`, cuts into windows:
   * `[b, d, h, w, c] → [windows, n, c]`, windows ordered `[b, d/wd, h/wh, w/ww]`.
   */
  windowPartition(x: Tensor5D, options: WindowOptions): Tensor3D;

  /** The inverse of `windowPartition`, cropped to `shape`. */
  windowReverse(windows: Tensor3D, options: WindowReverseOptions): Tensor5D;

  /**
   * Stacks the voxels of each 2×2×2 block into channels, even sides only: `[b, d, h, w, c] →
   * [b, d/2, h/2, w/2, 8·c]`. The corners (z, y, x) come in the order 000 100 010 001 110 101 011 111, as MONAI's
   * "merging" since 1.5 (Project-MONAI/MONAI#8285).
   */
  mergePatches(x: Tensor5D): Tensor5D;

  /**
   * Relative position bias: `[table rows, heads] → [heads, n, n]`.
   *
   * @param index int32 `[n, n]`, rows of the table
   */
  gatherBias(table: Tensor2D, index: Tensor2D): Tensor3D;

  /**
   * Zeroes whole channels of a sample with probability `rate` and divides the rest by `1 - rate`, as PyTorch's Dropout3d:
   * neighbouring voxels say the same, so that single ones would not be missed. Fixed by `seed`.
   */
  dropout(x: Tensor5D, rate: number, seed: number): Tensor5D;

  /**
   * Cross-entropy plus soft Dice over `K` classes, the background (class 0) left out of the Dice.
   *
   * @param logits `[b, d, h, w, K]`
   * @param labels int32 `[b, d, h, w]` in `[0, K)`
   */
  crossEntropyDice(
    logits: Tensor5D,
    labels: Tensor4D,
    options?: CrossEntropyDiceOptions,
  ): CrossEntropyDice;

  /**
   * One AdamW step in place: the variables `params`, `m` and `v` take their new values.
   * The four lists have the same order and shapes.
   */
  adamW(
    params: readonly Variable[],
    grads: readonly Tensor[],
    m: readonly Variable[],
    v: readonly Variable[],
    settings: AdamWSettings,
  ): void;

  /**
   * One step of gradient descent with Nesterov momentum in place, as PyTorch's SGD: with d = g + weightDecay · p,
   * `v = momentum · v + d` and `p = p - lr · (d + momentum · v)`. The three lists have the same order and shapes.
   */
  sgd(
    params: readonly Variable[],
    grads: readonly Tensor[],
    v: readonly Variable[],
    settings: SgdSettings,
  ): void;
}
