/** Loads the addon that `scripts/build-native.ts` compiled from the C++ sources beside this file. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Kernels } from '../wasm/module.ts';
import type { NativeOptions } from './options.ts';

/** Instruction sets, best first; a build has those that its machine asked for. */
const variants = ['avx512bf16', 'avx512', 'avx2', 'x64', 'arm64'] as const;

type Variant = (typeof variants)[number];

/** Three convolutions come in three forms each: as they are, `…Bf16` and `…Pairs`. */
interface Addon {
  readonly setThreads: (threads: number) => void;
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

/** What their rounding depends on: the instructions that they were compiled for, and the precision. */
export function nativeVariant(
  { variant }: NativeModule,
  { precision = 'f32' }: Partial<NativeOptions>,
): string {
  return `native ${variant}${precision === 'f32' ? '' : ` ${precision}`}`;
}

/** The kernels in C++ on the given heap, with `threads` threads of their own. */
export function nativeKernels(
  native: NativeModule,
  memory: WebAssembly.Memory,
  threads: number,
  { precision = 'f32' }: Partial<NativeOptions>,
): NativeKernels {
  const { addon } = native;
  addon.setThreads(threads);
  // Pairs of bf16 for the instruction that takes them, else float32 rounded to it.
  const form = precision === 'f32' ? '' : multipliesBf16(native) ? 'Pairs' : 'Bf16';
  const kernels: Record<string, unknown> = { windowAttentionScratch: () => 0 };
  for (const [name, plain] of Object.entries(addon.kernels)) {
    const kernel = addon.kernels[`${name}${form}`] ?? plain;
    // The buffer is asked for anew at each call: growing detaches the one before.
    kernels[name] = (...numbers: number[]): void => {
      kernel(memory.buffer, ...numbers);
    };
  }
  return kernels as unknown as NativeKernels;
}
