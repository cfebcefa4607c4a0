/** A log read over HTTP from the server of this room's neighbours: on loopback. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { examineLog, webFileOf } from '../../src/audit/index.ts';
import { AuditorError, fetchBytes, parseLogUrl, webLog } from '../../src/auditor/index.ts';
import { serveLog, type WebServer } from '../../src/dashboard/index.ts';
import { systemClock } from '../../src/host/index.ts';
import { directoryOf, makeSampleLog, type LogFiles } from '../audit/sample-log.ts';
import { changingWorld, logFilesOf } from '../peer/changing-world.ts';
import type { NodeId } from '../../src/base/index.ts';

async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof AuditorError) return error.message;
    throw error;
  }
  return 'it was not refused';
}

describe('a log over HTTP', () => {
  const servers: WebServer[] = [];
  const others: Server[] = [];

  after(async () => {
    await Promise.all(servers.map((server) => server.close()));
    for (const server of others) server.close();
  });

  const serve = async (files: LogFiles): Promise<WebServer> => {
    const server = await serveLog({
      read: (name) => Promise.resolve(files.get(name) ?? null),
      ...{ host: '127.0.0.1', port: 0, clock: systemClock() },
    });
    servers.push(server);
    return server;
  };
  /** A server that answers everything with these. */
  const answering = async (
    status: number,
    headers: Record<string, string>,
    body: string | Uint8Array,
  ): Promise<string> => {
    const server = createServer((_, response) => {
      response.writeHead(status, headers).end(body);
    });
    others.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };

  it('gives the same verdict as its folder, also with a head that waits for cosignatures', async () => {
    for (const isUncosigned of [false, true]) {
      const { files } = await makeSampleLog({ isUncosigned });
      const { url } = await serve(files);
      const overWeb = await examineLog(webLog(parseLogUrl(url), fetchBytes));
      const ofFolder = await examineLog(directoryOf(files));
      expect(overWeb.verdict).deep.equal(ofFolder.verdict);
      expect(overWeb.verdict.ok).equal(true);
    }
  });

  it('is followed through new versions of the manifest', async () => {
    const l5 = 'L5' as NodeId;
    const { world } = changingWorld([{ kind: 'join', node: l5, atMs: 0 }], 4);
    world.start();
    expect(await world.run(600_000)).equals('done');
    const { url } = await serve(logFilesOf(world, l5));
    const { verdict } = await examineLog(webLog(parseLogUrl(url), fetchBytes));
    expect([verdict.findings, verdict.consortium?.members.length]).deep.equal([[], 5]);
  }).timeout(60_000);

  it('is found wrong for a changed bit, as its folder is', async () => {
    const { files } = await makeSampleLog();
    const bytes = files.get('tile/entries/000.p/22')!.slice();
    bytes[40]! ^= 1;
    const { url } = await serve(new Map([...files, ['tile/entries/000.p/22', bytes]]));
    const { verdict } = await examineLog(webLog(parseLogUrl(url), fetchBytes));
    expect(verdict.ok).equal(false);
  });

  it('names tiles, entries, heads, decisions, manifests and policies, and nothing else', () => {
    const cacheOf = (path: string): string | null => webFileOf(path)?.cache ?? null;
    expect(cacheOf('tile/0/000')).equal('public, max-age=31536000, immutable');
    expect(cacheOf('tile/entries/x001/x234/067')).equal('public, max-age=31536000, immutable');
    expect(cacheOf('tile/1/000.p/255')).equal('public, max-age=86400');
    expect(cacheOf('checkpoint')).equal('public, max-age=2');
    for (const path of ['decisions/1.json', 'manifest.json', 'manifest-2.json', 'policy-2']) {
      expect(cacheOf(path), path).equal('public, max-age=86400');
    }
    for (const path of [
      ...['', '/', '/checkpoint', 'checkpoint/', '../checkpoint', 'tile/../checkpoint'],
      ...['tile/0/000.p/0', 'tile/0/000.p/256', 'tile/64/000', 'tile/00/000', 'tile/0/0'],
      ...[
        'tile/0/001/234',
        'tile/0/x001',
        'tile/data/000',
        'decisions/0.json',
        'decisions/01.json',
      ],
      ...['decisions/1.json.bak', 'blobs/00', 'wal/1', 'witness/last-cosigned', 'policy-0'],
      ...['tile/0/000\n', 'tile/0/%30%30%30', 'tile\\0\\000', 'home.json', 'keys/1.key'],
    ]) {
      expect(webFileOf(path), JSON.stringify(path)).equal(null);
    }
  });

  it('answers GET and HEAD alone, and never a file beside the log', async () => {
    const { files } = await makeSampleLog();
    const secret = new Map([...files, ['../home.json', new Uint8Array([1])]]);
    const { url } = await serve(secret);
    const tile = await fetch(`${url}tile/0/000.p/22`);
    expect([tile.status, tile.headers.get('content-type')]).deep.equal([
      ...[200, 'application/octet-stream'],
    ]);
    expect(new Uint8Array(await tile.arrayBuffer())).deep.equal(files.get('tile/0/000.p/22'));
    const head = await fetch(`${url}checkpoint`, { method: 'HEAD' });
    expect([head.status, (await head.arrayBuffer()).byteLength]).deep.equal([200, 0]);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await fetch(`${url}checkpoint`, { method })).status, method).equal(405);
    }
    for (const path of ['..%2fhome.json', '%2e%2e/home.json', 'tile/0/..%2f..%2f..%2fhome.json']) {
      const missing = await fetch(url + path);
      expect([missing.status, missing.headers.get('cache-control')], path).deep.equal([
        ...[404, 'no-store'],
      ]);
    }
  });

  it('is not read from an address that leads elsewhere, says too much, or says nonsense', async () => {
    const { files } = await makeSampleLog();
    const { url: real } = await serve(files);
    const read = (url: string): Promise<string> =>
      messageOf(() => examineLog(webLog(parseLogUrl(url), fetchBytes)));
    expect(await read(await answering(302, { Location: real }, ''))).contain('leads elsewhere');
    expect(await read(await answering(500, {}, ''))).contain('expected the status 200, got 500');
    expect(await read(await answering(404, {}, ''))).contain('found none');
    const endless = new Uint8Array(18 * 2 ** 20);
    expect(await read(await answering(200, {}, endless))).contain('expected at most');
    const huge = 'x\n9007199254740\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— x AAAAAAA=\n';
    expect(await read(await answering(200, {}, huge))).contain('more than 100000000');
    expect(await read('http://127.0.0.1:1/')).contain('does not answer');
  });

  it('is asked for by https, or on this machine', async () => {
    for (const text of ['http://log.example/', 'ftp://127.0.0.1/', 'https://u:p@h/', 'nonsense']) {
      expect(await messageOf(() => parseLogUrl(text)), text).contain('expected https://host/path/');
    }
    expect(parseLogUrl('https://log.example/fl').href).equal('https://log.example/fl/');
  });
});
