/** A witness over HTTP: one request, `POST /add-checkpoint`, and a page with its key. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Clock } from '../base/index.ts';
import { witnessRequestBytesMax } from '../audit/index.ts';
import { openWebServer, type WebServer } from './web-server.ts';

/** What the server works with. */
export interface ServeWitnessOptions {
  /** Answers a request's body. */
  readonly add: (
    body: Uint8Array,
  ) => Promise<{ readonly status: number; readonly type: string; readonly body: string }>;
  /** What the page says: name and key. */
  readonly about: string;
  readonly host: string;
  readonly port: number;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** A request that could not be answered, for the operator. */
  readonly onError: (error: Error) => void;
}

const connectionsMax = 64;

/** Serves until closed. @throws {DashboardError} 'cannot_listen' */
export async function serveWitness(options: ServeWitnessOptions): Promise<WebServer> {
  const { add, about, host, port, clock, onError } = options;
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Cache-Control', 'no-store');
    return next();
  });
  const tooLarge = `expected at most ${witnessRequestBytesMax} bytes\n`;
  app.post(
    '/add-checkpoint',
    bodyLimit({ maxSize: witnessRequestBytesMax, onError: (c) => c.text(tooLarge, 413) }),
    async (c) => {
      const { status, type, body } = await add(new Uint8Array(await c.req.arrayBuffer()));
      return new Response(body, { status, headers: { 'Content-Type': type } });
    },
  );
  app.get('/', (c) => c.text(about));
  app.onError((error, c) => {
    onError(error);
    return c.text('the witness failed: its operator knows more\n', 500);
  });
  const remedy = 'Choose another --port (0: any) or --host';
  const listening = { host, port, connectionsMax, clock, what: 'the witness', remedy };
  return openWebServer(app.fetch, listening);
}
