import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import {
  askControl,
  HostError,
  openControlSocket,
  type ControlHandler,
  type ControlSocket,
} from '../../src/host/index.ts';
import { serversOf } from '../listening-servers.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown);
  return error instanceof HostError ? error.code : String(error);
}

describe('the control socket', () => {
  let folder: string;
  let path: string;
  const open: ControlSocket[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'annulus-socket-'));
    path = join(folder, 'control.sock');
  });
  afterEach(async () => {
    for (const socket of open.splice(0)) await socket.close();
    rmSync(folder, { recursive: true });
  });

  const echo: ControlHandler = ({ method, path: asked, query, body }) =>
    Promise.resolve({
      status: asked === '/none' ? 404 : 200,
      body: { method, asked, round: query.get('round'), bytes: body.byteLength },
    });
  const listen = async (handler: ControlHandler = echo): Promise<void> => {
    open.push(await openControlSocket(path, handler));
  };

  it('passes a question and its answer, and is open to its owner alone', async () => {
    await listen();
    const answer = await askControl(path, {
      ...{ method: 'POST', path: '/submit?round=7', body: utf8('four') },
    });
    expect(answer).deep.equal({
      status: 200,
      body: { method: 'POST', asked: '/submit', round: '7', bytes: 4 },
    });
    expect((await askControl(path, { method: 'GET', path: '/none' })).status).equal(404);
    expect(statSync(path).mode & 0o777).equal(0o600);
  });

  it('listens no more when it cannot be closed to others', async () => {
    const { chmod } = fsPromises;
    fsPromises.chmod = () =>
      Promise.reject(Object.assign(new Error('EPERM: not permitted'), { code: 'EPERM' }));
    syncBuiltinESMExports();
    try {
      const servers = await serversOf(async () => {
        expect(await codeOf(listen())).equal('disk_denied');
      });
      expect(servers.map(({ listening }) => listening)).deep.equal([false]);
      expect(existsSync(path)).equal(false);
    } finally {
      fsPromises.chmod = chmod;
      syncBuiltinESMExports();
    }
    await listen();
    expect((await askControl(path, { method: 'GET', path: '/' })).status).equal(200);
  });

  it('answers with the reason when the node throws', async () => {
    await listen(() => Promise.reject(new Error('the disk is full')));
    expect(await askControl(path, { method: 'GET', path: '/status' })).deep.equal({
      status: 500,
      body: { error: 'the disk is full' },
    });
  });

  it('answers with the reason when the answer is no JSON', async () => {
    const lost: unknown[] = [];
    const hear = (error: unknown): void => void lost.push(error);
    process.on('unhandledRejection', hear);
    try {
      await listen(() => Promise.resolve({ status: 200, body: 1n }));
      const asked = { method: 'GET', path: '/status' } as const;
      const answer = await askControl(path, asked, AbortSignal.timeout(2_000)).catch(() => null);
      expect(answer?.status).equal(500);
    } finally {
      process.off('unhandledRejection', hear);
    }
    expect(lost).deep.equal([]);
  });

  it('outlives connections that could not be taken', async () => {
    const [server] = await serversOf(() => listen());
    // As Node tells of an accept(2) that failed: out of file handles, for instance.
    for (let time = 0; time < 2; time++) server?.emit('error', new Error('accept EMFILE'));
    expect((await askControl(path, { method: 'GET', path: '/none' })).status).equal(404);
  });

  it('refuses a question that is too long without holding it', async () => {
    await listen();
    const body = new Uint8Array(4 * 1024 * 1024 + 1);
    const answer = await askControl(path, { method: 'POST', path: '/submit', body }).catch(
      (error: unknown) => error,
    );
    // The node may hang up before all is sent.
    if (answer instanceof HostError) expect(answer.code).equal('no_control');
    else expect(answer).deep.include({ status: 413 });
  });

  it('tells whoever asked in vain that no node is there', async () => {
    expect(await codeOf(askControl(path, { method: 'GET', path: '/status' }))).equal('no_control');
  });

  it('hears when whoever asked has gone', async () => {
    let heard = (): void => undefined;
    const gone = new Promise<void>((resolve) => (heard = resolve));
    await listen(async ({ signal }) => {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          heard();
          resolve();
        });
      });
      return { status: 200, body: {} };
    });
    const leave = new AbortController();
    const asked = askControl(path, { method: 'GET', path: '/wait' }, leave.signal);
    setTimeout(() => {
      leave.abort();
    }, 50);
    expect(await codeOf(asked)).equal('no_control');
    await gone;
  });

  it('takes the place of a socket that a killed process left, and of nothing else', async () => {
    await listen();
    await listen(); // the first is still there, as after a kill
    expect((await askControl(path, { method: 'GET', path: '/' })).status).equal(200);
    const other = join(folder, 'notes.txt');
    writeFileSync(other, 'mine');
    expect(await codeOf(openControlSocket(other, echo))).equal('bad_setting');
    expect(existsSync(other)).equal(true);
  });

  it('refuses a path that no system takes, saying which setting helps', async () => {
    const long = join(folder, 'x'.repeat(120));
    const error = await openControlSocket(long, echo).catch((thrown: unknown) => thrown);
    expect(String(error)).contain('control.socket');
  });
});
