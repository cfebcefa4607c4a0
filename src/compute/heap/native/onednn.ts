/** oneDNN's convolutions, where `scripts/build-native.ts` found the library and it is still there. */
import { createRequire } from 'node:module';

import { ComputeError } from '../../errors.ts';
import { builtFile } from '../wasm/module.ts';
import type { NativeOptions } from './options.ts';

/** As our own: the heap and the words of a convolution, and whether its factors are rounded to bf16. False is left to ours. */
type Convolution = (heap: ArrayBuffer, params: number, bf16: boolean) => boolean;

/** `src/compute/heap/native/onednn`, loaded. */
export interface OneDnn {
  readonly setThreads: (threads: number) => void;
  readonly convForward: Convolution;
  readonly convInputGradient: Convolution;
  readonly convFilterGradient: Convolution;
}

/** What of our own addon the choice depends on. */
interface OwnKernels {
  readonly variant: string;
  readonly addon: { readonly restOpenMp: () => void };
}

let loaded: OneDnn | Error | undefined;

/** The addon, or why it does not load. */
export function loadOneDnn({ addon }: OwnKernels): OneDnn | Error {
  if (loaded === undefined) {
    // Waiting threads that spin take the processor from the others; the library reads this as it is loaded.
    addon.restOpenMp();
    try {
      loaded = createRequire(import.meta.url)(builtFile('kernels-onednn.node')) as OneDnn;
    } catch (error) {
      // The library may be gone since it was built with.
      const isBuilt = error instanceof Error && !(error instanceof ComputeError);
      loaded = isBuilt ? error : new Error('it is not built');
    }
  }
  return loaded;
}

/**
 * oneDNN where it is asked for, or where `auto` finds it and it is the faster: in float32 on registers of 512 bits, in
 * bf16 on processors that have it. Null for our own convolutions.
 *
 * @throws {ComputeError} 'backend_missing' when it is asked for and not there.
 */
export function oneDnnFor(own: OwnKernels, options: NativeOptions): OneDnn | null {
  const { precision, convolutions } = options;
  const isFaster =
    own.variant === 'avx512bf16' || (own.variant === 'avx512' && precision === 'f32');
  if (convolutions === 'own' || (convolutions === 'auto' && !isFaster)) return null;
  const found = loadOneDnn(own);
  if (!(found instanceof Error)) return found;
  if (convolutions === 'auto') return null;
  throw new ComputeError({
    ...({ code: 'backend_missing', backend: 'oneDNN', detail: found.message } as const),
    howToGet: 'oneDNN 2 (Debian: apt-get install libdnnl-dev), then node scripts/build-native.ts',
  });
}
