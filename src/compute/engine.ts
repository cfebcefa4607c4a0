/**
 * Opening a backend: the one place that loads TF.js. In Node only the whole `@tensorflow/tfjs` bundle
 * registers gradients, so that is what is loaded.
 *
 * TF.js keeps one current backend per thread, so a thread has one open engine at a time. Work is spread
 * over cores by one engine per worker thread.
 */
import type * as tfjs from '@tensorflow/tfjs';

import { invariant } from '../base/index.ts';
import { ComputeError } from './errors.ts';
import type { Ops } from './ops.ts';
import { referenceOps } from './reference-ops.ts';
import { heapBytesLimit, WasmHeap } from './wasm-heap.ts';
import { wasmOps } from './wasm-ops.ts';
import { findGpu, openGpu, type GpuAdapter } from './webgpu/engine.ts';

export type BackendName = 'webgpu' | 'wasm' | 'cpu';

export interface EngineOptions {
  /**
   * `auto` is `webgpu` where there is a graphics card and the package for it, else `wasm`. `cpu` is plain
   * JavaScript: slow, for checking only.
   */
  readonly backend: BackendName | 'auto';
  /** Most bytes the wasm heap may grow to, so that one process can hold several. Default 4 GiB. */
  readonly heapBytesMax?: number;
}

export interface EngineMemory {
  /** Bytes the heap has grown to; for `webgpu` of its buffers; for `cpu` of live tensors. */
  readonly heapBytes: number;
  /** Live tensors: level over the steps of a loop that does not leak. */
  readonly tensorCount: number;
}

export interface Engine {
  /** TF.js with this engine's backend current. */
  readonly tf: typeof tfjs;
  readonly backend: BackendName;
  /** The backend and what it runs on, for people. */
  readonly description: string;
  readonly ops: Ops;
  readonly memory: () => EngineMemory;
  /**
   * Reports what went wrong on the device since the last call; it works behind the program's back.
   *
   * @throws {ComputeError} 'gpu_failed'
   */
  readonly check: () => void;
  /** Frees the backend and all its tensors. */
  readonly close: () => void;
}

let openBackend: BackendName | null = null;

/**
 * Opens the one engine of this thread.
 *
 * @throws {ComputeError} 'gpu_missing' when `webgpu` was asked for and cannot be had, 'backend_missing' when TF.js cannot start the backend, 'kernels_missing' when
 * `wasm` was asked for and our kernels were not built.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  invariant(openBackend === null, `the engine of this thread is closed before another is opened`);
  const gpu = await gpuFor(options.backend);
  const backend = gpu !== null ? 'webgpu' : options.backend === 'auto' ? 'wasm' : options.backend;
  // The bundles are CommonJS: their names are on the default export.
  const tf = (await import('@tensorflow/tfjs')).default as unknown as typeof tfjs;
  tf.enableProdMode(); // no banner on the console
  openBackend = backend;
  try {
    if (gpu !== null) return await openWebGpu(tf, gpu);
    return backend === 'wasm' ? await openWasm(tf, options) : await openCpu(tf);
  } catch (error) {
    openBackend = null;
    throw error;
  }
}

/** `auto` takes a card only: a driver that computes on the processor is slower than wasm. */
async function gpuFor(backend: EngineOptions['backend']): Promise<GpuAdapter | null> {
  if (backend === 'webgpu') return findGpu(true);
  if (backend !== 'auto') return null;
  const found = await findGpu();
  return found === null || found.isSoftware ? null : found;
}

async function openWebGpu(tf: typeof tfjs, adapter: GpuAdapter): Promise<Engine> {
  const gpu = await openGpu(tf, adapter);
  return {
    tf,
    backend: 'webgpu',
    description: `webgpu: ${gpu.description}`,
    ops: gpu.ops,
    memory: () => ({ heapBytes: gpu.bytes(), tensorCount: tf.memory().numTensors }),
    check: gpu.check,
    close: () => {
      if (openBackend === null) return;
      gpu.close();
      openBackend = null;
    },
  };
}

async function openCpu(tf: typeof tfjs): Promise<Engine> {
  await useBackend(tf, 'cpu');
  return {
    tf,
    backend: 'cpu',
    description: 'cpu: plain JavaScript',
    check: () => undefined,
    ops: referenceOps(tf),
    memory: () => ({ heapBytes: tf.memory().numBytes, tensorCount: tf.memory().numTensors }),
    close: () => {
      closeBackend(tf, 'cpu');
    },
  };
}

async function openWasm(tf: typeof tfjs, options: EngineOptions): Promise<Engine> {
  await loadWasmBackend(tf);
  const heap = new WasmHeap(tf, Math.min(options.heapBytesMax ?? heapBytesLimit, heapBytesLimit));
  return {
    tf,
    backend: 'wasm',
    description: 'wasm: own kernels, one thread',
    check: () => undefined,
    ops: wasmOps(tf, heap),
    memory: () => ({ heapBytes: heap.heapBytes, tensorCount: tf.memory().numTensors }),
    close: () => {
      closeBackend(tf, 'wasm');
    },
  };
}

/** Starts the single-threaded SIMD build: its threaded one cannot start from a file in Node. */
async function loadWasmBackend(tf: typeof tfjs): Promise<void> {
  await import('@tensorflow/tfjs-backend-wasm');
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  // Emscripten hooks the process's last-resort handlers for its own exit codes; we keep ours.
  const before = lastResortHandlers();
  await useBackend(tf, 'wasm');
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

async function useBackend(tf: typeof tfjs, name: BackendName): Promise<void> {
  let cause: unknown;
  const ready = await tf.setBackend(name).catch((error: unknown) => {
    cause = error;
    return false;
  });
  if (!ready) throw new ComputeError({ code: 'backend_missing', backend: name }, { cause });
}

/** Removing a backend frees its heap; its factory stays registered so that it can be opened again. */
function closeBackend(tf: typeof tfjs, name: BackendName): void {
  if (openBackend === null) return;
  const factory = tf.findBackendFactory(name) as () => tfjs.KernelBackend;
  tf.removeBackend(name);
  tf.registerBackend(name, factory);
  openBackend = null;
}
