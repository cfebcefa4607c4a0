import { request, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import type { Clock, Logger } from '../../src/base/index.ts';
import {
  dashboardDefaults,
  DashboardError,
  readStatus,
  serveDashboard,
  StatusFeed,
  type Dashboard,
  type DashboardSettings,
} from '../../src/dashboard/index.ts';
import { systemClock } from '../../src/host/index.ts';
import { serversOf } from '../listening-servers.ts';
import { parseExposition } from './exposition.ts';
import { life } from './scripted-node.ts';

const logger: Logger = { log: () => undefined };

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe('serveDashboard', () => {
  const open: Dashboard[] = [];
  const feed = new StatusFeed();
  for (const event of life()) feed.apply(event);
  /** The node's last word is of now. */
  const fresh: Clock = { ...systemClock(), nowMs: () => feed.view.nowMs + 1_000 };

  async function serve(
    changes: Partial<DashboardSettings> = {},
    clock = fresh,
  ): Promise<Dashboard> {
    const settings = { ...dashboardDefaults, port: 0, ...changes };
    const readLog = (name: string): Promise<Uint8Array | null> =>
      Promise.resolve(name === 'checkpoint' ? new Uint8Array([104, 101, 97, 100]) : null);
    const dashboard = await serveDashboard({ feed, settings, clock, logger, readLog });
    open.push(dashboard);
    return dashboard;
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((dashboard) => dashboard.close()));
  });

  function ask(
    { port }: Dashboard,
    path: string,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  it('serves the log where the settings say so, to be kept by readers, and nowhere else', async () => {
    const shown = await serve({ servesLog: true });
    const head = await ask(shown, '/log/checkpoint');
    expect([head.status, head.body, head.headers['cache-control']]).deep.equal([
      ...[200, 'head', 'public, max-age=2'],
    ]);
    expect((await ask(shown, '/log/policy')).status).equal(404);
    expect((await ask(await serve(), '/log/checkpoint')).status).equal(404);
  });

  /** A stream that stays open; resolves with its first event, or with a refusal. */
  function stream({ port }: Dashboard): Promise<{
    status: number;
    first: string;
    headers: IncomingMessage['headers'];
    ended: Promise<void>;
    close: () => void;
  }> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: '/events' }, (response) => {
        const ended = new Promise<void>((done) => {
          response.on('close', done);
        });
        response.setEncoding('utf8');
        response.on('error', () => undefined);
        response.once('data', (first: string) => {
          resolve({
            status: response.statusCode ?? 0,
            first,
            headers: response.headers,
            ended,
            close: () => asked.destroy(),
          });
        });
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  it('listens on loopback alone unless told otherwise', async () => {
    expect(dashboardDefaults.host).equal('127.0.0.1');
    const dashboard = await serve();
    expect(dashboard.url).equal(`http://127.0.0.1:${dashboard.port}/`);
  });

  it('gives the page, its scripts and styles, each with its type', async () => {
    const dashboard = await serve();
    const page = await ask(dashboard, '/');
    expect(page.status).equal(200);
    expect(page.headers['content-type']).contain('text/html');
    const parts = [...page.body.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(
      ([, path]) => path!,
    );
    expect(parts.length).equal(4);
    for (const path of parts) {
      const { status, headers, body } = await ask(dashboard, path);
      expect([status, body.length > 100], path).deep.equal([200, true]);
      expect(headers['content-type'], path).match(/javascript|css|svg/);
    }
    expect(page.body, 'a script in the page').not.match(/<script(?![^>]*src=)/);
    expect(page.body, 'a style in the page').not.match(/<style|style="/);
    expect(page.body, 'another server').not.match(/(src|href)="(https?:)?\/\//);
  });

  it('tells every browser to run nothing else, keep nothing and guess nothing', async () => {
    const dashboard = await serve();
    for (const path of [
      '/',
      '/status.json',
      '/metrics',
      '/healthz',
      '/nowhere',
      '/prediction/1.png',
    ]) {
      const { headers } = await ask(dashboard, path);
      expect(headers['content-security-policy'], path).contain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      );
      expect(headers['content-security-policy'], path).not.contain('unsafe');
      expect(headers['cache-control'], path).equal('no-store');
      expect(headers['x-content-type-options'], path).equal('nosniff');
      expect(headers['access-control-allow-origin'], path).equal(undefined);
    }
    const refused = await ask(dashboard, '/', { host: 'evil.example' });
    expect(refused.headers['cache-control']).equal('no-store');
  });

  it('refuses foreign names, other methods and other sites on every route', async () => {
    const dashboard = await serve();
    for (const path of [
      '/',
      '/events',
      '/status.json',
      '/healthz',
      '/metrics',
      '/page/uplot.js',
      '/prediction/1.png',
    ]) {
      expect((await ask(dashboard, path, { host: 'evil.example' })).status, path).equal(403);
      const post = await ask(dashboard, path, {}, 'POST');
      expect([post.status, post.headers.allow], path).deep.equal([405, 'GET, HEAD']);
      const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
      expect((await ask(dashboard, path, foreign)).status, path).equal(403);
    }
    expect((await ask(dashboard, '/', { host: 'localhost:1' })).status).equal(200);
  });

  it('serves no file that is not of the page', async () => {
    const dashboard = await serve();
    for (const path of [
      '/page/../settings.ts',
      '/page/%2e%2e/settings.ts',
      '/package.json',
      '/page/',
      '/page/main.d.ts',
      '/prediction/2.png',
      '/prediction/1.png/..',
    ]) {
      expect((await ask(dashboard, path)).status, path).equal(404);
    }
  });

  it('gives the status as it is, and the metrics', async () => {
    const dashboard = await serve();
    const status = readStatus((await ask(dashboard, '/status.json')).body);
    expect([status.version, status.node.id, status.round?.round, status.members.length]).deep.equal(
      [1, 'L1', 31, 8],
    );
    const { headers, body } = await ask(dashboard, '/metrics');
    expect(headers['content-type']).equal('text/plain; version=0.0.4; charset=utf-8');
    expect(parseExposition(body).get('annulus_round_sealed_total')?.samples[0]?.value).equal(30);
    const head = await ask(dashboard, '/metrics', {}, 'HEAD');
    expect([head.status, head.body]).deep.equal([200, '']);
  });

  it('says whether the node is healthy, and why not', async () => {
    const dashboard = await serve();
    expect(await ask(dashboard, '/healthz')).include({ status: 200, body: 'healthy\n' });
    feed.apply({
      kind: 'notice',
      code: 'disk',
      level: 'error',
      text: 'the disk is full',
      remedy: 'make room',
      atMs: 1,
    });
    expect(await ask(dashboard, '/healthz')).include({ status: 503, body: 'the disk is full\n' });
    feed.apply({ kind: 'notice-over', code: 'disk' });
    expect((await ask(dashboard, '/healthz')).status).equal(200);
    const silent: Clock = { ...systemClock(), nowMs: () => feed.view.nowMs + 31_000 };
    const other = await serve({}, silent);
    expect(await ask(other, '/healthz')).include({
      status: 503,
      body: 'the node gave no sign of life for 31 s\n',
    });
    expect((await ask(other, '/metrics')).body).contain('annulus_node_healthy_state 0\n');
  });

  it('shows a prediction on loopback alone, and nowhere behind a proxy', async () => {
    const dashboard = await serve();
    const picture = await ask(dashboard, '/prediction/1.png');
    expect([picture.status, picture.headers['content-type']]).deep.equal([200, 'image/png']);
    for (const changes of [{ host: '0.0.0.0' }, { names: ['node.hospital.example'] }]) {
      const shared = await serve(changes);
      expect((await ask(shared, '/prediction/1.png')).status).equal(404);
      expect(readStatus((await ask(shared, '/status.json')).body).prediction).equal(null);
    }
  });

  it('streams changes, and refuses one stream too many', async () => {
    const dashboard = await serve({ streamsMax: 2 });
    const [one, two] = [await stream(dashboard), await stream(dashboard)];
    expect(one.first).match(/^event: change\ndata: \{"version":1,/);
    expect(one.headers).include({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    });
    const third = await ask(dashboard, '/events');
    expect([third.status, third.body]).deep.equal([
      503,
      'too many pages are open: close one, or raise dashboard.streamsMax\n',
    ]);
    // The other routes go on.
    expect((await ask(dashboard, '/status.json')).status).equal(200);
    two.close();
    let again = await ask(dashboard, '/events', {}, 'HEAD');
    for (let tries = 0; tries < 100 && again.status === 503; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      again = await ask(dashboard, '/events', {}, 'HEAD');
    }
    expect(again.status).equal(200);
    const next = await stream(dashboard);
    await dashboard.close();
    open.splice(0);
    await Promise.all([one.ended, next.ended]);
  });

  it('refuses a port that is taken, and says what to do', async () => {
    const { port } = await serve();
    const error = await serve({ port }).catch((cause: unknown) => cause);
    expect(error).instanceOf(DashboardError);
    expect((error as DashboardError).facts).deep.equal({
      code: 'cannot_listen',
      host: '127.0.0.1',
      port,
    });
    expect((error as DashboardError).message).contain('Set dashboard.port to a free one');
  });

  it('outlives connections that could not be taken', async () => {
    const [server] = await serversOf(() => serve());
    // As Node tells of an accept(2) that failed: out of file handles, for instance.
    for (let time = 0; time < 2; time++) server?.emit('error', new Error('accept EMFILE'));
    expect(server?.listening).equal(true);
  });

  it('refuses settings out of range', async () => {
    const wrong: readonly Partial<DashboardSettings>[] = [
      ...[{ port: -1 }, { port: 65_536 }, { host: '' }, { host: 'http://a' }, { names: ['a/b'] }],
      ...[{ names: Array.from({ length: 17 }, () => 'a') }, { streamsMax: 0 }, { streamsMax: 257 }],
      ...[{ pushMsMin: 249 }, { silenceMsMax: 4_999 }],
    ];
    for (const changes of wrong) {
      const error: unknown = await serve(changes).catch((cause: unknown) => cause);
      expect((error as { code?: string }).code, JSON.stringify(changes)).equal('bad_setting');
    }
  });
});

describe('readStatus', () => {
  it('refuses what is no status, or one of another version', () => {
    for (const text of [
      '',
      '[]',
      'null',
      '{}',
      '{"version":2}',
      '{"version":1}',
      '{"version":1,"members":{}}',
    ]) {
      expect(() => readStatus(text), text).throw(DashboardError);
    }
  });
});
