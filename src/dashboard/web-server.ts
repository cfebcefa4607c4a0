/** A small HTTP server around routes: its limits, its port, and its end. */
import { createAdaptorServer } from '@hono/node-server';
import type { Clock } from '../base/index.ts';
import { messageOf } from '../base/index.ts';
import { DashboardError } from './errors.ts';

/** Where and how a server listens. */
export interface WebServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly connectionsMax: number;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** What to call it when it cannot listen, and how to mend that. */
  readonly what: string;
  readonly remedy: string;
}

/** A server that listens. */
export interface WebServer {
  /** For a browser: `http://127.0.0.1:7480/`. */
  readonly url: string;
  readonly port: number;
  /** Ends every connection. */
  close(): Promise<void>;
}

const closingMs = 50;
const requestMsMax = 10_000;
const headerBytesMax = 16 * 1024;

/** @throws {DashboardError} 'cannot_listen' */
export async function openWebServer(
  fetch: Parameters<typeof createAdaptorServer>[0]['fetch'],
  options: WebServerOptions,
): Promise<WebServer> {
  const { host, clock, connectionsMax } = options;
  const server = createAdaptorServer({
    fetch,
    serverOptions: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: requestMsMax,
      requestTimeout: requestMsMax,
    },
  });
  if ('maxConnections' in server) server.maxConnections = connectionsMax;
  const port = await listen(server, options);
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    close: async () => {
      // The last bytes go out, and readers see an end and no failure.
      await new Promise<void>((resolve) => clock.setTimer(closingMs, resolve));
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
    },
  };
}

async function listen(
  server: ReturnType<typeof createAdaptorServer>,
  { host, port, what, remedy }: WebServerOptions,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    // For good: later ones tell of a connection that could not be taken, and must not end the node.
    server.on('error', (cause) => {
      const message = `expected to serve ${what} at ${host}, port ${port}: ${messageOf(cause)}. ${remedy}`;
      reject(new DashboardError({ code: 'cannot_listen', host, port }, message, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
