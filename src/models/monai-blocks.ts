/** Blocks that MONAI's two transformers share, with the names of their parameters. */
import type { Engine, Ops, Tensor, Tensor5D } from '../compute/index.ts';
import type { Block } from './block.ts';
import type { HeadOutputs, Parameters } from './forward.ts';
import { outHeadPrefix } from './layer-list.ts';

const slope = 0.01;

/** What a block runs on. */
export interface BlockScope {
  readonly tf: Engine['tf'];
  readonly ops: Ops;
  readonly parameters: Parameters;
  readonly block: Block;
}

/** A linear layer over the last axis; without a bias where the layer has none. */
export function linear<T extends Tensor>(
  { ops, parameters }: BlockScope,
  prefix: string,
  x: T,
  { bias = true }: { readonly bias?: boolean } = {},
): T {
  const weight = parameters.matrix(`${prefix}.weight`);
  return ops.linear(x, weight, bias ? parameters.vector(`${prefix}.bias`) : null);
}

/** Normalises the last axis. */
export function layerNorm<T extends Tensor>(
  { ops, parameters }: BlockScope,
  prefix: string,
  x: T,
): T {
  return ops.layerNorm(
    x,
    parameters.vector(`${prefix}.weight`),
    parameters.vector(`${prefix}.bias`),
  );
}

/** `x + attend(x)`, and to that its `MLPBlock`: linear(gelu(linear(norm(·)))). */
export function transformerBlock<T extends Tensor>(
  scope: BlockScope,
  prefix: string,
  x: T,
  attend: (x: T) => T,
): T {
  const { tf, ops } = scope;
  return tf.tidy(() => {
    const middle = tf.tidy(() => ops.accumulate(attend(x), x));
    const normed = layerNorm(scope, `${prefix}.norm2`, middle);
    const hidden = ops.gelu(linear(scope, `${prefix}.mlp.linear1`, normed));
    return ops.accumulate(linear(scope, `${prefix}.mlp.linear2`, hidden), middle);
  });
}

/** Twice the size by a transposed convolution. */
export function upsampled({ ops, parameters }: BlockScope, prefix: string, x: Tensor5D): Tensor5D {
  return ops.convTranspose3d(x, parameters.kernel(`${prefix}.conv.weight`), null);
}

/** `UnetResBlock`: two convolutions with norm, and the input (projected if need be) added. */
export function residualBlock(
  { tf, ops, parameters }: BlockScope,
  prefix: string,
  x: Tensor5D,
): Tensor5D {
  return tf.tidy(() => {
    const convNorm = (input: Tensor5D, name: string, normSlope: number): Tensor5D =>
      tf.tidy(() => {
        const weight = parameters.kernel(`${prefix}.${name}.conv.weight`);
        const y = ops.conv3d(input, weight, null, { stride: 1 });
        return ops.instanceNorm(y, null, null, { slope: normSlope });
      });
    const sum = tf.tidy(() => {
      const y = tf.tidy(() => convNorm(convNorm(x, 'conv1', slope), 'conv2', 1));
      return ops.accumulate(y, x.shape[4] === y.shape[4] ? x : convNorm(x, 'conv3', 1));
    });
    return ops.leakyRelu(sum, slope);
  });
}

/**
 * `UnetrUpBlock`: `below` upsampled, joined with `skip`: [b, d, h, w, i] and [b, 2·d, 2·h, 2·w, c] → the latter. Runs as
 * a block of its own.
 */
export function upBlock(
  scope: BlockScope,
  prefix: string,
  below: Tensor5D,
  skip: Tensor5D,
): Tensor5D {
  const { tf, ops, block } = scope;
  return block([below, skip], (deep, across) =>
    tf.tidy(() => {
      const joined = tf.tidy(() =>
        ops.concat(upsampled(scope, `${prefix}.transp_conv`, deep), across),
      );
      return residualBlock(scope, `${prefix}.conv_block`, joined);
    }),
  );
}

/** The logits of each head. */
export function headOutputs(
  { ops, parameters }: BlockScope,
  heads: Readonly<Record<string, number>>,
  features: Tensor5D,
): HeadOutputs {
  return Object.fromEntries(
    Object.keys(heads).map((head): [string, Tensor5D[]] => {
      const weight = parameters.kernel(`${outHeadPrefix(head)}.weight`);
      const bias = parameters.vector(`${outHeadPrefix(head)}.bias`);
      return [head, [ops.conv3d(features, weight, bias, { stride: 1 })]];
    }),
  );
}
