/**
 * MONAI's `SwinUNETR` (Hatamizadeh et al. 2022) with one output head per label type: a shifted-window
 * transformer whose stages feed a convolutional decoder. Patch size 2, patch merging "merging".
 */
import type { Engine, Ops, Tensor2D, Tensor5D } from '../compute/index.ts';
import { blocksOf, type Block } from './block.ts';
import type { ForwardOptions, HeadOutputs, Parameters } from './forward.ts';
import { fitWindow, isShifted, type AttentionRegions } from './shifted-window.ts';
import type { SwinUnetrSpec } from './spec.ts';
import { swinBlockPrefix, swinHeadPrefix, swinMergePrefix } from './swin-parameters.ts';
import type { WindowTables } from './window-tables.ts';

const slope = 0.01;

interface Scope {
  readonly tf: Engine['tf'];
  readonly ops: Ops;
  readonly parameters: Parameters;
  readonly tables: WindowTables;
  readonly block: Block;
}

/** Logits by head; call inside `tf.tidy`. */
export function swinUnetrForward(
  tf: Engine['tf'],
  ops: Ops,
  spec: SwinUnetrSpec,
  parameters: Parameters,
  x: Tensor5D,
  tables: WindowTables,
  options: ForwardOptions,
): HeadOutputs {
  const block = blocksOf(tf, options);
  const scope: Scope = { tf, ops, parameters, tables, block };
  const stages = spec.depths.length;
  const hidden = swinHiddenStates(scope, spec, x);
  const encoder = (number: number, input: Tensor5D): Tensor5D =>
    block([input], (taken) => residualBlock(scope, `swin_unetr.encoder${number}.layer`, taken));
  const skips = [encoder(1, x)];
  for (let stage = 0; stage < stages - 1; stage++) {
    const input = hidden[stage] as Tensor5D;
    skips.push(encoder(stage + 2, input));
    input.dispose();
  }
  // The last stage but one skips across as it is.
  skips.push(hidden[stages - 1] as Tensor5D);
  const bottom = hidden[stages] as Tensor5D;
  let y = encoder(10, bottom);
  bottom.dispose();
  for (let level = stages; level >= 0; level--) {
    const [below, skip] = [y, skips[level] as Tensor5D];
    y = decoderLevel(scope, `swin_unetr.decoder${level + 1}`, below, skip);
    tf.dispose([below, skip]);
  }
  return Object.fromEntries(
    Object.keys(spec.heads).map((head): [string, Tensor5D[]] => {
      const weight = parameters.kernel(`${swinHeadPrefix(head)}.weight`);
      const bias = parameters.vector(`${swinHeadPrefix(head)}.bias`);
      return [head, [ops.conv3d(y, weight, bias, { stride: 1 })]];
    }),
  );
}

/**
 * The transformer's output before the first stage and after each, normalised without scale:
 * [b, d/2, h/2, w/2, f], [b, d/4, h/4, w/4, 2f], …
 */
function swinHiddenStates(scope: Scope, spec: SwinUnetrSpec, x: Tensor5D): Tensor5D[] {
  const { tf, ops, parameters } = scope;
  const embed = 'swin_unetr.swinViT.patch_embed.proj';
  let y = ops.conv3d(x, parameters.kernel(`${embed}.weight`), parameters.vector(`${embed}.bias`), {
    stride: 2,
  });
  const hidden = [ops.layerNorm(y, null, null)];
  spec.depths.forEach((_, stage) => {
    const input = y;
    y = tf.tidy(() => swinStage(scope, spec, input, stage));
    input.dispose();
    hidden.push(ops.layerNorm(y, null, null));
  });
  y.dispose();
  return hidden;
}

/** [b, d, h, w, c] → [b, d/2, h/2, w/2, 2·c] */
function swinStage(scope: Scope, spec: SwinUnetrSpec, x: Tensor5D, stage: number): Tensor5D {
  const { tf, ops, parameters } = scope;
  const heads = spec.numHeads[stage] as number;
  let y = x;
  for (let index = 0; index < (spec.depths[stage] as number); index++) {
    const prefix = swinBlockPrefix(stage, index);
    const input = y;
    y = scope.block([input], (before) =>
      tf.tidy(() => {
        const isShifted = index % 2 === 1;
        const middle = tf.tidy(() => {
          const attended = windowedAttention(scope, prefix, before, spec.window, heads, isShifted);
          return ops.accumulate(attended, before);
        });
        return ops.accumulate(perceptron(scope, prefix, middle), middle);
      }),
    );
    if (input !== x) input.dispose();
  }
  const prefix = swinMergePrefix(stage);
  const gamma = parameters.vector(`${prefix}.norm.weight`);
  const beta = parameters.vector(`${prefix}.norm.bias`);
  const merged = ops.layerNorm(ops.mergePatches(y), gamma, beta);
  return ops.linear(merged, parameters.matrix(`${prefix}.reduction.weight`), null);
}

/** norm → windows → attention → projection → grid, [b, d, h, w, c] → the same. */
function windowedAttention(
  { tf, ops, parameters, tables }: Scope,
  prefix: string,
  x: Tensor5D,
  side: number,
  heads: number,
  shifted: boolean,
): Tensor5D {
  const size = x.shape.slice(1, 4) as [number, number, number];
  const shape = fitWindow(size, side, shifted);
  const n = shape.window[0] * shape.window[1] * shape.window[2];
  const normed = ops.layerNorm(
    x,
    parameters.vector(`${prefix}.norm1.weight`),
    parameters.vector(`${prefix}.norm1.bias`),
  );
  const windows = ops.windowPartition(normed, shape); // [nW, n, c]
  const attn = `${prefix}.attn`;
  const qkv = ops.linear(
    windows,
    parameters.matrix(`${attn}.qkv.weight`),
    parameters.vector(`${attn}.qkv.bias`),
  );
  const index = tf.tensor2d(tables.index(side, n), [n, n], 'int32');
  const bias = ops.gatherBias(parameters.matrix(`${attn}.relative_position_bias_table`), index);
  const regions = isShifted(shape) ? regionsTensor(tf, tables.regions(size, shape)) : null;
  const mixed = ops.windowAttention(qkv, { heads, bias, regions });
  const projected = ops.linear(
    mixed,
    parameters.matrix(`${attn}.proj.weight`),
    parameters.vector(`${attn}.proj.bias`),
  );
  return ops.windowReverse(projected, { ...shape, shape: x.shape });
}

function regionsTensor(tf: Engine['tf'], { values, groups, n }: AttentionRegions): Tensor2D {
  return tf.tensor2d(values, [groups, n], 'int32');
}

/** linear(gelu(linear(norm(x)))), [b, d, h, w, c] → the same. */
function perceptron({ ops, parameters }: Scope, prefix: string, x: Tensor5D): Tensor5D {
  const linear = (input: Tensor5D, name: string): Tensor5D =>
    ops.linear(
      input,
      parameters.matrix(`${prefix}.${name}.weight`),
      parameters.vector(`${prefix}.${name}.bias`),
    );
  const normed = ops.layerNorm(
    x,
    parameters.vector(`${prefix}.norm2.weight`),
    parameters.vector(`${prefix}.norm2.bias`),
  );
  return linear(ops.gelu(linear(normed, 'mlp.linear1')), 'mlp.linear2');
}

/** `below` upsampled, joined with `skip`: [b, d, h, w, 2·c] and [b, 2·d, 2·h, 2·w, c] → the latter. */
function decoderLevel(scope: Scope, prefix: string, below: Tensor5D, skip: Tensor5D): Tensor5D {
  const { tf, ops, parameters, block } = scope;
  const weight = parameters.kernel(`${prefix}.transp_conv.conv.weight`);
  return block([below, skip], (...inputs) =>
    tf.tidy(() => {
      const joined = tf.tidy(() =>
        ops.concat(ops.convTranspose3d(inputs[0], weight, null), inputs[1]),
      );
      return residualBlock(scope, `${prefix}.conv_block`, joined);
    }),
  );
}

/** MONAI's `UnetResBlock`: two convolutions with norm, and the input (projected if need be) added. */
function residualBlock({ tf, ops, parameters }: Scope, prefix: string, x: Tensor5D): Tensor5D {
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
