/** The live page's server: read-only, on loopback unless told otherwise. */
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { messageOf, type Clock, type Logger } from '../base/index.ts';
import { EventHub } from './event-hub.ts';
import type { Health } from './health.ts';
import { addLogRoutes, type ReadLogFile } from './log-routes.ts';
import { renderMetrics } from './metrics.ts';
import { statusOf, type NodeStatus } from './node-status.ts';
import { readPageFiles, type PageFile } from './page-files.ts';
import { isLoopback, refusalOf, safeHeaders } from './request-guard.ts';
import { validateDashboardSettings, type DashboardSettings } from './settings.ts';
import type { StatusFeed } from './status-feed.ts';
import { openWebServer } from './web-server.ts';

/** What the server works with. */
export interface DashboardOptions {
  readonly feed: StatusFeed;
  readonly settings: DashboardSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The node's log, served under `/log/` where the settings say so. */
  readonly readLog?: ReadLogFile;
}

/** A server that listens. */
export interface Dashboard {
  /** For a browser: `http://127.0.0.1:7480/`. */
  readonly url: string;
  readonly port: number;
  /** Ends every stream and connection. */
  close(): Promise<void>;
}

type Env = { Bindings: HttpBindings };

interface Serving extends DashboardOptions {
  readonly hub: EventHub;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly status: () => NodeStatus;
  readonly health: () => Health;
}

/** Pages notice a lost connection by the pings that they miss. */
const pingMs = 5_000;
/** Connections beside the open streams: a browser opens six. */
const spareConnections = 32;

/**
 * Serves page, events, status, health and metrics until closed. It reads the feed and changes nothing.
 *
 * @throws {SettingError} for settings out of range
 * @throws {DashboardError} 'cannot_listen' when the port is taken, 'missing_page'
 */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { feed, settings, clock, logger } = options;
  validateDashboardSettings(settings);
  // A prediction is about a patient: it is shown where nobody but this machine's users can read along.
  const showsPrediction = isLoopback(settings.host) && settings.names.length === 0;
  const status = (): NodeStatus => statusOf(feed.view, showsPrediction);
  const { pushMsMin, streamsMax } = settings;
  const hub = new EventHub({ clock, pushMsMin, pingMs, streamsMax, status });
  const health = (): Health => healthNow(status(), clock.nowMs(), settings.silenceMsMax);
  const app = routes({ ...options, hub, status, health, files: await readPageFiles() });
  const { host } = settings;
  const server = await openWebServer(app.fetch, {
    ...{ host, port: settings.port, connectionsMax: streamsMax + spareConnections, clock },
    what: 'the live page',
    remedy: 'Set dashboard.port to a free one (0: any)',
  });
  const { url, port } = server;
  const endChanges = feed.onView(() => {
    hub.changed();
  });
  logger.log('info', 'the live page is served', { url });
  if (!isLoopback(host)) {
    const what = 'whoever reaches the live page can read the status: it has no password';
    logger.log('warn', what, { host, port });
  }
  return {
    ...{ url, port },
    close: async () => {
      endChanges();
      hub.close();
      await server.close();
    },
  };
}

function routes(serving: Serving): Hono<Env> {
  const { settings, logger, feed, files, status, health, hub } = serving;
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(safeHeaders)) c.header(name, value);
    const refusal = refusalOf(
      {
        method: c.req.method,
        host: c.req.header('host'),
        fetchSite: c.req.header('sec-fetch-site'),
        fetchMode: c.req.header('sec-fetch-mode'),
        localAddress: c.env.incoming.socket.localAddress,
      },
      settings.names,
    );
    if (refusal === null) return next();
    if (refusal.status === 405) c.header('Allow', 'GET, HEAD');
    return c.text(`${refusal.reason}\n`, refusal.status);
  });
  app.get('/events', (c) => events(c, hub));
  app.get('/status.json', (c) => c.json(status()));
  app.get('/healthz', (c) => {
    const { isHealthy, reasons } = health();
    return isHealthy ? c.text('healthy\n') : c.text(`${reasons.join('\n')}\n`, 503);
  });
  app.get('/metrics', (c) => {
    c.header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    return c.body(renderMetrics({ ...status(), health: health() }));
  });
  app.get('/prediction/:name', (c) => {
    const picture = status().prediction?.picture;
    const png = feed.view.prediction?.png;
    if (picture !== c.req.path || png == null) return c.notFound();
    c.header('Content-Type', 'image/png');
    return c.body(new Uint8Array(png));
  });
  if (settings.servesLog && serving.readLog !== undefined) {
    addLogRoutes(app, '/log/', serving.readLog);
  }
  app.get('*', (c) => {
    const file = files.get(c.req.path);
    if (file === undefined) return c.notFound();
    c.header('Content-Type', file.type);
    return c.body(file.body);
  });
  app.notFound((c) => c.text('nothing is here; the page is at /\n', 404));
  app.onError((error, c) => {
    logger.log('error', 'the live page failed', { error: messageOf(error).slice(0, 200) });
    return c.text('the live page failed: see the log of the node\n', 500);
  });
  return app;
}

function events(c: Context<Env>, hub: EventHub): Response {
  if (hub.isFull) {
    return c.text('too many pages are open: close one, or raise dashboard.streamsMax\n', 503);
  }
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
  const response = streamSSE(
    c,
    (stream) =>
      new Promise<void>((resolve) => {
        const gone = hub.open((event, data) => stream.writeSSE({ event, data }), resolve);
        stream.onAbort(gone);
      }),
  );
  // The helper says no-cache; a status is not even to be stored.
  response.headers.set('Cache-Control', 'no-store');
  return response;
}

/** The node's own word, and whether it gave one lately. */
function healthNow({ health, nowMs }: NodeStatus, clockMs: number, silenceMsMax: number): Health {
  const silentMs = clockMs - nowMs;
  if (nowMs === 0 || silentMs <= silenceMsMax) return health;
  const silence = `the node gave no sign of life for ${Math.floor(silentMs / 1000)} s`;
  return { isHealthy: false, reasons: [silence, ...health.reasons] };
}
