/** Starting and stopping a backend that TF.js knows by name. */
import type * as tfjs from '@tensorflow/tfjs';

import { messageOf } from '../base/index.ts';
import { ComputeError } from './errors.ts';

/**
 * Makes the backend registered as `name` the current one.
 *
 * @throws {ComputeError} 'backend_missing' when it does not start.
 */
export async function startBackend(tf: typeof tfjs, name: string): Promise<void> {
  let cause: unknown;
  const ready = await tf.setBackend(name).catch((error: unknown) => {
    cause = error;
    return false;
  });
  if (ready) return;
  const detail =
    cause === undefined ? 'it does not start' : `it does not start: ${messageOf(cause)}`;
  const facts = { code: 'backend_missing', backend: name, detail } as const;
  throw new ComputeError({ ...facts, howToGet: 'annulus doctor shows what is there' }, { cause });
}

/** Removing a backend frees its heap; its factory stays registered so that it can be opened again. */
export function stopBackend(tf: typeof tfjs, name: string): void {
  const factory = tf.findBackendFactory(name) as () => tfjs.KernelBackend;
  tf.removeBackend(name);
  tf.registerBackend(name, factory);
}
