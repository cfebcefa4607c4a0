/** The backends that the models are tested on. */
import type { BackendName } from '../../src/compute/index.ts';

export const backends: readonly BackendName[] = ['cpu', 'wasm'];
