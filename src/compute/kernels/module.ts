/** Loads `build/kernels.wasm` or `build/kernels-plain.wasm`, compiled from `assembly/` by `scripts/build-kernels.ts`. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ComputeError } from '../errors.ts';

type Pointers = (...words: number[]) => void;

/** The kernels' exports: addresses, counts and scalars in the order of their declarations. */
export interface Kernels {
  readonly windowGemm: (params: number, start: number, end: number) => void;
  readonly windowGradient: (params: number, start: number, end: number) => void;
  readonly winogradForward: (params: number, start: number, end: number) => void;
  readonly winogradGradient: (params: number, start: number, end: number) => void;
  readonly winogradWeights: Pointers;
  readonly winogradSums: Pointers;
  readonly pad: (params: number) => void;
  readonly packWeights: (params: number) => void;
  readonly unpackGradient: (params: number) => void;
  readonly columnSums: Pointers;
  readonly copyRows: Pointers;
  readonly instanceMoments: Pointers;
  readonly instanceNorm: Pointers;
  readonly instanceNormGradient: Pointers;
  readonly leakyRelu: Pointers;
  readonly crossEntropyDice: Pointers;
  readonly scale: Pointers;
  readonly adamW: Pointers;
  readonly windowAttention: (params: number, start: number, end: number) => void;
  readonly windowAttentionGradient: (params: number, start: number, end: number) => void;
  readonly windowAttentionScratch: (n: number, depth: number) => number;
  readonly layerNorm: Pointers;
  readonly layerNormGradient: Pointers;
  readonly gelu: Pointers;
  readonly windows: (params: number) => void;
  readonly mergePatches: (params: number) => void;
  readonly gatherBias: Pointers;
  readonly gatherBiasGradient: Pointers;
}

/** Modules by file, compiled once per thread. */
const compiled = new Map<string, WebAssembly.Module>();

/**
 * An instance on the given heap: of the build with relaxed SIMD where the engine has it, else of the plain one, which
 * rounds a product before it is added.
 *
 * @throws {ComputeError} 'kernels_missing' when the module was not built.
 */
export function instantiateKernels(memory: WebAssembly.Memory): Kernels {
  const relaxed = readModule('kernels.wasm');
  const module = WebAssembly.validate(relaxed)
    ? compile('kernels.wasm', relaxed)
    : compile('kernels-plain.wasm', readModule('kernels-plain.wasm'));
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}

function compile(file: string, bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  const module = compiled.get(file) ?? new WebAssembly.Module(bytes);
  compiled.set(file, module);
  return module;
}

/** The same file is found from `src/` and from `dist/src/`: the nearest `build/` above. */
function readModule(file: string): Uint8Array<ArrayBuffer> {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; ; folder = dirname(folder)) {
    try {
      return new Uint8Array(readFileSync(join(folder, 'build', file)));
    } catch (error) {
      if (folder !== dirname(folder)) continue;
      throw new ComputeError({ code: 'kernels_missing', lookedIn: here }, { cause: error });
    }
  }
}
