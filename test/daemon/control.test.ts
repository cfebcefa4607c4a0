import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { controlHandler } from '../../src/daemon/control.ts';
import { StatusFeed } from '../../src/dashboard/index.ts';
import type { ControlAnswer } from '../../src/host/index.ts';

const feed = new StatusFeed();
const done: string[] = [];
const handler = controlHandler({
  ...{ feed, ownData: null },
  submit: (bytes, isDespiteQuorum) => {
    const reason = `${bytes.byteLength} bytes${isDespiteQuorum ? ', despite' : ''}`;
    return Promise.resolve({ kind: 'refused', reason, advice: 'none' });
  },
  stop: () => done.push('stopped'),
  probe: () => Promise.reject(new Error('not asked')),
});
const ask = (method: string, target: string, body = new Uint8Array()): Promise<ControlAnswer> => {
  const { pathname: path, searchParams: query } = new URL(target, 'http://node');
  return handler({ method, path, query, body, signal: new AbortController().signal });
};

describe('what a running node answers', () => {
  it('is its status, and what it knows of its own cases', async () => {
    const { status, body } = await ask('GET', '/status');
    expect([status, (body as { version: number }).version]).deep.equal([200, 1]);
    expect(await ask('GET', '/cases')).deep.equal({ status: 200, body: null });
  });

  it('comes when the round, the height or the end has come, and not before', async () => {
    let answered = false;
    const waited = ask('GET', '/wait?height=7').then((answer) => {
      answered = true;
      return answer.body as { reached: boolean };
    });
    feed.apply({ kind: 'caught-up', height: 6 });
    await Promise.resolve();
    expect(answered).equal(false);
    feed.apply({ kind: 'caught-up', height: 7 });
    expect((await waited).reached).equal(true);
    const atMs = 0;
    const participants = ['L1' as NodeId];
    const ended = ask('GET', '/wait?round=1');
    feed.apply({ kind: 'opened', round: 1, stage: 'student', participants, atMs });
    feed.apply({ kind: 'void', round: 1, reason: 'late', height: 8, atMs });
    expect(((await ended).body as { reached: boolean }).reached).equal(true);
    const over = ask('GET', '/wait?done=1');
    feed.apply({ kind: 'done', treeSize: 1, root: '' });
    expect(((await over).body as { reached: boolean }).reached).equal(true);
  });

  it('ends the node after the answer', async () => {
    expect(await ask('POST', '/stop')).deep.equal({ status: 200, body: { stopping: true } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).deep.equal(['stopped']);
  });

  it('passes a version of the manifest on, and what became of it back', async () => {
    const { body } = await ask('POST', '/submit', new Uint8Array(3));
    expect(body).deep.equal({ kind: 'refused', reason: '3 bytes', advice: 'none' });
    const despite = await ask('POST', '/submit?despite-quorum=1', new Uint8Array(3));
    expect(despite.body).deep.include({ reason: '3 bytes, despite' });
  });

  it('refuses what it does not know', async () => {
    expect((await ask('GET', '/stop')).status).equal(404);
    expect((await ask('POST', '/status')).status).equal(404);
    expect((await ask('GET', '/wait')).status).equal(400);
    expect((await ask('GET', '/wait?round=-1')).status).equal(400);
  });
});
