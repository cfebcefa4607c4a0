/** Convolutions and dense products as registered kernels. Names carry the project's, so none of TF.js's is shadowed. */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';

import {
  columnSums,
  convFilterGradient,
  convForward,
  convInputGradient,
} from '../heap/convolution.ts';
import type { Launcher } from '../heap/launcher.ts';
import type { ConvGeometry } from './conv-geometry.ts';
import { need, runOne, type Attributes, type Inputs, type OwnKernel } from './kernel-registry.ts';

function geometryOf(attributes: Attributes): ConvGeometry {
  return attributes.geometry as ConvGeometry;
}

function biasGradient(
  tf: Parameters<NonNullable<OwnKernel['gradient']>>[0],
  dy: Tensor,
): () => Tensor {
  return () => runOne(tf, 'AnnulusColumnSums', { dy });
}

/** conv3d, its transpose, and their gradients; `attributes.geometry` is always the forward convolution's. */
export const convKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusConv3d',
    run: (l, inputs, attributes) =>
      convForward(
        ...([l, geometryOf(attributes), need(inputs, 'x')] as const),
        ...([need(inputs, 'w'), inputs.b ?? null] as const),
      ),
    saved: { inputs: ['x', 'w'] },
    gradient: (tf, dy, [x, w], attributes) => ({
      x: () => runOne(tf, 'AnnulusConv3dInput', { y: dy, w: w as Tensor }, attributes),
      w: () => runOne(tf, 'AnnulusConv3dFilter', { x: x as Tensor, dy }, attributes),
      b: biasGradient(tf, dy),
    }),
  },
  {
    name: 'AnnulusConv3dInput',
    run: (l, inputs, attributes) =>
      convInputGradient(
        ...([l, geometryOf(attributes), need(inputs, 'y')] as const),
        ...([need(inputs, 'w'), inputs.b ?? null] as const),
      ),
    // The transposed convolution is this kernel, so its gradients are the forward one and the filter's.
    saved: { inputs: ['y', 'w'] },
    gradient: (tf, dx, [y, w], attributes) => ({
      y: () => runOne(tf, 'AnnulusConv3d', { x: dx, w: w as Tensor }, attributes),
      w: () => runOne(tf, 'AnnulusConv3dFilter', { x: dx, dy: y as Tensor }, attributes),
      b: biasGradient(tf, dx),
    }),
  },
  {
    name: 'AnnulusConv3dFilter',
    run: (l, inputs, attributes) =>
      convFilterGradient(l, geometryOf(attributes), need(inputs, 'x'), need(inputs, 'dy')),
  },
  {
    name: 'AnnulusColumnSums',
    run: (l: Launcher, inputs: Inputs): TensorInfo => columnSums(l, need(inputs, 'dy')),
  },
];
