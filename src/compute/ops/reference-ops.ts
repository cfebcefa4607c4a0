/**
 * The operations of `ops.ts` composed of plain TF.js: slow, right on the pure-JS `cpu` backend, and the
 * yardstick of the kernels. Where TF.js has no gradient or a wrong one, it is written out here.
 *
 * One file because it is one table of short formulas, read beside `ops.ts`.
 */
import type * as tfjs from '@tensorflow/tfjs';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, Tensor5D } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import type { Ops, SgdSettings } from './ops.ts';

type Tf = typeof tfjs;
type Triple = readonly [number, number, number];

/** The reference operations on whatever backend `tf` runs; meant for `cpu`. */
export function referenceOps(tf: Tf): Ops {
  const leakyRelu = <T extends Tensor>(x: T, slope: number): T =>
    slope === 1 ? tf.clone(x) : tf.leakyRelu(x, slope);
  return {
    conv3d: (x, w, b, { stride }) => tf.tidy(() => conv3d(tf, x, w, b, tripleOf(stride))),
    convTranspose3d: (x, w, b) => tf.tidy(() => convTranspose3d(tf, x, w, b)),
    instanceNorm: (x, gamma, beta, { eps = 1e-5, slope }) =>
      tf.tidy(() => leakyRelu(instanceNorm(tf, x, gamma, beta, eps), slope)),
    leakyRelu,
    accumulate: (sum, term) => {
      const total = tf.add<typeof sum>(sum, term);
      sum.dispose();
      return total;
    },
    concat: (a, b) => tf.concat([a, b], 4),
    linear: (x, w, b) => tf.tidy(() => linear(tf, x, w, b)),
    layerNorm: (x, gamma, beta, eps = 1e-5) => tf.tidy(() => layerNorm(tf, x, gamma, beta, eps)),
    // x/2 · (1 + erf(x/√2))
    gelu: (x) => tf.tidy(() => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))),
    windowAttention: (qkv, { heads, bias, regions }) =>
      tf.tidy(() => windowAttention(tf, qkv, heads, bias, regions)),
    windowPartition: (x, { window, shift }) => windowPartition(tf, x, window, shift),
    windowReverse: (windows, { window, shift, shape }) =>
      windowReverse(tf, windows, window, shift, shape),
    mergePatches: (x) => tf.tidy(() => mergePatches(tf, x)),
    gatherBias: (table, index) => gatherBias(tf, table, index),
    dropout: (x, rate, seed) => tf.tidy(() => dropout(tf, x, rate, seed)),
    crossEntropyDice: (logits, labels, { smooth = 1, batchDice = true } = {}) =>
      crossEntropyDice(tf, logits, labels, smooth, batchDice),
    adamW: (params, grads, m, v, settings) => {
      adamW(tf, params, grads, m, v, settings);
    },
    sgd: (params, grads, v, settings) => {
      sgd(tf, params, grads, v, settings);
    },
  };
}

function tripleOf(stride: number | Triple): [number, number, number] {
  return typeof stride === 'number' ? [stride, stride, stride] : [...stride];
}

/** PyTorch's padding (k-1)/2 is written out: TF.js' "same" differs at stride 2. */
function conv3d(tf: Tf, x: Tensor5D, w: Tensor5D, b: Tensor1D | null, stride: Triple): Tensor5D {
  const pads = w.shape
    .slice(2)
    .map((k): [number, number] => (k % 2 === 1 ? [k >> 1, k >> 1] : [0, 0]));
  const padded: Tensor5D = pads.some(([p]) => p > 0)
    ? tf.pad<Tensor5D>(x, [[0, 0], ...pads, [0, 0]] as [number, number][])
    : x;
  const filter = tf.transpose(w, [2, 3, 4, 1, 0]); // [o, i, k, k, k] → [k, k, k, i, o]
  const y = tf.conv3d(padded, filter, [...stride] as [number, number, number], 'valid');
  return b === null ? y : tf.add(y, b);
}

/** Kernel equals stride, so that outputs do not overlap: one matrix product and a reordering. */
function convTranspose3d(tf: Tf, x: Tensor5D, w: Tensor5D, b: Tensor1D | null): Tensor5D {
  const [n, d, h, wide, cIn] = x.shape;
  const [, cOut, sd, sh, sw] = w.shape;
  const filter = tf.reshape(tf.transpose(w, [0, 2, 3, 4, 1]), [cIn, sd * sh * sw * cOut]);
  const y = tf.matMul(tf.reshape(x, [n * d * h * wide, cIn]), filter);
  // [b·d, h, w, sd, sh, sw·c] → [b·d, sd, h, sh, w, sw·c]
  const split = tf.reshape(y, [n * d, h, wide, sd, sh, sw * cOut]);
  const out: Tensor5D = tf.reshape(tf.transpose(split, [0, 3, 1, 4, 2, 5]), [
    n,
    d * sd,
    h * sh,
    wide * sw,
    cOut,
  ]);
  return b === null ? out : tf.add(out, b);
}

/** (x - mean)/√(variance + eps) over the voxels of each image and channel, population variance. */
function instanceNorm(
  tf: Tf,
  x: Tensor5D,
  gamma: Tensor1D | null,
  beta: Tensor1D | null,
  eps: number,
): Tensor5D {
  const [n, d, h, w, c] = x.shape;
  let y: Tensor = standardise(tf, tf.reshape(x, [n, d * h * w, c]), 1, eps);
  if (gamma !== null) y = tf.mul(y, gamma);
  if (beta !== null) y = tf.add(y, beta);
  return tf.reshape(y, x.shape);
}

function layerNorm<T extends Tensor>(
  tf: Tf,
  x: T,
  gamma: Tensor1D | null,
  beta: Tensor1D | null,
  eps: number,
): T {
  let y: Tensor = standardise(tf, x, x.rank - 1, eps);
  if (gamma !== null) y = tf.mul(y, gamma);
  if (beta !== null) y = tf.add(y, beta);
  return y as T;
}

function standardise(tf: Tf, x: Tensor, axis: number, eps: number): Tensor {
  const centred = tf.sub(x, tf.mean(x, axis, true));
  const variance = tf.mean(tf.square(centred), axis, true);
  return tf.mul(centred, tf.rsqrt(tf.add(variance, eps)));
}

function linear<T extends Tensor>(tf: Tf, x: T, w: Tensor2D, b: Tensor1D | null): T {
  const rows = tf.reshape(x, [-1, w.shape[1]]);
  const y = tf.matMul(rows, w, false, true);
  const shape = [...x.shape.slice(0, -1), w.shape[0]];
  return tf.reshape(b === null ? y : tf.add(y, b), shape) as unknown as T;
}

/** softmax(q·kᵀ/√(C/heads) + bias + mask)·v per window and head. Window i has the regions i mod groups. */
function windowAttention(
  tf: Tf,
  qkv: Tensor3D,
  heads: number,
  bias: Tensor3D | null,
  regions: Tensor2D | null,
): Tensor3D {
  const [windows, n, triple] = qkv.shape;
  const channels = triple / 3;
  const size = channels / heads;
  // [nW, n, 3·C] → [3, nW, heads, n, C/heads]
  const split = tf.transpose(tf.reshape(qkv, [windows, n, 3, heads, size]), [2, 0, 3, 1, 4]);
  const [q, k, v] = tf
    .split(split, 3, 0)
    .map((part) => tf.reshape(part, [windows, heads, n, size])) as [Tensor4D, Tensor4D, Tensor4D];
  let scores: Tensor = tf.matMul(tf.mul(q, size ** -0.5), k, false, true);
  if (bias !== null) scores = tf.add(scores, bias);
  if (regions !== null) {
    const groups = regions.shape[0];
    const differ = tf.notEqual(tf.expandDims(regions, 2), tf.expandDims(regions, 1));
    const mask = tf.mul(tf.cast(differ, 'float32'), -100); // [groups, n, n]
    const grouped = tf.reshape(scores, [windows / groups, groups, heads, n, n]);
    const masked = tf.add(grouped, tf.reshape(mask, [1, groups, 1, n, n]));
    scores = tf.reshape(masked, [windows, heads, n, n]);
  }
  const mixed = tf.matMul(tf.softmax(scores), v); // [nW, heads, n, C/heads]
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [windows, n, channels]);
}

/** A permutation of voxels with zero rows added; its gradient is the reverse permutation. */
function windowPartition(tf: Tf, x: Tensor5D, window: Triple, shift: Triple): Tensor3D {
  const plan = windowPlan(x.shape, window, shift);
  const [, , , , c] = x.shape;
  const partition = (input: Tensor): Tensor =>
    tf.reshape(rowsOrZero(tf, input, plan.fromVoxel, c), [-1, plan.windowVoxels, c]);
  const gradient = (dy: Tensor): Tensor => tf.reshape(rows(tf, dy, plan.fromWindow, c), x.shape);
  return withGradient(tf, x, partition, gradient) as Tensor3D;
}

/** The inverse of `windowPartition`: cuts the added rows off and rolls back. */
function windowReverse(
  tf: Tf,
  windows: Tensor3D,
  window: Triple,
  shift: Triple,
  shape: readonly [number, number, number, number, number],
): Tensor5D {
  const plan = windowPlan(shape, window, shift);
  const c = shape[4];
  const reverse = (input: Tensor): Tensor =>
    tf.reshape(rows(tf, input, plan.fromWindow, c), [...shape]);
  const gradient = (dy: Tensor): Tensor =>
    tf.reshape(rowsOrZero(tf, dy, plan.fromVoxel, c), windows.shape);
  return withGradient(tf, windows, reverse, gradient) as Tensor5D;
}

function mergePatches(tf: Tf, x: Tensor5D): Tensor5D {
  const [b, d, h, w, c] = x.shape;
  const blocks = (b * d * h * w) / 8;
  // [b·d/2, 2, h/2, 2, w/2, 2·c] → [2, 2, b·d/2, h/2, w/2, 2·c]: rank 6 is TF.js' limit.
  const split = tf.transpose(
    tf.reshape(x, [(b * d) / 2, 2, h / 2, 2, w / 2, 2 * c]),
    [1, 3, 0, 2, 4, 5],
  );
  const rowsOf = tf.split(tf.reshape(split, [4, blocks, 2 * c]), 4, 0);
  // Corners by their bits zyx.
  const corners = rowsOf.flatMap((row) => tf.split(tf.reshape(row, [blocks, 2 * c]), 2, 1));
  const chosen = [0, 4, 2, 1, 6, 5, 3, 7].map((corner) => corners[corner] as Tensor);
  return tf.reshape(tf.concat(chosen, 1), [b, d / 2, h / 2, w / 2, 8 * c]);
}

/** A function of one tensor whose gradient is written out. */
function withGradient(
  tf: Tf,
  x: Tensor,
  value: (x: Tensor) => Tensor,
  gradient: (dy: Tensor) => Tensor,
): Tensor {
  const forward = tf.customGrad((...args: (Tensor | tfjs.GradSaveFunc)[]) => ({
    value: tf.tidy(() => value(args[0] as Tensor)),
    gradFunc: (dy: Tensor) => tf.tidy(() => gradient(dy)),
  }));
  return forward(x);
}

function rows(tf: Tf, x: Tensor, index: Int32Array, c: number): Tensor {
  return tf.tidy(() => tf.gather(tf.reshape(x, [-1, c]), tf.tensor1d(index, 'int32')));
}

/** As `rows`; an index one past the end gives zeros. */
function rowsOrZero(tf: Tf, x: Tensor, index: Int32Array, c: number): Tensor {
  return tf.tidy(() => {
    const extended = tf.concat([tf.reshape(x, [-1, c]), tf.zeros([1, c])], 0);
    return tf.gather(extended, tf.tensor1d(index, 'int32'));
  });
}

interface WindowPlan {
  /** For each row of the windows the voxel it shows, or the voxel count for padding. */
  readonly fromVoxel: Int32Array;
  /** For each voxel its row in the windows. */
  readonly fromWindow: Int32Array;
  readonly windowVoxels: number;
}

function windowPlan(shape: readonly number[], window: Triple, shift: Triple): WindowPlan {
  const [batch, ...size] = shape as [number, number, number, number];
  const counts = window.map((w, axis) => Math.ceil((size[axis] as number) / w)) as [
    number,
    number,
    number,
  ];
  const windowVoxels = window[0] * window[1] * window[2];
  const voxelCount = batch * size[0] * size[1] * size[2];
  const rowCount = batch * counts[0] * counts[1] * counts[2] * windowVoxels;
  const fromVoxel = new Int32Array(rowCount).fill(voxelCount);
  const fromWindow = new Int32Array(voxelCount);
  /** Where voxel `i` of an axis lands: the window it falls in and its place in it. */
  const place = (i: number, axis: 0 | 1 | 2): [number, number] => {
    const padded = counts[axis] * window[axis];
    const rolled = (i - shift[axis] + padded) % padded;
    return [Math.floor(rolled / window[axis]), rolled % window[axis]];
  };
  let voxel = 0;
  for (let b = 0; b < batch; b++) {
    for (let z = 0; z < size[0]; z++) {
      const [wz, iz] = place(z, 0);
      for (let y = 0; y < size[1]; y++) {
        const [wy, iy] = place(y, 1);
        for (let x = 0; x < size[2]; x++, voxel++) {
          const [wx, ix] = place(x, 2);
          const w = ((b * counts[0] + wz) * counts[1] + wy) * counts[2] + wx;
          const row = w * windowVoxels + (iz * window[1] + iy) * window[2] + ix;
          fromVoxel[row] = voxel;
          fromWindow[voxel] = row;
        }
      }
    }
  }
  return { fromVoxel, fromWindow, windowVoxels };
}

/** TF.js' own gradient of `gather` passes over everything once per row of the table. */
function gatherBias(tf: Tf, table: Tensor2D, index: Tensor2D): Tensor3D {
  const [tableRows, heads] = table.shape;
  const [n] = index.shape;
  const rowOf = index.dataSync(); // now: the index may be gone when the gradient is asked for
  const gather = (input: Tensor): Tensor =>
    tf.reshape(tf.transpose(tf.gather(input, tf.reshape(index, [n * n]))), [heads, n, n]);
  const gradient = (dy: Tensor): Tensor => {
    const from = dy.dataSync();
    const sums = new Float32Array(tableRows * heads);
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < n * n; i++) {
        const at = (rowOf[i] as number) * heads + head;
        sums[at] = (sums[at] as number) + (from[head * n * n + i] as number);
      }
    }
    return tf.tensor2d(sums, [tableRows, heads]);
  };
  return withGradient(tf, table, gather, gradient) as Tensor3D;
}

/** Keeps each value with probability 1 - rate and divides it by that. */
function dropout(tf: Tf, x: Tensor5D, rate: number, seed: number): Tensor5D {
  if (rate === 0) return tf.clone(x);
  const drawn = tf.randomUniform([x.shape[0], 1, 1, 1, x.shape[4]], 0, 1, 'float32', seed);
  const keep = tf.greaterEqual(drawn, rate);
  const scale = tf.div(tf.cast(keep, 'float32'), 1 - rate);
  // TF.js's own product would keep both factors for its gradient.
  const forward = tf.customGrad((...args: (Tensor | tfjs.GradSaveFunc)[]) => {
    const [input, save] = args as [Tensor, tfjs.GradSaveFunc];
    save([scale]);
    return {
      value: tf.mul(input, scale),
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, saved[0] as Tensor),
    };
  });
  return forward(x) as Tensor5D;
}

/** nnU-Net's loss: mean cross-entropy, and minus the mean soft Dice of the classes from 1 up. */
function crossEntropyDice(
  tf: Tf,
  logits: Tensor5D,
  labels: Tensor4D,
  smooth: number,
  batchDice: boolean,
): ReturnType<Ops['crossEntropyDice']> {
  return tf.tidy(() => {
    const [n, d, h, w, classes] = logits.shape;
    const logP = tf.logSoftmax(tf.reshape(logits, [n, d * h * w, classes]));
    const truth = tf.cast(tf.oneHot(tf.reshape(labels, [n, d * h * w]), classes), 'float32');
    const ce = tf.neg<tfjs.Scalar>(tf.mean(tf.sum(tf.mul(logP, truth), 2)));
    const axes = batchDice ? [0, 1] : [1];
    const p = tf.exp(logP);
    const begin = batchDice ? [1] : [0, 1];
    const foreground = (t: Tensor): Tensor => tf.slice(tf.sum(t, axes), begin);
    const intersection = foreground(tf.mul(p, truth));
    const total = tf.add(tf.add(foreground(p), foreground(truth)), smooth);
    const ratio = tf.div(tf.add(tf.mul(intersection, 2), smooth), tf.maximum(total, 1e-8));
    const dice = tf.neg<tfjs.Scalar>(tf.mean(ratio));
    return { loss: tf.add<tfjs.Scalar>(ce, dice), ce, dice };
  });
}

/** Loshchilov & Hutter 2019, decoupled weight decay, in PyTorch's order. */
function adamW(
  tf: Tf,
  params: readonly tfjs.Variable[],
  grads: readonly Tensor[],
  m: readonly tfjs.Variable[],
  v: readonly tfjs.Variable[],
  { lr, beta1, beta2, eps, weightDecay, step }: Parameters<Ops['adamW']>[4],
): void {
  invariant(params.length === grads.length, 'one gradient for each parameter');
  params.forEach((param, i) => {
    tf.tidy(() => {
      const [grad, mean, square] = [grads[i], m[i], v[i]];
      invariant(grad !== undefined && mean !== undefined && square !== undefined, 'moments given');
      mean.assign(tf.add(tf.mul(mean, beta1), tf.mul(grad, 1 - beta1)));
      square.assign(tf.add(tf.mul(square, beta2), tf.mul(tf.square(grad), 1 - beta2)));
      const scale = tf.add(tf.sqrt(tf.div(square, 1 - beta2 ** step)), eps);
      const move = tf.mul(tf.div(mean, scale), lr / (1 - beta1 ** step));
      param.assign(tf.sub(tf.mul(param, 1 - lr * weightDecay), move));
    });
  });
}

/** Nesterov's momentum in PyTorch's order. */
function sgd(
  tf: Tf,
  params: readonly tfjs.Variable[],
  grads: readonly Tensor[],
  v: readonly tfjs.Variable[],
  { lr, momentum, weightDecay }: SgdSettings,
): void {
  params.forEach((param, i) => {
    tf.tidy(() => {
      const [grad, velocity] = [grads[i], v[i]];
      invariant(grad !== undefined && velocity !== undefined, 'a gradient and a velocity given');
      const down = tf.add(grad, tf.mul(param, weightDecay));
      velocity.assign(tf.add(tf.mul(velocity, momentum), down));
      param.assign(tf.sub(param, tf.mul(tf.add(down, tf.mul(velocity, momentum)), lr)));
    });
  });
}
