/**
 * MONAI's `UNETR` (Hatamizadeh et al. 2022) with one output head per label type: a plain transformer over cubes of 16³
 * voxels, whose states at a quarter, a half, three quarters and the end feed a convolutional decoder.
 */
import type { Engine, Ops, Tensor3D, Tensor5D } from '../compute/index.ts';
import { blocksOf } from './block.ts';
import type { ForwardOptions, HeadOutputs, Parameters } from './forward.ts';
import {
  headOutputs,
  layerNorm,
  linear,
  residualBlock,
  transformerBlock,
  upBlock,
  upsampled,
  type BlockScope,
} from './monai-blocks.ts';
import { unetrPatchSide, type UnetrSpec } from './spec.ts';
import { unetrBlockPrefix, unetrEmbeddingPrefix, unetrEncoderBlocks } from './unetr-parameters.ts';

/** Logits by head; call inside `tf.tidy`. */
export function unetrForward(
  tf: Engine['tf'],
  ops: Ops,
  spec: UnetrSpec,
  parameters: Parameters,
  x: Tensor5D,
  options: ForwardOptions,
): HeadOutputs {
  const block = blocksOf(tf, options);
  const scope: BlockScope = { tf, ops, parameters, block };
  const hidden = hiddenStates(scope, spec, x);
  const skips = [block([x], (image) => residualBlock(scope, 'unetr.encoder1.layer', image))];
  unetrEncoderBlocks.forEach((blocks, index) => {
    const state = hidden[index] as Tensor5D;
    const prefix = `unetr.encoder${index + 2}`;
    skips.push(block([state], (taken) => projected(scope, prefix, blocks, taken)));
    state.dispose();
  });
  let y = hidden[unetrEncoderBlocks.length] as Tensor5D;
  for (let level = skips.length - 1; level >= 0; level--) {
    const [below, skip] = [y, skips[level] as Tensor5D];
    y = upBlock(scope, `unetr.decoder${level + 2}`, below, skip);
    tf.dispose([below, skip]);
  }
  return headOutputs(scope, spec.heads, y);
}

/**
 * The transformer's states at the quarters and, normalised, at its end, each [b, d/16, h/16, w/16, hidden]. Of twelve
 * blocks the quarters are those that MONAI takes, after blocks 3, 6 and 9 counted from 0.
 */
function hiddenStates(scope: BlockScope, spec: UnetrSpec, x: Tensor5D): Tensor5D[] {
  const { tf, ops, block } = scope;
  const { hiddenSize, numHeads, numLayers } = spec;
  const [batch, d, h, w] = x.shape;
  const p = unetrPatchSide;
  const onGrid = (tokens: Tensor3D): Tensor5D =>
    tf.reshape(tokens, [batch, d / p, h / p, w / p, hiddenSize]);
  const attention = (prefix: string, tokens: Tensor3D): Tensor3D => {
    const normed = layerNorm(scope, `${prefix}.norm1`, tokens);
    const qkv = linear(scope, `${prefix}.attn.qkv`, normed, { bias: false });
    // One window of all tokens.
    const mixed = ops.windowAttention(qkv, { heads: numHeads, bias: null, regions: null });
    return linear(scope, `${prefix}.attn.out_proj`, mixed);
  };
  let y = embedded(scope, spec, x);
  const states: Tensor5D[] = [];
  for (let index = 0; index < numLayers; index++) {
    const prefix = unetrBlockPrefix(index);
    const input = y;
    y = block([input], (before) =>
      transformerBlock(scope, prefix, before, (tokens) => attention(prefix, tokens)),
    );
    input.dispose();
    if (index > 0 && (4 * index) % numLayers === 0) states.push(onGrid(y));
  }
  states.push(tf.tidy(() => onGrid(layerNorm(scope, 'unetr.vit.norm', y))));
  y.dispose();
  return states;
}

/** Each cube of voxels by one linear layer, and the embedding of its place added: [b, d, h, w, c] → [b, n, hidden]. */
function embedded({ tf, ops, parameters }: BlockScope, spec: UnetrSpec, x: Tensor5D): Tensor3D {
  const [batch, depth, height, width, channels] = x.shape;
  const p = unetrPatchSide;
  const [d, h, w] = [depth / p, height / p, width / p];
  const size = channels * p ** 3;
  const embeddings = `${unetrEmbeddingPrefix}.patch_embeddings`;
  return tf.tidy(() => {
    // [b·d, 16, h, 16, w, 16·c] → [b·d, h, w, 16, 16, 16·c]: six axes are TF.js's most.
    const split = tf.reshape(x, [batch * d, p, h, p, w, p * channels]);
    const cubes = tf.reshape(tf.transpose(split, [0, 2, 4, 1, 3, 5]), [-1, p ** 3, channels]);
    // PyTorch's kernel has channels before voxels.
    const patches: Tensor3D = tf.reshape(tf.transpose(cubes, [0, 2, 1]), [batch, d * h * w, size]);
    const kernel = parameters.kernel(`${embeddings}.weight`);
    const tokens = ops.linear(
      patches,
      tf.reshape(kernel, [spec.hiddenSize, size]),
      parameters.vector(`${embeddings}.bias`),
    );
    return tf.add(tokens, parameters.sequence(`${unetrEmbeddingPrefix}.position_embeddings`));
  });
}

/** `UnetrPrUpBlock`: twice the size, and twice again with each of its residual blocks. */
function projected(scope: BlockScope, prefix: string, blocks: number, x: Tensor5D): Tensor5D {
  const { tf } = scope;
  let y = upsampled(scope, `${prefix}.transp_conv_init`, x);
  for (let index = 0; index < blocks; index++) {
    const below = y;
    y = tf.tidy(() => {
      const larger = upsampled(scope, `${prefix}.blocks.${index}.0`, below);
      return residualBlock(scope, `${prefix}.blocks.${index}.1`, larger);
    });
    below.dispose();
  }
  return y;
}
