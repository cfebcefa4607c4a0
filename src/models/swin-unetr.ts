/**
 * MONAI's `SwinUNETR` (Hatamizadeh et al. 2022) with one output head per label type: a shifted-window
 * transformer whose stages feed a convolutional decoder. Patch size 2, patch merging "merging".
 */
import type { Engine, Ops, Tensor2D, Tensor5D } from '../compute/index.ts';
import { blocksOf } from './block.ts';
import type { ForwardOptions, HeadOutputs, Parameters } from './forward.ts';
import {
  headOutputs,
  layerNorm,
  linear,
  residualBlock,
  transformerBlock,
  upBlock,
  type BlockScope,
} from './monai-blocks.ts';
import { fitWindow, isShifted, type AttentionRegions } from './shifted-window.ts';
import type { SwinUnetrSpec } from './spec.ts';
import { swinBlockPrefix, swinMergePrefix } from './swin-parameters.ts';
import type { WindowTables } from './window-tables.ts';

interface Scope extends BlockScope {
  readonly tables: WindowTables;
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
    y = upBlock(scope, `swin_unetr.decoder${level + 1}`, below, skip);
    tf.dispose([below, skip]);
  }
  return headOutputs(scope, spec.heads, y);
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
  const { ops } = scope;
  const heads = spec.numHeads[stage] as number;
  let y = x;
  for (let index = 0; index < (spec.depths[stage] as number); index++) {
    const prefix = swinBlockPrefix(stage, index);
    const input = y;
    const attend = (grid: Tensor5D): Tensor5D =>
      windowedAttention(scope, prefix, grid, spec.window, heads, index % 2 === 1);
    y = scope.block([input], (before) => transformerBlock(scope, prefix, before, attend));
    if (input !== x) input.dispose();
  }
  const prefix = swinMergePrefix(stage);
  const merged = layerNorm(scope, `${prefix}.norm`, ops.mergePatches(y));
  return linear(scope, `${prefix}.reduction`, merged, { bias: false });
}

/** norm → windows → attention → projection → grid, [b, d, h, w, c] → the same. */
function windowedAttention(
  scope: Scope,
  prefix: string,
  x: Tensor5D,
  side: number,
  heads: number,
  shifted: boolean,
): Tensor5D {
  const { tf, ops, parameters, tables } = scope;
  const size = x.shape.slice(1, 4) as [number, number, number];
  const shape = fitWindow(size, side, shifted);
  const n = shape.window[0] * shape.window[1] * shape.window[2];
  const normed = layerNorm(scope, `${prefix}.norm1`, x);
  const windows = ops.windowPartition(normed, shape); // [nW, n, c]
  const attn = `${prefix}.attn`;
  const qkv = linear(scope, `${attn}.qkv`, windows);
  const index = tf.tensor2d(tables.index(side, n), [n, n], 'int32');
  const bias = ops.gatherBias(parameters.matrix(`${attn}.relative_position_bias_table`), index);
  const regions = isShifted(shape) ? regionsTensor(tf, tables.regions(size, shape)) : null;
  const mixed = ops.windowAttention(qkv, { heads, bias, regions });
  const projected = linear(scope, `${attn}.proj`, mixed);
  return ops.windowReverse(projected, { ...shape, shape: x.shape });
}

function regionsTensor(tf: Engine['tf'], { values, groups, n }: AttentionRegions): Tensor2D {
  return tf.tensor2d(values, [groups, n], 'int32');
}
