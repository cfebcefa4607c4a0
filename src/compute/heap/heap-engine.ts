/** TF.js's wasm backend with our kernels on its heap: the portable ones, or the native ones in C++. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type * as tfjs from '@tensorflow/tfjs';

import { messageOf } from '../../base/index.ts';
import type { Availability } from '../backend-choice.ts';
import type { EngineOptions, EngineParts } from '../engine.ts';
import { startBackend, stopBackend } from '../tfjs-backend.ts';
import { heapOps } from './heap-ops.ts';
import { loadNative, nativeKernels, type NativeModule } from './native/module.ts';
import { heapBytesLimit, WasmHeap } from './wasm-heap.ts';
import { KernelPool, serialRunner } from './wasm/kernel-pool.ts';
import {
  builtFile,
  instantiateKernels,
  portableBuild,
  type PortableKernels,
} from './wasm/module.ts';
import { splitKernels } from './wasm/split-kernels.ts';
import { boardBytes } from './wasm/task-board.ts';

/** Whether the portable kernels are built; the detail is their SIMD. */
export function probeWasm(): Availability {
  try {
    return { available: true, detail: portableBuild().simd };
  } catch (error) {
    return { available: false, detail: messageOf(error) };
  }
}

/** Whether native kernels are built for this processor; the detail is their instruction set. */
export function probeNative(): Availability {
  const native = loadNative();
  return { available: native !== null, detail: native?.variant ?? 'not built for this processor' };
}

/**
 * Starts the wasm backend with the kernels of `native`, or the portable ones where it is null.
 *
 * @throws {ComputeError} 'backend_missing', 'kernels_missing' or 'thread_failed'; nothing stays open then.
 */
export async function openHeap(
  tf: typeof tfjs,
  native: NativeModule | null,
  options: EngineOptions,
): Promise<EngineParts> {
  // C++ threads need no heap that wasm threads could share.
  await loadWasmBackend(tf, native === null && (options.threads ?? 1) > 1);
  try {
    return await partsOnHeap(tf, native, options);
  } catch (error) {
    // What has started would serve the next engine, whatever that asks for.
    stopBackend(tf, 'wasm');
    throw error;
  }
}

async function partsOnHeap(
  tf: typeof tfjs,
  native: NativeModule | null,
  options: EngineOptions,
): Promise<EngineParts> {
  const threads = options.threads ?? 1;
  const heap = new WasmHeap(tf, Math.min(options.heapBytesMax ?? heapBytesLimit, heapBytesLimit));
  const portable = native === null ? await openPortable(heap, threads) : null;
  const kernels = portable ?? nativeKernels(native as NativeModule, heap.memory, threads, options);
  return {
    ...{ ops: heapOps(tf, heap, kernels), threads },
    heapBytes: () => heap.heapBytes,
    close: () => {
      portable?.runner.close();
      stopBackend(tf, 'wasm');
    },
  };
}

/** Our portable kernels on the heap, with threads beside this one where more than 1 are asked for. */
async function openPortable(heap: WasmHeap, threads: number): Promise<PortableKernels> {
  const { memory } = heap;
  const { module, kernels } = instantiateKernels(portableBuild(), memory, threads > 1);
  if (threads === 1) return splitKernels(kernels, serialRunner(kernels), heap);
  const board = heap.allocate(boardBytes);
  heap.zero(board, boardBytes);
  const pool = await KernelPool.open({ threads, module, kernels, memory, board });
  return splitKernels(kernels, pool, heap);
}

/**
 * Starts the single-threaded SIMD build: its threaded one cannot start from a file in Node. For threads of ours, which
 * share its memory, the same build with that memory declared shared.
 */
async function loadWasmBackend(tf: typeof tfjs, isShared: boolean): Promise<void> {
  const { setWasmPaths } = (await import('@tensorflow/tfjs-backend-wasm')).default;
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')),
    'dist',
  );
  const plain = join(folder, 'tfjs-backend-wasm-simd.wasm');
  setWasmPaths({
    'tfjs-backend-wasm.wasm': join(folder, 'tfjs-backend-wasm.wasm'),
    'tfjs-backend-wasm-simd.wasm': isShared ? builtFile('tfjs-shared.wasm') : plain,
    'tfjs-backend-wasm-threaded-simd.wasm': plain,
  });
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  // Emscripten hooks the process's last-resort handlers for its own exit codes; we keep ours.
  const before = lastResortHandlers();
  await startBackend(tf, 'wasm');
  const after = lastResortHandlers();
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    for (const handler of after[event]) {
      if (!before[event].includes(handler)) process.removeListener(event, handler);
    }
  }
}

function lastResortHandlers(): Record<
  'uncaughtException' | 'unhandledRejection',
  ((...args: unknown[]) => void)[]
> {
  return {
    uncaughtException: process.listeners('uncaughtException') as ((...args: unknown[]) => void)[],
    unhandledRejection: process.listeners('unhandledRejection') as ((...args: unknown[]) => void)[],
  };
}
