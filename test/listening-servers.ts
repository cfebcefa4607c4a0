/** Servers out of reach of a test, caught as they begin to listen. */
import { Server } from 'node:net';

/** The servers that `work` has listen. */
export async function serversOf(work: () => Promise<unknown>): Promise<Server[]> {
  const servers: Server[] = [];
  const made = Server.prototype as unknown as { listen: (...args: unknown[]) => unknown };
  const { listen } = made;
  made.listen = function (this: Server, ...args: unknown[]): unknown {
    servers.push(this);
    return Reflect.apply(listen, this, args);
  };
  try {
    await work();
  } finally {
    made.listen = listen;
  }
  return servers;
}
