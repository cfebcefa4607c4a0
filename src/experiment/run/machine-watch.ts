/**
 * A disk or a worker that fails is one node's fault in a real consortium, and the others go on without it. Here one
 * machine runs all nodes: the run must stop before rounds go on, or it would end with another student.
 */
import { machineFault, type NodeError } from '../../host/index.ts';
import { SimulateError } from './errors.ts';

/**
 * `port` as it is; but `onFault` hears of a fault of the machine before its caller does, and at once.
 *
 * @param port an object of methods that return promises
 */
export function watched<T extends object>(port: T, onFault: (fault: NodeError) => void): T {
  return new Proxy(port, {
    get(target, key): unknown {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, args);
        if (!(result instanceof Promise)) return result;
        return result.catch((error: unknown) => {
          const fault = machineFault(error);
          if (fault !== null) onFault(fault);
          throw error;
        });
      };
    },
  });
}

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
