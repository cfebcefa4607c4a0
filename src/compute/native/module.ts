/** Loads the addon that `scripts/build-native.ts` compiled from the C++ sources beside this file. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Kernels } from '../kernels/module.ts';

/** Instruction sets, best first; a build has those that its machine asked for. */
const variants = ['avx512', 'avx2', 'x64', 'arm64'] as const;

type Variant = (typeof variants)[number];

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

/** The kernels in C++ on the given heap, with `threads` threads of their own. */
export function nativeKernels(
  { addon }: NativeModule,
  memory: WebAssembly.Memory,
  threads: number,
): NativeKernels {
  addon.setThreads(threads);
  const kernels: Record<string, unknown> = { windowAttentionScratch: () => 0 };
  for (const [name, kernel] of Object.entries(addon.kernels)) {
    // The buffer is asked for anew at each call: growing detaches the one before.
    kernels[name] = (...numbers: number[]): void => {
      kernel(memory.buffer, ...numbers);
    };
  }
  return kernels as unknown as NativeKernels;
}
