/** The backends that the models are tested on. */
import type { BackendName } from '../../src/compute/index.ts';
import { loadNative } from '../../src/compute/heap/native/module.ts';

/** Native only where it was built. */
export const backends: readonly BackendName[] = [
  'cpu',
  'wasm',
  ...(loadNative() === null ? [] : (['native'] as const)),
];
