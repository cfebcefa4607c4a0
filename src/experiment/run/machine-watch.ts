/**
 * A disk or a worker that fails is one node's fault in a real consortium, and the others go on without it. Here one
 * machine runs all nodes: the run must stop before rounds go on, or it would end with another student.
 */
import { machineFault } from '../../host/index.ts';
import { SimulateError } from './errors.ts';

/** What a run's error is for the one who started it: a fault of the machine pauses it, all else is as it was. */
export function pausedBy(error: unknown, folder: string): unknown {
  const fault = machineFault(error);
  if (fault === null || (error instanceof SimulateError && error.code === 'paused')) return error;
  return new SimulateError(
    { code: 'paused' },
    `the run is paused: ${fault.message}. Put that right, then go on to the same models with: annulus simulate --resume ${folder}`,
    { cause: error },
  );
}
