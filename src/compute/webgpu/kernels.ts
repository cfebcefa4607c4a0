/** Our kernels' WebGPU side, under the names that the wasm side registers; gradients are shared with it. */
import type * as tfjs from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import { denseGeometry, type ConvGeometry } from '../ops/conv-geometry.ts';
import { need, registerOnce, type Attributes, type Inputs } from '../ops/kernel-registry.ts';
import { windowAttention, windowAttentionGradient } from './attention.ts';
import { columnSums } from './columns.ts';
import { convFilterGradient } from './filter-gradient.ts';
import type { GpuLauncher } from './launcher.ts';
import { crossEntropyDice } from './loss.ts';
import * as moves from './moves.ts';
import * as norm from './norm.ts';
import { convForward, convInputGradient } from './window-product.ts';

type Run = (l: GpuLauncher, inputs: Inputs, attributes: Attributes) => TensorInfo | TensorInfo[];

/** The same values under another shape. */
function reshaped(info: TensorInfo, shape: readonly number[]): TensorInfo {
  return { ...info, shape: [...shape] };
}

const runs: Readonly<Record<string, Run>> = {
  AnnulusConv3d: (l, inputs, { geometry }) =>
    convForward(
      ...([l, geometry as ConvGeometry, need(inputs, 'x')] as const),
      ...([need(inputs, 'w'), inputs.b ?? null] as const),
    ),
  AnnulusConv3dInput: (l, inputs, { geometry }) =>
    convInputGradient(
      ...([l, geometry as ConvGeometry, need(inputs, 'y')] as const),
      ...([need(inputs, 'w'), inputs.b ?? null] as const),
    ),
  AnnulusConv3dFilter: (l, inputs, { geometry }) =>
    convFilterGradient(l, geometry as ConvGeometry, need(inputs, 'x'), need(inputs, 'dy')),
  AnnulusColumnSums: (l, inputs) => columnSums(l, need(inputs, 'dy')),
  AnnulusLinear: (l, inputs) => {
    const [x, w] = [need(inputs, 'x'), need(inputs, 'w')];
    const y = convForward(l, denseGeometry(x.shape, w.shape), x, w, inputs.b ?? null);
    return reshaped(y, [...x.shape.slice(0, -1), w.shape[0] ?? 1]);
  },
  AnnulusLinearInput: (l, inputs) => {
    const [dy, w] = [need(inputs, 'dy'), need(inputs, 'w')];
    const dx = convInputGradient(l, denseGeometry(dy.shape, w.shape), dy, w);
    return reshaped(dx, [...dy.shape.slice(0, -1), w.shape[1] ?? 1]);
  },
  AnnulusLinearFilter: (l, inputs) => {
    const [x, dy] = [need(inputs, 'x'), need(inputs, 'dy')];
    const shape = [dy.shape.at(-1) ?? 1, x.shape.at(-1) ?? 1];
    return reshaped(convFilterGradient(l, denseGeometry(x.shape, shape), x, dy), shape);
  },
  AnnulusInstanceNorm: norm.instanceNorm,
  AnnulusInstanceNormGradient: norm.instanceNormGradient,
  AnnulusLayerNorm: norm.layerNorm,
  AnnulusLayerNormGradient: norm.layerNormGradient,
  AnnulusLeakyRelu: moves.leakyRelu,
  AnnulusAccumulate: moves.accumulate,
  AnnulusGelu: moves.gelu,
  AnnulusScale: moves.scale,
  AnnulusConcat: moves.concat,
  AnnulusChannels: moves.channels,
  AnnulusWindowPartition: moves.windowPartition,
  AnnulusWindowReverse: moves.windowReverse,
  AnnulusMergePatches: moves.mergePatches,
  AnnulusMergePatchesGradient: moves.mergePatchesGradient,
  AnnulusGatherBias: moves.gatherBias,
  AnnulusGatherBiasGradient: moves.gatherBiasGradient,
  AnnulusWindowAttention: windowAttention,
  AnnulusWindowAttentionGradient: windowAttentionGradient,
  AnnulusCrossEntropyDice: crossEntropyDice,
};

/** Names of the kernels that WebGPU has. */
export const gpuKernelNames: readonly string[] = Object.keys(runs);

const launchers = new WeakMap<object, GpuLauncher>();

/** Registers the kernels once per thread, and makes `launcher` that of the current backend. */
export function registerGpuKernels(tf: typeof tfjs, launcher: GpuLauncher): void {
  launchers.set(tf.backend(), launcher);
  for (const [kernelName, run] of Object.entries(runs)) {
    registerOnce(`${kernelName} webgpu`, () => {
      tf.registerKernel({
        ...{ kernelName, backendName: 'webgpu' },
        kernelFunc: ({ inputs, backend, attrs }) => {
          const own = launchers.get(backend);
          invariant(own !== undefined, `${kernelName} runs on a backend that was adopted`);
          return run(own, inputs, attrs ?? {});
        },
      });
    });
  }
}
