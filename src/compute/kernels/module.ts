/** Loads `build/kernels.wasm` or `build/kernels-plain.wasm`, compiled from `assembly/` by `scripts/build-kernels.ts`. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ComputeError } from '../errors.ts';

type Pointers = (...words: number[]) => void;

/** What the portable and the native kernels share: addresses, counts and scalars in the order of their declarations. */
export interface Kernels {
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

/** The portable module's exports: convolutions are window products that the launcher lays out. */
export interface PortableKernels extends Kernels {
  readonly windowGemm: (params: number, start: number, end: number) => void;
  readonly windowGradient: (params: number, start: number, end: number) => void;
  readonly pad: (params: number) => void;
  readonly packWeights: (params: number) => void;
  readonly unpackGradient: (params: number) => void;
  readonly winogradForward: (params: number, start: number, end: number) => void;
  readonly winogradGradient: (params: number, start: number, end: number) => void;
  readonly winogradWeights: Pointers;
  readonly winogradSums: Pointers;
}

/** Modules by file, compiled once per thread. */
const compiled = new Map<string, WebAssembly.Module>();

/** The build that this engine can run: with relaxed SIMD, or the plain one, which rounds a product before it is added. */
export interface PortableBuild {
  readonly simd: 'relaxed SIMD' | 'SIMD';
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @throws {ComputeError} 'kernels_missing' when neither was built. */
export function portableBuild(): PortableBuild {
  const bytes = readModule('kernels.wasm');
  if (WebAssembly.validate(bytes)) return { simd: 'relaxed SIMD', bytes };
  return { simd: 'SIMD', bytes: readModule('kernels-plain.wasm') };
}

/**
 * An instance on the given heap.
 *
 * @throws {ComputeError} 'kernels_missing' when the module was not built.
 */
export function instantiateKernels(memory: WebAssembly.Memory): PortableKernels {
  const { simd, bytes } = portableBuild();
  const module = compiled.get(simd) ?? new WebAssembly.Module(bytes);
  compiled.set(simd, module);
  return new WebAssembly.Instance(module, { env: { memory } })
    .exports as unknown as PortableKernels;
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
