/** Our kernels' WebGPU side, under the names that the wasm side registers; gradients are shared with it. */
import type * as tfjs from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';

import { invariant } from '../../base/index.ts';
import { convGeometry, type ConvGeometry } from '../heap/convolution.ts';
import { need, registerOnce, type Attributes, type Inputs } from '../ops/kernel-registry.ts';
import { countOf } from '../ops/norm-kernels.ts';
import { windowAttention, windowAttentionGradient } from './attention.ts';
import { columnSums } from './columns.ts';
import { convFilterGradient } from './filter-gradient.ts';
import type { GpuLauncher } from './launcher.ts';
import { crossEntropyDice } from './loss.ts';
import * as moves from './moves.ts';
import * as norm from './norm.ts';
import { convForward, convInputGradient } from './window-product.ts';

type Run = (l: GpuLauncher, inputs: Inputs, attributes: Attributes) => TensorInfo | TensorInfo[];

/** A dense product as a convolution of one tap over a line of rows. */
function lineGeometry(rows: number, inputs: number, outputs: number): ConvGeometry {
  return convGeometry([1, 1, 1, rows, inputs], [outputs, inputs, 1, 1, 1], [1, 1, 1]);
}

function rowsOf(x: TensorInfo): number {
  return countOf(x) / (x.shape.at(-1) ?? 1);
}

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
    const [outputs = 1, width = 1] = w.shape;
    const y = convForward(l, lineGeometry(rowsOf(x), width, outputs), x, w, inputs.b ?? null);
    return reshaped(y, [...x.shape.slice(0, -1), outputs]);
  },
  AnnulusLinearInput: (l, inputs) => {
    const [dy, w] = [need(inputs, 'dy'), need(inputs, 'w')];
    const [outputs = 1, width = 1] = w.shape;
    const dx = convInputGradient(l, lineGeometry(rowsOf(dy), width, outputs), dy, w);
    return reshaped(dx, [...dy.shape.slice(0, -1), width]);
  },
  AnnulusLinearFilter: (l, inputs) => {
    const [x, dy] = [need(inputs, 'x'), need(inputs, 'dy')];
    const [width, outputs] = [x.shape.at(-1) ?? 1, dy.shape.at(-1) ?? 1];
    const dw = convFilterGradient(l, lineGeometry(rowsOf(x), width, outputs), x, dy);
    return reshaped(dw, [outputs, width]);
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
