/** Names and shapes of a SwinUNETR's parameters, as MONAI has them. */
import type { ParameterInfo, ParameterInit } from './parameter.ts';
import type { SwinUnetrSpec } from './spec.ts';

/** Width of the hidden layer of a block's perceptron, in multiples of its channels. */
export const mlpRatio = 4;

/** Prefix of block `block` of stage `stage`, both from 0. */
export function swinBlockPrefix(stage: number, block: number): string {
  return `swin_unetr.swinViT.layers${stage + 1}.0.blocks.${block}`;
}

/** Prefix of the merging that ends stage `stage`, from 0. */
export function swinMergePrefix(stage: number): string {
  return `swin_unetr.swinViT.layers${stage + 1}.0.downsample`;
}

/** Prefix of a head's 1x1x1 convolution. */
export function swinHeadPrefix(head: string): string {
  return `outs.${head}.conv.conv`;
}

/** The transformer by stages, the convolutional encoders, decoders from the deepest, the heads. */
export function swinParameters(spec: SwinUnetrSpec): readonly ParameterInfo[] {
  const list: ParameterInfo[] = [];
  const add = (name: string, shape: readonly number[], init: ParameterInit): void => {
    list.push({ name, shape, init });
  };
  const norm = (name: string, channels: number): void => {
    add(`${name}.weight`, [channels], 'ones');
    add(`${name}.bias`, [channels], 'zeros');
  };
  const linear = (name: string, from: number, to: number): void => {
    add(`${name}.weight`, [to, from], 'trunc-normal');
    add(`${name}.bias`, [to], 'zeros');
  };
  const residual = (name: string, from: number, to: number): void => {
    add(`${name}.conv1.conv.weight`, [to, from, 3, 3, 3], 'he');
    add(`${name}.conv2.conv.weight`, [to, to, 3, 3, 3], 'he');
    if (from !== to) add(`${name}.conv3.conv.weight`, [to, from, 1, 1, 1], 'he');
  };
  const { featureSize, inChannels, window, depths } = spec;
  const stages = depths.length;
  add('swin_unetr.swinViT.patch_embed.proj.weight', [featureSize, inChannels, 2, 2, 2], 'he');
  add('swin_unetr.swinViT.patch_embed.proj.bias', [featureSize], 'zeros');
  depths.forEach((depth, stage) => {
    const c = featureSize * 2 ** stage;
    for (let block = 0; block < depth; block++) {
      const prefix = swinBlockPrefix(stage, block);
      norm(`${prefix}.norm1`, c);
      const table = [(2 * window - 1) ** 3, spec.numHeads[stage] as number];
      add(`${prefix}.attn.relative_position_bias_table`, table, 'trunc-normal');
      linear(`${prefix}.attn.qkv`, c, 3 * c);
      linear(`${prefix}.attn.proj`, c, c);
      norm(`${prefix}.norm2`, c);
      linear(`${prefix}.mlp.linear1`, c, mlpRatio * c);
      linear(`${prefix}.mlp.linear2`, mlpRatio * c, c);
    }
    add(`${swinMergePrefix(stage)}.reduction.weight`, [2 * c, 8 * c], 'trunc-normal');
    norm(`${swinMergePrefix(stage)}.norm`, 8 * c);
  });
  residual('swin_unetr.encoder1.layer', inChannels, featureSize);
  for (let stage = 0; stage < stages - 1; stage++) {
    const c = featureSize * 2 ** stage;
    residual(`swin_unetr.encoder${stage + 2}.layer`, c, c);
  }
  const deepest = featureSize * 2 ** stages;
  residual('swin_unetr.encoder10.layer', deepest, deepest);
  for (let stage = stages; stage >= 0; stage--) {
    // The last one goes from half the size to the full one at the same channels.
    const to = featureSize * 2 ** Math.max(0, stage - 1);
    const from = featureSize * 2 ** stage;
    const prefix = `swin_unetr.decoder${stage + 1}`;
    add(`${prefix}.transp_conv.conv.weight`, [from, to, 2, 2, 2], 'he');
    residual(`${prefix}.conv_block`, 2 * to, to);
  }
  for (const head of Object.keys(spec.heads).sort()) {
    const classes = spec.heads[head] as number;
    add(`${swinHeadPrefix(head)}.weight`, [classes, featureSize, 1, 1, 1], 'he');
    add(`${swinHeadPrefix(head)}.bias`, [classes], 'background');
  }
  return list;
}
