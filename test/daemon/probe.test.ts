import { expect } from 'chai';
import { controlHandler, type Controlled } from '../../src/daemon/control.ts';
import { linkState } from '../../src/daemon/watch-node.ts';
import type { NodeId } from '../../src/base/index.ts';
import { StatusFeed } from '../../src/dashboard/index.ts';
import type { ControlRequest } from '../../src/host/index.ts';
import type { MemberLink } from '../../src/network/index.ts';

const get = (path: string): ControlRequest => ({
  ...{ method: 'GET', path, query: new URLSearchParams(), body: new Uint8Array() },
  signal: new AbortController().signal,
});

describe('a node that is asked', () => {
  it('probes its members once for all who ask at the same time, and anew for those who ask later', async () => {
    let probes = 0;
    const node: Controlled = {
      ...{ feed: new StatusFeed(), ownData: null, stop: () => undefined },
      submit: () => Promise.reject(new Error('not asked')),
      probe: async () => {
        probes += 1;
        await new Promise((resolve) => setImmediate(resolve));
        if (probes === 2) throw new Error('no network');
        return { reports: [], claims: [] };
      },
    };
    const handler = controlHandler(node);
    const answers = await Promise.all([1, 2, 3].map(() => handler(get('/probe'))));
    expect(probes).equal(1);
    expect(answers.map(({ status }) => status)).deep.equal([200, 200, 200]);
    // A probe that failed is not the answer to the next question.
    const failure = await Promise.resolve(handler(get('/probe'))).catch(String);
    expect(failure).equal('Error: no network');
    expect((await handler(get('/probe'))).body).deep.equal({ reports: [], claims: [] });
    expect(probes).equal(3);
  });
});

describe('a link in the words of the status', () => {
  const problem = {
    layer: 'noise',
    reason: 'another machine answers',
    remedy: 'correct it',
  } as const;
  const link = (state: MemberLink['state'], changes: Partial<MemberLink> = {}): MemberLink => ({
    ...{ member: 'L2' as NodeId, state, sinceMs: 5, heardMs: 4, direction: null },
    ...{ sentBytes: 1, receivedBytes: 2, problem: null, ...changes },
  });
  const shared = { sinceMs: 5, lastHeardMs: 4, sentBytes: 1, receivedBytes: 2, height: null };

  it('keeps layer, reason and remedy of one that does not stand, whichever side refuses', () => {
    for (const state of ['unreachable', 'refused'] as const) {
      expect(linkState(link(state, { problem })), state).deep.equal({
        ...{ state: 'unreachable', layer: 'noise', detail: problem.reason, remedy: problem.remedy },
        ...shared,
      });
    }
  });

  it('has nothing to say of one that stands, and blames no layer for one that has to call', () => {
    const nothing = { layer: null, detail: null, remedy: null };
    expect(linkState(link('connected'))).deep.equal({ state: 'connected', ...nothing, ...shared });
    expect(linkState(link('dialing'))).deep.equal({ state: 'dialing', ...nothing, ...shared });
    const waiting = linkState(link('waiting'));
    expect([waiting.state, waiting.layer]).deep.equal(['dialing', null]);
    expect(waiting.detail).contain('waits for its call');
    expect(waiting.remedy).contain('node runs');
  });
});
