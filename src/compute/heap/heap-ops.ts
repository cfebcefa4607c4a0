/** The operations on our own kernels in the heap of the TF.js wasm backend. */
import type * as tfjs from '@tensorflow/tfjs';

import { kernelOps, ownKernels } from '../ops/kernel-ops.ts';
import { adoptLauncher, registerKernels, shareClones } from '../ops/kernel-registry.ts';
import type { Ops } from '../ops/ops.ts';
import { Launcher } from './launcher.ts';
import type { NativeKernels } from './native/module.ts';
import { adamW, sgd } from './optimisers.ts';
import type { WasmHeap } from './wasm-heap.ts';
import type { PortableKernels } from './wasm/module.ts';

/**
 * Registers our kernels for the current backend, whose heap is `heap`, and gives the operations that run on them.
 *
 * @throws {ComputeError} each operation: 'bad_shape' where kernels would read past their tensors.
 */
export function heapOps(
  tf: typeof tfjs,
  heap: WasmHeap,
  kernels: PortableKernels | NativeKernels,
): Ops {
  const launcher = new Launcher(heap, kernels);
  adoptLauncher(tf, launcher);
  shareClones(tf);
  registerKernels(tf, ownKernels);
  return kernelOps(tf, {
    adamW: (...args) => {
      adamW(launcher, ...args);
    },
    sgd: (...args) => {
      sgd(launcher, ...args);
    },
  });
}
