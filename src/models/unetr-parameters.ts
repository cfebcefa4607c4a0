/** Names and shapes of a UNETR's parameters, as MONAI has them. */
import { LayerList } from './layer-list.ts';
import type { ParameterInfo } from './parameter.ts';
import { unetrPatchSide, type UnetrSpec } from './spec.ts';

/** Prefix of the patches' embedding. */
export const unetrEmbeddingPrefix = 'unetr.vit.patch_embedding';

/** Prefix of block `block` of the transformer, from 0. */
export function unetrBlockPrefix(block: number): string {
  return `unetr.vit.blocks.${block}`;
}

/** Residual blocks of the encoders 2, 3 and 4: each doubles the size once more than the projection does. */
export const unetrEncoderBlocks = [2, 1, 0] as const;

/** The transformer, the convolutional encoders, decoders from the deepest, the heads. */
export function unetrParameters(spec: UnetrSpec): readonly ParameterInfo[] {
  const list = new LayerList();
  const { inChannels, imageSize, featureSize, hiddenSize, mlpDim, numLayers } = spec;
  const tokens = imageSize.reduce((product, side) => (product * side) / unetrPatchSide, 1);
  const embedding = `${unetrEmbeddingPrefix}.patch_embeddings`;
  list.patchEmbedding(embedding, inChannels, hiddenSize, unetrPatchSide);
  list.add(`${unetrEmbeddingPrefix}.position_embeddings`, [1, tokens, hiddenSize], 'trunc-normal');
  for (let block = 0; block < numLayers; block++) {
    const prefix = unetrBlockPrefix(block);
    list.norm(`${prefix}.norm1`, hiddenSize);
    list.add(`${prefix}.attn.qkv.weight`, [3 * hiddenSize, hiddenSize], 'trunc-normal');
    list.linear(`${prefix}.attn.out_proj`, hiddenSize, hiddenSize);
    list.norm(`${prefix}.norm2`, hiddenSize);
    list.linear(`${prefix}.mlp.linear1`, hiddenSize, mlpDim);
    list.linear(`${prefix}.mlp.linear2`, mlpDim, hiddenSize);
  }
  list.norm('unetr.vit.norm', hiddenSize);
  list.residual('unetr.encoder1.layer', inChannels, featureSize);
  unetrEncoderBlocks.forEach((blocks, index) => {
    const [prefix, channels] = [`unetr.encoder${index + 2}`, featureSize * 2 ** (index + 1)];
    list.upsampling(`${prefix}.transp_conv_init`, hiddenSize, channels);
    for (let block = 0; block < blocks; block++) {
      list.upsampling(`${prefix}.blocks.${block}.0`, channels, channels);
      list.residual(`${prefix}.blocks.${block}.1`, channels, channels);
    }
  });
  for (let level = 3; level >= 0; level--) {
    const from = level === 3 ? hiddenSize : featureSize * 2 ** (level + 1);
    list.upBlock(`unetr.decoder${level + 2}`, from, featureSize * 2 ** level);
  }
  list.heads(spec.heads, featureSize);
  return list.parameters;
}
