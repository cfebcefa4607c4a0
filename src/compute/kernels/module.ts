/** Loads `build/kernels.wasm`, compiled from `assembly/` by `scripts/build-kernels.ts`. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { messageOf } from '../../base/index.ts';
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

let compiled: WebAssembly.Module | null = null;

/**
 * An instance on the given heap.
 *
 * @throws {ComputeError} 'kernels_missing' when the module was not built.
 */
export function instantiateKernels(memory: WebAssembly.Memory): PortableKernels {
  compiled ??= new WebAssembly.Module(new Uint8Array(readModule()));
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return instance.exports as unknown as PortableKernels;
}

/** Why there would be no instance, or null. */
export function kernelsMissing(): string | null {
  try {
    return WebAssembly.validate(new Uint8Array(readModule()))
      ? null
      : 'this Node has no relaxed SIMD';
  } catch (error) {
    return messageOf(error);
  }
}

/** The same file is found from `src/` and from `dist/src/`: the nearest `build/` above. */
function readModule(): Uint8Array {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; ; folder = dirname(folder)) {
    try {
      return readFileSync(join(folder, 'build', 'kernels.wasm'));
    } catch (error) {
      if (folder !== dirname(folder)) continue;
      throw new ComputeError({ code: 'kernels_missing', lookedIn: here }, { cause: error });
    }
  }
}
