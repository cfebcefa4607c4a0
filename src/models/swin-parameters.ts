/** Names and shapes of a SwinUNETR's parameters, as MONAI has them. */
import { LayerList } from './layer-list.ts';
import type { ParameterInfo } from './parameter.ts';
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

/** The transformer by stages, the convolutional encoders, decoders from the deepest, the heads. */
export function swinParameters(spec: SwinUnetrSpec): readonly ParameterInfo[] {
  const list = new LayerList();
  const { featureSize, inChannels, window, depths } = spec;
  const stages = depths.length;
  list.patchEmbedding('swin_unetr.swinViT.patch_embed.proj', inChannels, featureSize, 2);
  depths.forEach((depth, stage) => {
    const c = featureSize * 2 ** stage;
    for (let block = 0; block < depth; block++) {
      const prefix = swinBlockPrefix(stage, block);
      list.norm(`${prefix}.norm1`, c);
      const table = [(2 * window - 1) ** 3, spec.numHeads[stage] as number];
      list.add(`${prefix}.attn.relative_position_bias_table`, table, 'trunc-normal');
      list.linear(`${prefix}.attn.qkv`, c, 3 * c);
      list.linear(`${prefix}.attn.proj`, c, c);
      list.norm(`${prefix}.norm2`, c);
      list.linear(`${prefix}.mlp.linear1`, c, mlpRatio * c);
      list.linear(`${prefix}.mlp.linear2`, mlpRatio * c, c);
    }
    list.add(`${swinMergePrefix(stage)}.reduction.weight`, [2 * c, 8 * c], 'trunc-normal');
    list.norm(`${swinMergePrefix(stage)}.norm`, 8 * c);
  });
  list.residual('swin_unetr.encoder1.layer', inChannels, featureSize);
  for (let stage = 0; stage < stages - 1; stage++) {
    const c = featureSize * 2 ** stage;
    list.residual(`swin_unetr.encoder${stage + 2}.layer`, c, c);
  }
  const deepest = featureSize * 2 ** stages;
  list.residual('swin_unetr.encoder10.layer', deepest, deepest);
  for (let stage = stages; stage >= 0; stage--) {
    // The last one goes from half the size to the full one at the same channels.
    const to = featureSize * 2 ** Math.max(0, stage - 1);
    list.upBlock(`swin_unetr.decoder${stage + 1}`, featureSize * 2 ** stage, to);
  }
  list.heads(spec.heads, featureSize);
  return list.parameters;
}
