/** A server of one log and nothing else. */
import { Hono } from 'hono';
import type { Clock } from '../base/index.ts';
import { addLogRoutes, type ReadLogFile } from './log-routes.ts';
import { openWebServer, type WebServer } from './web-server.ts';

/** What the server works with. */
export interface ServeLogOptions {
  readonly read: ReadLogFile;
  readonly host: string;
  readonly port: number;
  readonly clock: Pick<Clock, 'setTimer'>;
}

const connectionsMax = 64;

/** Serves until closed. Anybody who reaches the port reads the log. @throws {DashboardError} 'cannot_listen' */
export async function serveLog({ read, host, port, clock }: ServeLogOptions): Promise<WebServer> {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('X-Content-Type-Options', 'nosniff');
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    c.header('Allow', 'GET, HEAD');
    return c.text('this log is read-only: GET and HEAD alone\n', 405);
  });
  addLogRoutes(app, '/', read);
  app.onError((_, c) =>
    c.text('a file of the log cannot be read: see the machine that serves it\n', 500),
  );
  const remedy = 'Choose another --port (0: any) or --host';
  const listening = { host, port, connectionsMax, clock, what: 'the log', remedy };
  return openWebServer(app.fetch, listening);
}
