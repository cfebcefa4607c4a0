/**
 * The backends there are, the choice among them, and opening one: the one place that loads TF.js. In Node only the whole
 * `@tensorflow/tfjs` bundle registers gradients, so that is what is loaded.
 *
 * TF.js keeps one current backend per thread, so a thread has one open engine at a time. Work is spread
 * over cores by one engine per worker thread.
 */
import type * as tfjs from '@tensorflow/tfjs';

import { invariant } from '../base/index.ts';
import { chooseBackend, type Availability, type Candidate } from './backend-choice.ts';
import {
  backendNames,
  makeEngine,
  type BackendName,
  type Engine,
  type EngineOptions,
  type EngineParts,
  type OpenBackend,
} from './engine.ts';
import { openHeap, probeNative, probeWasm } from './heap/heap-engine.ts';
import { loadNative, nativeVariant } from './heap/native/module.ts';
import { backendWith } from './heap/native/options.ts';
import { referenceOps } from './ops/reference-ops.ts';
import { startBackend, stopBackend } from './tfjs-backend.ts';
import {
  probeTfjsNode,
  tfjsNodeBackend,
  tfjsNodePackages,
  type ImportModule,
} from './tfjs-node.ts';
import { openGpu, probeGpu } from './webgpu/gpu-engine.ts';

/** What there is to know about a backend without opening it. */
export interface BackendReport extends Availability {
  readonly name: BackendName;
  readonly title: string;
  /** Whether `auto` may choose it. */
  readonly automatic: boolean;
  readonly howToGet: string;
}

type Row = Candidate<BackendName, OpenBackend>;

let openBackend: BackendName | null = null;

/** One row for each of `backendNames`. */
function rows(importModule: ImportModule): Record<BackendName, Omit<Row, 'name'>> {
  return {
    cuda: {
      title: 'NVIDIA GPU through TensorFlow',
      automatic: true,
      howToGet: `CUDA 11.2 and cuDNN 8.1, then npm install --no-save ${tfjsNodePackages.cuda}@4.22.0`,
      probe: () => probeTfjsNode('cuda', importModule),
      open: (tf) => openPlain(tf, tfjsNodeBackend),
    },
    webgpu: {
      title: 'graphics card through WebGPU',
      automatic: true,
      howToGet:
        "npm install --no-save webgpu@0.6.2, the card's Vulkan driver and (Debian) libvulkan1",
      probe: probeGpu,
      open: openGpu,
    },
    native: {
      title: 'processor, our kernels in C++',
      automatic: true,
      howToGet: 'a C++ compiler (Debian: g++), then node scripts/build-native.ts',
      probe: () => Promise.resolve(probeNative()),
      open: (tf, options) => openHeap(tf, loadNative(), options),
    },
    wasm: {
      title: 'processor, our kernels in WebAssembly',
      automatic: true,
      howToGet: 'node scripts/build-kernels.ts',
      probe: () => Promise.resolve(probeWasm()),
      open: (tf, options) => openHeap(tf, null, options),
    },
    'tfjs-node': {
      title: 'processor through TensorFlow',
      automatic: false,
      howToGet: `npm install --no-save ${tfjsNodePackages['tfjs-node']}@4.22.0`,
      probe: () => probeTfjsNode('tfjs-node', importModule),
      open: (tf) => openPlain(tf, tfjsNodeBackend),
    },
    cpu: {
      title: 'plain JavaScript, for checking only',
      automatic: false,
      howToGet: 'it is always there',
      probe: () => Promise.resolve({ available: true, detail: 'always there' }),
      open: (tf) => openPlain(tf, 'cpu'),
    },
  };
}

function backendTable(importModule: ImportModule): readonly Row[] {
  const table = rows(importModule);
  return backendNames.map((name) => ({ name, ...table[name] }));
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
  return variantOf(await choose(options, importAny), options);
}

/** The backend with what its rounding depends on. Our portable kernels mostly have relaxed SIMD, which goes without saying. */
async function variantOf({ name, probe }: Row, options: EngineOptions): Promise<string> {
  const native = name === 'native' ? loadNative() : null;
  if (native !== null) return nativeVariant(native, options);
  const { detail } = await probe();
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
  const row = await choose(options, importModule);
  const variant = await variantOf(row, options);
  invariant(openBackend === null, `the engine of this thread is closed before another is opened`);
  openBackend = row.name;
  const closed = (): void => {
    openBackend = null;
  };
  try {
    const parts = await row.open(tf, options);
    return makeEngine(tf, { backend: row.name, backendVariant: variant }, parts, closed);
  } catch (error) {
    closed();
    throw error;
  }
}

function choose(options: EngineOptions, importModule: ImportModule): Promise<Row> {
  return chooseBackend(backendTable(importModule), backendWith(options.backend, options));
}

/** The reference operations on a backend as it comes; TF.js knows it by `registeredName`. */
async function openPlain(tf: typeof tfjs, registeredName: string): Promise<EngineParts> {
  await startBackend(tf, registeredName);
  return {
    ...{ ops: referenceOps(tf), threads: 1 },
    heapBytes: () => tf.memory().numBytes,
    close: () => {
      stopBackend(tf, registeredName);
    },
  };
}
