/** A port whose faults of the machine are heard before its caller hears of them. */
import type { Store } from '../base/index.ts';
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

/** `watched` for a store, and for the values under way into it. */
export function watchedStore(store: Store, onFault: (fault: HostError) => void): Store {
  const all = watched(store, onFault);
  const create: Store['create'] = async (name) => watched(await all.create(name), onFault);
  return new Proxy(all, {
    get: (target, key): unknown => (key === 'create' ? create : Reflect.get(target, key)),
  });
}
