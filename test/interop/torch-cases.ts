/** Small networks of many forms, for comparing with other implementations. */
import type { SwinUnetrSpec, UNetSpec, UnetrSpec } from '../../src/models/index.ts';
import { drawCase, type TorchCase } from './torch.ts';

const unet: UNetSpec = {
  kind: 'unet',
  inChannels: 1,
  features: [6, 8, 12],
  strides: [1, 2, 2],
  convsPerStage: 2,
  heads: { hps: 6 },
  deepSupervision: true,
  dropoutMilli: 0,
};
const swin: SwinUnetrSpec = {
  kind: 'swin-unetr',
  inChannels: 1,
  featureSize: 12,
  depths: [2, 2],
  numHeads: [3, 6],
  window: 7,
  heads: { hps: 6, ms: 3, calc: 2 },
};
const unetr: UnetrSpec = {
  kind: 'unetr',
  inChannels: 1,
  imageSize: [32, 16, 16],
  featureSize: 2,
  hiddenSize: 24,
  mlpDim: 40,
  numHeads: 4,
  numLayers: 12,
  heads: { hps: 6, ms: 3, calc: 2 },
};

/**
 * With gradients. The seeds are such that no activation lies so near a leaky ReLU's kink (2e-5) that rounding decides its
 * side: with labels drawn at random, one such voxel changes gradients by a thousandth.
 */
export const gradientCases: Readonly<Record<string, TorchCase>> = {
  'a U-Net with strides by axis, two inputs and a batch of two': drawCase(
    { ...unet, inChannels: 2, features: [4, 8, 6], strides: [1, [1, 2, 2], 2], convsPerStage: 1 },
    [2, 4, 12, 8],
    5,
  ),
  'a U-Net of four stages with three convolutions and two heads': drawCase(
    {
      ...unet,
      features: [5, 8, 12, 10],
      strides: [1, 2, [2, 2, 1], [1, 2, 2]],
      convsPerStage: 3,
      heads: { calc: 2, hps: 6 },
    },
    [1, 8, 16, 12],
    8,
  ),
  'a U-Net without deep supervision on an odd grid': drawCase(
    { ...unet, inChannels: 3, features: [5, 7], strides: [1, [2, 1, 2]], deepSupervision: false },
    [1, 6, 7, 10],
    2,
  ),
  'a transformer whose window is longer than two sides of its grid': drawCase(
    swin,
    [1, 8, 16, 8],
    7,
  ),
  'a transformer of uneven depths with small windows and three inputs': drawCase(
    { ...swin, inChannels: 3, featureSize: 8, depths: [1, 3], numHeads: [2, 4], window: 3 },
    [1, 16, 8, 16],
    7,
  ),
  'a plain transformer of twelve blocks': drawCase(unetr, [1, 32, 16, 16], 1),
  'a plain transformer of four blocks, two inputs and a batch of two': drawCase(
    { ...unetr, inChannels: 2, imageSize: [16, 16, 32], hiddenSize: 15, numHeads: 3, numLayers: 4 },
    [2, 16, 16, 32],
    1,
  ),
};

/** Of evaluation mode alone. */
export const forwardCases: Readonly<Record<string, TorchCase>> = {
  'a U-Net of the paper’s strides': drawCase(
    { ...unet, features: [4, 6, 8, 8, 10, 10], strides: [1, 2, 2, 2, 2, [2, 2, 1]] },
    [1, 32, 32, 32],
  ),
  'a transformer of the paper’s form at feature size 12': drawCase(
    { ...swin, inChannels: 4, depths: [2, 2, 2, 2], numHeads: [3, 6, 12, 24], heads: { hps: 6 } },
    [1, 32, 64, 32],
  ),
  'a transformer of feature size 24': drawCase(
    { ...swin, featureSize: 24, depths: [2, 2, 2], numHeads: [3, 6, 12] },
    [1, 16, 32, 32],
  ),
  'a plain transformer of feature size 8 and four inputs': drawCase(
    { ...unetr, inChannels: 4, imageSize: [32, 48, 16], featureSize: 8, hiddenSize: 96 },
    [1, 32, 48, 16],
  ),
};
