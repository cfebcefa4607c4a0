/** Loads the addon that `scripts/build-native.ts` compiled from the C++ sources beside this file. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Kernels } from '../wasm/module.ts';
import { oneDnnFor, type OneDnn } from './onednn.ts';
import { nativeDefaults, type NativeOptions } from './options.ts';

/** Instruction sets, best first; a build has those that its machine asked for. */
const variants = ['avx512bf16', 'avx512', 'avx2', 'x64', 'arm64'] as const;

type Convolution = 'convForward' | 'convInputGradient' | 'convFilterGradient';

type Variant = (typeof variants)[number];

/** Three convolutions come in three forms each: as they are, `…Bf16` and `…Pairs`. */
interface Addon {
  readonly setThreads: (threads: number) => void;
  /** Has threads of OpenMP sleep where they wait; to be called before a library brings them. */
  readonly restOpenMp: () => void;
  readonly kernels: Readonly<Record<string, (heap: ArrayBuffer, ...numbers: number[]) => void>>;
}

/** The addon's kernels: convolutions whole, as blocks of 23 words (`ConvShape` in `kernels.h`). */
export interface NativeKernels extends Kernels {
  readonly convForward: (params: number) => void;
  readonly convInputGradient: (params: number) => void;
  readonly convFilterGradient: (params: number) => void;
}

/** A loaded addon. */
export interface NativeModule {
  readonly variant: Variant;
  readonly addon: Addon;
}

let loaded: NativeModule | null | undefined;

/** The best variant that is built and that this processor has, or null. */
export function loadNative(): NativeModule | null {
  loaded ??= findModule();
  return loaded;
}

function findModule(): NativeModule | null {
  const build = buildFolder();
  if (build === null) return null;
  const require = createRequire(import.meta.url);
  for (const variant of variants) {
    try {
      // An addon refuses a processor that it was not compiled for.
      return { variant, addon: require(join(build, `kernels-${variant}.node`)) as Addon };
    } catch {
      continue;
    }
  }
  return null;
}

/** The same folder is found from `src/` and from `dist/src/`: the nearest `build/` above. */
function buildFolder(): string | null {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'build', 'kernels.wasm'))) return join(folder, 'build');
  }
  return null;
}

/** What to tell whoever asks for bf16 on a processor that gains nothing by it, or null. */
export function precisionNote({ precision }: Partial<NativeOptions>): string | null {
  const native = precision === 'bf16' ? loadNative() : null;
  return native === null || multipliesBf16(native)
    ? null
    : 'this processor has no bf16 instructions: rounding to it costs a little time instead of saving some';
}

/** Whether the processor multiplies bf16 itself. */
function multipliesBf16({ variant }: NativeModule): boolean {
  return variant === 'avx512bf16';
}

/** What their rounding depends on: the instructions that they were compiled for, and what is asked for. */
export function nativeVariant(native: NativeModule, options: Partial<NativeOptions>): string {
  const asked = { ...nativeDefaults, ...options };
  const words = [
    ...(asked.precision === 'bf16' ? ['bf16'] : []),
    ...(oneDnnFor(native, asked) === null ? [] : ['onednn']),
  ];
  return ['native', native.variant, ...words].join(' ');
}

/** The kernels in C++ on the given heap, with `threads` threads of their own. */
export function nativeKernels(
  native: NativeModule,
  memory: WebAssembly.Memory,
  threads: number,
  options: Partial<NativeOptions>,
): NativeKernels {
  const { addon } = native;
  const asked = { ...nativeDefaults, ...options };
  addon.setThreads(threads);
  // Pairs of bf16 for the instruction that takes them, else float32 rounded to it.
  const form = asked.precision === 'f32' ? '' : multipliesBf16(native) ? 'Pairs' : 'Bf16';
  const kernels: Record<string, unknown> = { windowAttentionScratch: () => 0 };
  for (const [name, plain] of Object.entries(addon.kernels)) {
    const kernel = addon.kernels[`${name}${form}`] ?? plain;
    // The buffer is asked for anew at each call: growing detaches the one before.
    kernels[name] = (...numbers: number[]): void => {
      kernel(memory.buffer, ...numbers);
    };
  }
  const own = kernels as unknown as NativeKernels;
  const oneDnn = oneDnnFor(native, asked);
  return oneDnn === null ? own : { ...own, ...withOneDnn(own, oneDnn, memory, asked, threads) };
}

/** oneDNN's convolutions, and ours where it has none. */
function withOneDnn(
  own: NativeKernels,
  oneDnn: OneDnn,
  memory: WebAssembly.Memory,
  { precision }: NativeOptions,
  threads: number,
): Pick<NativeKernels, Convolution> {
  oneDnn.setThreads(threads);
  const either =
    (name: Convolution) =>
    (params: number): void => {
      if (!oneDnn[name](memory.buffer, params, precision === 'bf16')) own[name](params);
    };
  return {
    convForward: either('convForward'),
    convInputGradient: either('convInputGradient'),
    convFilterGradient: either('convFilterGradient'),
  };
}
