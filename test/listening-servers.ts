/** Servers out of reach of a test, caught as they begin to listen. */
import { Server } from 'node:net';

/** The servers that `work` has listen. */
export async function serversOf(work: () => Promise<unknown>): Promise<Server[]> {
  const servers: Server[] = [];
  const { listen } = Server.prototype;
  Server.prototype.listen = function (this: Server, ...args: never[]): Server {
    servers.push(this);
    return Reflect.apply(listen, this, args) as Server;
  } as typeof listen;
  try {
    await work();
  } finally {
    Server.prototype.listen = listen;
  }
  return servers;
}
