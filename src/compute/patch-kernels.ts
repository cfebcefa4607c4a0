/** Merging of patches as a registered kernel. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { need, runOne, type OwnKernel } from './kernel-registry.ts';
import type { Launcher } from './launcher.ts';
import { addresses } from './norm-kernels.ts';

/** `[b, d, h, w, c] → [b, d/2, h/2, w/2, 8·c]` */
function mergedShape(shape: readonly number[]): number[] {
  const [batch = 1, depth = 2, height = 2, width = 2, channels = 1] = shape;
  return [batch, depth / 2, height / 2, width / 2, 8 * channels];
}

function move(l: Launcher, grid: TensorInfo, merged: TensorInfo, reverse: boolean): void {
  l.kernels.mergePatches(...addresses(l, grid, merged), reverse ? 1 : 0, ...grid.shape);
}

const mergePatches: OwnKernel = {
  name: 'AnnulusMergePatches',
  run: (l, inputs) => {
    const x = need(inputs, 'x');
    const out = l.heap.output(mergedShape(x.shape));
    move(l, x, out, false);
    return out;
  },
  saved: { inputs: [] },
  gradient: (tf, dy, _saved, { shape }) => ({
    x: () => runOne(tf, 'AnnulusSplitPatches', { dy }, { shape }),
  }),
};

const splitPatches: OwnKernel = {
  name: 'AnnulusSplitPatches',
  run: (l, inputs, { shape }) => {
    const out = l.heap.output(shape as number[]);
    move(l, out, need(inputs, 'dy'), true);
    return out;
  },
};

export const patchKernels: readonly OwnKernel[] = [mergePatches, splitPatches];
