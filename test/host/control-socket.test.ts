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

  it('answers with the reason when the node throws', async () => {
    await listen(() => Promise.reject(new Error('the disk is full')));
    expect(await askControl(path, { method: 'GET', path: '/status' })).deep.equal({
      status: 500,
      body: { error: 'the disk is full' },
    });
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
