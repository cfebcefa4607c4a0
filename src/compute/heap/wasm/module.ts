/**
 * Loads `build/kernels.wasm` or `build/kernels-plain.wasm`, compiled from `assembly/` by `scripts/build-kernels.ts`, or
 * their twins for a heap that threads share.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ComputeError } from '../../errors.ts';

type Pointers = (...words: number[]) => void;

/** What the portable and the native kernels share: addresses, counts and scalars in the order of their declarations. */
export interface Kernels {
  readonly columnSums: Pointers;
  readonly copyRows: Pointers;
  readonly instanceMoments: Pointers;
  readonly instanceNorm: Pointers;
  readonly instanceNormGradient: Pointers;
  readonly leakyRelu: Pointers;
  readonly add: Pointers;
  readonly crossEntropyDice: Pointers;
  readonly scale: Pointers;
  readonly adamW: Pointers;
  readonly sgd: Pointers;
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
export interface RawKernels extends Omit<Kernels, 'instanceNormGradient' | 'crossEntropyDice'> {
  readonly windowGemm: Pointers;
  readonly windowGradient: Pointers;
  readonly pad: (params: number) => void;
  readonly packWeights: (params: number) => void;
  readonly unpackGradient: (params: number) => void;
  readonly winogradForward: Pointers;
  readonly winogradGradient: Pointers;
  readonly winogradWeights: Pointers;
  readonly addSums: Pointers;
  readonly winogradSums: Pointers;
  readonly instanceNormSums: Pointers;
  readonly instanceNormSpread: Pointers;
  readonly lossSums: Pointers;
  readonly lossSpread: Pointers;
}

/** A kernel of the portable module by its export's name. */
export type KernelName = keyof RawKernels;

/** Makes calls of one kernel, in any order and at the same time: what one writes, no other may touch. */
export interface Runner {
  readonly threads: number;
  /** @throws {ComputeError} 'thread_failed' where a call threw, or a thread is lost in one. */
  run(kernel: KernelName, calls: readonly (readonly number[])[]): void;
  close(): void;
}

/** The kernels on the threads of a runner. */
export interface PortableKernels
  extends
    Kernels,
    Omit<RawKernels, 'instanceNormSums' | 'instanceNormSpread' | 'lossSums' | 'lossSpread'> {
  readonly runner: Runner;
}

/** Modules by file, compiled once per thread. */
const compiled = new Map<string, WebAssembly.Module>();

/** The build that this engine can run: with relaxed SIMD, or the plain one, which rounds a product before it is added. */
export interface PortableBuild {
  readonly simd: 'relaxed SIMD' | 'SIMD';
  /** The file's name before `.wasm`. */
  readonly name: string;
}

/** @throws {ComputeError} 'kernels_missing' when neither was built. */
export function portableBuild(): PortableBuild {
  const canRelax = WebAssembly.validate(readModule('kernels.wasm'));
  return canRelax
    ? { simd: 'relaxed SIMD', name: 'kernels' }
    : { simd: 'SIMD', name: 'kernels-plain' };
}

/** A module and its instance on a heap. */
export interface LoadedKernels {
  readonly module: WebAssembly.Module;
  readonly kernels: RawKernels;
}

/**
 * An instance on the given heap, which threads share or do not.
 *
 * @throws {ComputeError} 'kernels_missing' when the module was not built.
 */
export function instantiateKernels(
  { name }: PortableBuild,
  memory: WebAssembly.Memory,
  isShared: boolean,
): LoadedKernels {
  const file = `${name}${isShared ? '-shared' : ''}.wasm`;
  const module = compiled.get(file) ?? new WebAssembly.Module(readModule(file));
  compiled.set(file, module);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { module, kernels: exports as unknown as RawKernels };
}

function readModule(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(builtFile(file)));
}

/**
 * The path of a built file. It is the same from `src/` and from `dist/src/`: in the nearest `build/` above that has it.
 *
 * @throws {ComputeError} 'kernels_missing'.
 */
export function builtFile(file: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; ; folder = dirname(folder)) {
    const path = join(folder, 'build', file);
    if (existsSync(path)) return path;
    if (folder === dirname(folder))
      throw new ComputeError({ code: 'kernels_missing', lookedIn: here });
  }
}
