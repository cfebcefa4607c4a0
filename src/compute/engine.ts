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
import { instantiateKernels } from './kernels/module.ts';
import { loadNative, nativeKernels, type NativeModule } from './native/module.ts';
import type { Ops } from './ops.ts';
import { referenceOps } from './reference-ops.ts';
import { heapBytesLimit, WasmHeap } from './wasm-heap.ts';
import { wasmOps } from './wasm-ops.ts';

export type BackendName = 'native' | 'wasm' | 'cpu';

export interface EngineOptions {
  /**
   * `native` is our kernels in C++ on the heap of `wasm`, which is the portable one; `cpu` is plain JavaScript: slow,
   * for checking only. `auto` is `native` where it was built, else `wasm`.
   */
  readonly backend: BackendName | 'auto';
  /** Most bytes the wasm heap may grow to, so that one process can hold several. Default 4 GiB. */
  readonly heapBytesMax?: number;
  /** Threads that `native` computes on; results do not depend on them. Default 1. */
  readonly threads?: number;
}

export interface EngineMemory {
  /** Bytes the heap has grown to; for `cpu` the bytes of live tensors. */
  readonly heapBytes: number;
  /** Live tensors: level over the steps of a loop that does not leak. */
  readonly tensorCount: number;
}

export interface Engine {
  /** TF.js with this engine's backend current. */
  readonly tf: typeof tfjs;
  readonly backend: BackendName;
  /** The backend with what its rounding depends on: `native avx2`. */
  readonly backendVariant: string;
  readonly ops: Ops;
  readonly memory: () => EngineMemory;
  /** Frees the backend and all its tensors. */
  readonly close: () => void;
}

let openBackend: BackendName | null = null;

/**
 * Opens the one engine of this thread.
 *
 * @throws {ComputeError} 'backend_missing' when TF.js cannot start the backend, 'kernels_missing' when
 * `wasm` was asked for and our kernels were not built, 'native_missing' when `native` was and they were not.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  invariant(openBackend === null, `the engine of this thread is closed before another is opened`);
  const backend = chosenBackend(options.backend);
  // The bundles are CommonJS: their names are on the default export.
  const tf = (await import('@tensorflow/tfjs')).default as unknown as typeof tfjs;
  tf.enableProdMode(); // no banner on the console
  openBackend = backend;
  try {
    return backend === 'cpu' ? await openCpu(tf) : await openHeap(tf, backend, options);
  } catch (error) {
    openBackend = null;
    throw error;
  }
}

async function openCpu(tf: typeof tfjs): Promise<Engine> {
  await useBackend(tf, 'cpu');
  return {
    tf,
    backend: 'cpu',
    backendVariant: 'cpu',
    ops: referenceOps(tf),
    memory: () => ({ heapBytes: tf.memory().numBytes, tensorCount: tf.memory().numTensors }),
    close: () => {
      closeBackend(tf, 'cpu');
    },
  };
}

function chosenBackend(wanted: BackendName | 'auto'): BackendName {
  if (wanted !== 'auto') return wanted;
  return loadNative() === null ? 'wasm' : 'native';
}

/**
 * What `openEngine` would name its `backendVariant`.
 *
 * @throws {ComputeError} 'native_missing' when `native` was asked for and is not there.
 */
export function backendVariant(wanted: BackendName | 'auto'): string {
  const backend = chosenBackend(wanted);
  return backend === 'native' ? `native ${needNative().variant}` : backend;
}

function needNative(): NativeModule {
  const native = loadNative();
  if (native === null) throw new ComputeError({ code: 'native_missing' });
  return native;
}

/** TF.js's wasm backend with our kernels, portable or native, on its heap. */
async function openHeap(
  tf: typeof tfjs,
  backend: 'native' | 'wasm',
  options: EngineOptions,
): Promise<Engine> {
  const native = backend === 'native' ? needNative() : null;
  await loadWasmBackend(tf);
  const heap = new WasmHeap(tf, Math.min(options.heapBytesMax ?? heapBytesLimit, heapBytesLimit));
  const kernels =
    native === null
      ? instantiateKernels(heap.memory)
      : nativeKernels(native, heap.memory, options.threads ?? 1);
  return {
    tf,
    backend,
    backendVariant: backendVariant(backend),
    ops: wasmOps(tf, heap, kernels),
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

async function useBackend(tf: typeof tfjs, name: 'wasm' | 'cpu'): Promise<void> {
  let cause: unknown;
  const ready = await tf.setBackend(name).catch((error: unknown) => {
    cause = error;
    return false;
  });
  if (!ready) throw new ComputeError({ code: 'backend_missing', backend: name }, { cause });
}

/** Removing a backend frees its heap; its factory stays registered so that it can be opened again. */
function closeBackend(tf: typeof tfjs, name: 'wasm' | 'cpu'): void {
  if (openBackend === null) return;
  const factory = tf.findBackendFactory(name) as () => tfjs.KernelBackend;
  tf.removeBackend(name);
  tf.registerBackend(name, factory);
  openBackend = null;
}
