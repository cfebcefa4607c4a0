/**
 * Opening a backend: the one place that loads TF.js. In Node only the whole `@tensorflow/tfjs` bundle
 * registers gradients, so that is what is loaded.
 *
 * TF.js keeps one current backend per thread, so a thread has one open engine at a time. Work is spread
 * over cores by one engine per worker thread.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import { invariant, messageOf } from '../base/index.ts';
import { chooseBackend, type Availability, type Candidate } from './backend-choice.ts';
import { ComputeError } from './errors.ts';
import { heapOps } from './heap/heap-ops.ts';
import {
  loadNative,
  nativeKernels,
  nativeVariant,
  type NativeModule,
} from './heap/native/module.ts';
import { backendWith, type NativeOptions } from './heap/native/options.ts';
import { heapBytesLimit, WasmHeap } from './heap/wasm-heap.ts';
import { KernelPool, serialRunner } from './heap/wasm/kernel-pool.ts';
import {
  builtFile,
  instantiateKernels,
  portableBuild,
  type PortableBuild,
  type PortableKernels,
} from './heap/wasm/module.ts';
import { splitKernels } from './heap/wasm/split-kernels.ts';
import { boardBytes } from './heap/wasm/task-board.ts';
import type { Ops } from './ops/ops.ts';
import { referenceOps } from './ops/reference-ops.ts';
import { keepsNothing, type Repeat } from './repeat.ts';
import {
  probeTfjsNode,
  tfjsNodeBackend,
  tfjsNodePackages,
  type ImportModule,
} from './tfjs-node.ts';
import { findGpu, openGpu } from './webgpu/engine.ts';

/** Best first, as `auto` tries them; `tfjs-node` and `cpu` only when asked for. */
export const backendNames = ['cuda', 'webgpu', 'native', 'wasm', 'tfjs-node', 'cpu'] as const;

export type BackendName = (typeof backendNames)[number];

export interface EngineOptions extends Partial<NativeOptions> {
  /**
   * `auto` is the best that is there. `webgpu` is a graphics card; `native` is our kernels in C++ on the heap of `wasm`, the portable ones; `cpu` is
   * plain JavaScript: slow, for checking only.
   */
  readonly backend: BackendName | 'auto';
  /** Most bytes the wasm heap may grow to, so that one process can hold several. Default and most: 3.5 GiB. */
  readonly heapBytesMax?: number;
  /** Threads of our kernels, the calling one among them; results do not depend on them. Default 1: no other is started. */
  readonly threads?: number;
}

export interface EngineMemory {
  /** Bytes the heap has grown to; for `webgpu` of its buffers; else of live tensors. */
  readonly heapBytes: number;
  /** Live tensors: level over the steps of a loop that does not leak. */
  readonly tensorCount: number;
}

export interface Engine {
  /** TF.js with this engine's backend current. */
  readonly tf: typeof tfjs;
  readonly backend: BackendName;
  /** The backend with what its rounding depends on: `native avx2 bf16`. */
  readonly backendVariant: string;
  readonly ops: Ops;
  /** Threads of our kernels; a library of another's counts as 1, whatever it starts. */
  readonly threads: number;
  readonly memory: () => EngineMemory;
  readonly repeat: Repeat;
  /** Frees what `repeat` keeps for passes to come; call when there will be no more of them. */
  readonly forget: () => void;
  /**
   * Reports what went wrong on the device since the last call; it works behind the program's back.
   *
   * @throws {ComputeError} 'gpu_failed'
   */
  readonly check: () => void;
  /** Frees the backend and all its tensors. */
  readonly close: () => void;
}

type Open = (tf: typeof tfjs, options: EngineOptions) => Promise<Engine>;

/** What there is to know about a backend without opening it. */
export interface BackendReport extends Availability {
  readonly name: BackendName;
  readonly title: string;
  /** Whether `auto` may choose it. */
  readonly automatic: boolean;
  readonly howToGet: string;
}

let openBackend: BackendName | null = null;

/** One row for each of `backendNames`. */
function candidates(importModule: ImportModule): Record<BackendName, Omit<Row, 'name'>> {
  return {
    cuda: {
      title: 'NVIDIA GPU through TensorFlow',
      automatic: true,
      howToGet: `CUDA 11.2 and cuDNN 8.1, then npm install --no-save ${tfjsNodePackages.cuda}@4.22.0`,
      probe: () => probeTfjsNode('cuda', importModule),
      open: (tf) => openPlain(tf, 'cuda', tfjsNodeBackend),
    },
    webgpu: {
      title: 'graphics card through WebGPU',
      automatic: true,
      howToGet:
        "npm install --no-save webgpu@0.6.2, the card's Vulkan driver and (Debian) libvulkan1",
      probe: probeGpu,
      open: openWebGpu,
    },
    native: {
      title: 'processor, our kernels in C++',
      automatic: true,
      howToGet: 'a C++ compiler (Debian: g++), then node scripts/build-native.ts',
      probe: () => Promise.resolve(probeNative()),
      open: (tf, options) => openHeap(tf, 'native', options),
    },
    wasm: {
      title: 'processor, our kernels in WebAssembly',
      automatic: true,
      howToGet: 'node scripts/build-kernels.ts',
      probe: () => Promise.resolve(probeWasm()),
      open: (tf, options) => openHeap(tf, 'wasm', options),
    },
    'tfjs-node': {
      title: 'processor through TensorFlow',
      automatic: false,
      howToGet: `npm install --no-save ${tfjsNodePackages['tfjs-node']}@4.22.0`,
      probe: () => probeTfjsNode('tfjs-node', importModule),
      open: (tf) => openPlain(tf, 'tfjs-node', tfjsNodeBackend),
    },
    cpu: {
      title: 'plain JavaScript, for checking only',
      automatic: false,
      howToGet: 'it is always there',
      probe: () => Promise.resolve({ available: true, detail: 'always there' }),
      open: (tf) => openPlain(tf, 'cpu', 'cpu'),
    },
  };
}

type Row = Candidate<BackendName, Open>;
function backendTable(importModule: ImportModule): readonly Row[] {
  const rows = candidates(importModule);
  return backendNames.map((name) => ({ name, ...rows[name] }));
}

const importAny: ImportModule = (name) => import(name);
/** Looks at every backend, best first, and opens none. */
export async function listBackends(
  importModule: ImportModule = importAny,
): Promise<BackendReport[]> {
  const reports: BackendReport[] = [];
  for (const { name, title, automatic, howToGet, probe } of backendTable(importModule)) {
    reports.push({ name, title, automatic, howToGet, ...(await probe()) });
  }
  return reports;
}

/**
 * What `openEngine` would name its `backendVariant`.
 *
 * @throws {ComputeError} as `openEngine`.
 */
export async function backendVariant(options: EngineOptions): Promise<string> {
  const { name, probe } = await choose(options, importAny);
  const native = name === 'native' ? loadNative() : null;
  return native === null ? variantOf(name, (await probe()).detail) : nativeVariant(native, options);
}

/** Our portable kernels mostly have relaxed SIMD, which rounds differently. */
function variantOf(name: BackendName, detail: string): string {
  return name === 'webgpu' || detail === 'SIMD' ? `${name} ${detail}` : name;
}

/**
 * Opens the one engine of this thread.
 *
 * @param importModule as `import()`; tests hand out packages that are not installed.
 * @throws {ComputeError} 'backend_missing' when the backend asked for is not there or does not start; 'native_only'
 * when it is not the one that has what else is asked for.
 */
export async function openEngine(
  options: EngineOptions,
  importModule: ImportModule = importAny,
): Promise<Engine> {
  // The bundles are CommonJS: their names are on the default export.
  const tf = (await import('@tensorflow/tfjs')).default as unknown as typeof tfjs;
  tf.enableProdMode(); // no banner on the console
  const { name, open } = await choose(options, importModule);
  invariant(openBackend === null, `the engine of this thread is closed before another is opened`);
  openBackend = name;
  try {
    return await open(tf, options);
  } catch (error) {
    openBackend = null;
    throw error;
  }
}

function choose(options: EngineOptions, importModule: ImportModule): Promise<Row> {
  return chooseBackend(backendTable(importModule), backendWith(options.backend, options));
}

async function probeGpu(): Promise<Availability> {
  try {
    const { description, isSoftware } = await findGpu();
    return { available: true, detail: description, onlyIfForced: isSoftware };
  } catch (error) {
    return { available: false, detail: messageOf(error) };
  }
}

async function openWebGpu(tf: typeof tfjs): Promise<Engine> {
  const gpu = await openGpu(tf, await findGpu());
  return {
    tf,
    backend: 'webgpu',
    backendVariant: variantOf('webgpu', gpu.description),
    ops: gpu.ops,
    threads: 1,
    memory: () => ({ heapBytes: gpu.bytes(), tensorCount: tf.memory().numTensors }),
    repeat: gpu.repeat,
    forget: gpu.forget,
    check: gpu.check,
    close: () => {
      if (openBackend === null) return;
      gpu.close();
      openBackend = null;
    },
  };
}

/** The reference operations on a backend as it comes; TF.js knows it by `registeredName`. */
async function openPlain(
  tf: typeof tfjs,
  backend: BackendName,
  registeredName: string,
): Promise<Engine> {
  await useBackend(tf, registeredName);
  return {
    tf,
    backend,
    backendVariant: backend,
    ...keepsNothing,
    check: () => undefined,
    ops: referenceOps(tf),
    threads: 1,
    memory: () => ({ heapBytes: tf.memory().numBytes, tensorCount: tf.memory().numTensors }),
    close: () => {
      closeBackend(tf, registeredName);
    },
  };
}

function probeWasm(): Availability {
  try {
    return { available: true, detail: portableBuild().simd };
  } catch (error) {
    return { available: false, detail: messageOf(error) };
  }
}

function probeNative(): Availability {
  const native = loadNative();
  return { available: native !== null, detail: native?.variant ?? 'not built for this processor' };
}

/** TF.js's wasm backend with our kernels, portable or native, on its heap. */
async function openHeap(
  tf: typeof tfjs,
  backend: 'native' | 'wasm',
  options: EngineOptions,
): Promise<Engine> {
  const native = backend === 'native' ? loadNative() : null;
  // C++ threads need no heap that wasm threads could share.
  await loadWasmBackend(tf, native === null && (options.threads ?? 1) > 1);
  try {
    return await engineOnHeap(tf, native, options);
  } catch (error) {
    // What has started would serve the next engine, whatever that asks for.
    closeBackend(tf, 'wasm');
    throw error;
  }
}

async function engineOnHeap(
  tf: typeof tfjs,
  native: NativeModule | null,
  options: EngineOptions,
): Promise<Engine> {
  const backend = native === null ? 'wasm' : 'native';
  const threads = options.threads ?? 1;
  const heap = new WasmHeap(tf, Math.min(options.heapBytesMax ?? heapBytesLimit, heapBytesLimit));
  const build = portableBuild();
  const portable = native === null ? await openPortable(heap, build, threads) : null;
  const kernels = portable ?? nativeKernels(native as NativeModule, heap.memory, threads, options);
  return {
    tf,
    backend,
    backendVariant:
      native === null ? variantOf(backend, build.simd) : nativeVariant(native, options),
    ops: heapOps(tf, heap, kernels),
    threads,
    ...keepsNothing,
    check: () => undefined,
    memory: () => ({ heapBytes: heap.heapBytes, tensorCount: tf.memory().numTensors }),
    close: () => {
      portable?.runner.close();
      closeBackend(tf, 'wasm');
    },
  };
}

/** Our portable kernels on the heap, with threads beside this one where more than 1 are asked for. */
async function openPortable(
  heap: WasmHeap,
  build: PortableBuild,
  threads: number,
): Promise<PortableKernels> {
  const { memory } = heap;
  const { module, kernels } = instantiateKernels(build, memory, threads > 1);
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

async function useBackend(tf: typeof tfjs, name: string): Promise<void> {
  let cause: unknown;
  const ready = await tf.setBackend(name).catch((error: unknown) => {
    cause = error;
    return false;
  });
  if (ready) return;
  const detail =
    cause === undefined ? 'it does not start' : `it does not start: ${messageOf(cause)}`;
  const facts = { code: 'backend_missing', backend: name, detail } as const;
  throw new ComputeError({ ...facts, howToGet: 'annulus doctor shows what is there' }, { cause });
}

/** Removing a backend frees its heap; its factory stays registered so that it can be opened again. */
function closeBackend(tf: typeof tfjs, name: string): void {
  if (openBackend === null) return;
  const factory = tf.findBackendFactory(name) as () => tfjs.KernelBackend;
  tf.removeBackend(name);
  tf.registerBackend(name, factory);
  openBackend = null;
}
