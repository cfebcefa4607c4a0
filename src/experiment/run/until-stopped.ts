/** Phases of a run that end as soon as somebody wants to stop. */
import { SimulateError } from './errors.ts';

/**
 * The result of `work`, unless the signal fires before: then whoever started the phase ends what it was doing, by closing
 * the pool and stopping the peers.
 *
 * @throws {SimulateError} 'cancelled'
 */
export async function untilStopped<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw cancelled();
  let onAbort = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    onAbort = (): void => {
      reject(cancelled());
    };
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work(), stopped]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function cancelled(): SimulateError {
  return new SimulateError({ code: 'cancelled' }, 'stopped; --resume continues the run');
}
