/** A port whose faults of the machine are heard before its caller hears of them. */
import { machineFault, type HostError } from '../host/index.ts';

/**
 * `port` as it is; but `onFault` hears of a fault of the machine before its caller does, and at once.
 *
 * @param port an object of methods that return promises
 */
export function watched<T extends object>(port: T, onFault: (fault: HostError) => void): T {
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
