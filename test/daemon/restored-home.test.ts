import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../../src/base/index.ts';
import { watchRestored } from '../../src/daemon/restored-home.ts';
import type { NodeFact } from '../../src/dashboard/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { restoredAtMs, type HomeFacts } from '../../src/node/index.ts';

describe('a home that was restored', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-restored-'));
  const home = { folder } as HomeFacts;
  let wake: () => void = () => undefined;
  const clock = {
    nowMs: () => 5_000,
    setTimer: (_delayMs: number, fire: () => void) => {
      wake = fire;
      return () => {
        wake = () => undefined;
      };
    },
  };
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('says so until it votes, and is then a home like any other', async () => {
    const mark = JSON.stringify({ format: 'annulus-restored/v1', restoredAtMs: 2_000 });
    await diskStore(folder).write('node/restored.json', utf8(mark));
    const facts: NodeFact[] = [];
    let isVoter = false;
    const options = { home, clock, isVoter: () => isVoter, onFact: (f: NodeFact) => facts.push(f) };
    await watchRestored(options);
    wake();
    expect(facts.map(({ kind }) => kind)).deep.equal(['notice']);
    expect(await restoredAtMs(home)).equal(2_000);
    isVoter = true;
    wake();
    expect(facts.map(({ kind }) => kind)).deep.equal(['notice', 'notice-over']);
    while ((await restoredAtMs(home)) !== null) await new Promise((go) => setTimeout(go, 5));
    await watchRestored(options);
    expect(facts).lengthOf(2);
  });
});
