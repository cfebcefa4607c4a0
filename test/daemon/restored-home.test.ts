import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import { RestoredHome } from '../../src/daemon/restored-home.ts';
import type { NodeFact } from '../../src/dashboard/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { noticeCopy, restoredAtMs, settleRestored } from '../../src/node/index.ts';

describe('a home that is a copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-restored-'));
  const at = (name: string): string => join(folder, name);
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** What is said of a home, and a second that passes. */
  async function watched(home: string): Promise<{
    readonly restored: RestoredHome | null;
    readonly said: string[];
    readonly node: { isVoter: boolean };
    readonly pass: () => Promise<void>;
  }> {
    const said: string[] = [];
    const node = { isVoter: false };
    let wake: () => void = () => undefined;
    let armed = 0;
    const clock = {
      nowMs: () => 5_000,
      setTimer: (_delayMs: number, fire: () => void) => {
        armed += 1;
        wake = fire;
        return () => undefined;
      },
    };
    const onFact = (fact: NodeFact): void => {
      said.push(fact.kind === 'notice' ? `${fact.level}: ${fact.text}` : fact.kind);
    };
    const isVoter = (): boolean => node.isVoter;
    const options = { home: { folder: home }, clock, isVoter, onFact };
    const restored = await RestoredHome.open(options);
    const pass = async (): Promise<void> => {
      const [armedBefore, saidBefore] = [armed, said.length];
      wake();
      // It looks at the disk, and then says something or looks again.
      while (armed === armedBefore && said.length === saidBefore) {
        await new Promise((go) => setTimeout(go, 1));
      }
      await new Promise((go) => setTimeout(go, 1));
    };
    return { restored, said, node, pass };
  }

  it('is held back until a person confirms it, says so, and is over when it votes', async () => {
    const home = at('restored');
    const mark = JSON.stringify({ format: 'annulus-restored/v1', restoredAtMs: 2_000 });
    await diskStore(home).write('node/restored.json', utf8(mark));
    const { restored, said, node, pass } = await watched(home);
    expect(restored?.isHeldBack).equal(true);
    expect(said).lengthOf(1);
    expect(said[0]).match(/^warning: this home is a copy.*does not vote until somebody confirms/);
    await pass();
    expect([restored?.isHeldBack, said.length]).deep.equal([true, 1]);
    await settleRestored({ folder: home });
    await pass();
    expect(restored?.isHeldBack).equal(false);
    expect(said[1]).match(/^info: .*was confirmed: it votes when it has caught up/);
    await pass();
    expect(said).lengthOf(2);
    node.isVoter = true;
    await pass();
    expect(said[2]).equal('notice-over');
    expect((await watched(home)).restored).equal(null);
  });

  it('is watched no more once its node has ended, also when that came in the midst of a look', async () => {
    const home = at('ended');
    const mark = JSON.stringify({ format: 'annulus-restored/v1', restoredAtMs: 2_000 });
    await diskStore(home).write('node/restored.json', utf8(mark));
    const timers = new Set<() => void>();
    const setTimer = (_delayMs: number, fire: () => void): (() => void) => {
      timers.add(fire);
      return () => timers.delete(fire);
    };
    const clock = { nowMs: () => 5_000, setTimer };
    const ports = { isVoter: () => false, onFact: () => undefined };
    const restored = await RestoredHome.open({ home: { folder: home }, clock, ...ports });
    const [look] = timers;
    timers.clear();
    look?.();
    restored?.stop();
    // The disk has answered long before.
    await restoredAtMs({ folder: home });
    await new Promise((go) => setTimeout(go, 50));
    expect(timers.size).equal(0);
  });

  it('is none where its node runs again in the same folder, or in one that was moved', async () => {
    const home = at('own');
    mkdirSync(home);
    expect((await watched(home)).restored).equal(null);
    expect((await watched(home)).restored).equal(null);
    renameSync(home, at('moved'));
    expect((await watched(at('moved'))).restored).equal(null);
  });

  it('is one where its files were copied, also with all their times and rights', async () => {
    const home = at('original');
    mkdirSync(home);
    await noticeCopy({ folder: home }, 1_000);
    execFileSync('cp', ['-a', home, at('clone')]);
    const { restored, said } = await watched(at('clone'));
    expect(restored?.isHeldBack).equal(true);
    expect(said[0]).contain('or from another folder');
    expect(await restoredAtMs({ folder: at('clone') })).equal(5_000);
    expect(await restoredAtMs({ folder: home })).equal(null);
    // Once confirmed it stays so.
    await settleRestored({ folder: at('clone') });
    expect((await watched(at('clone'))).restored).equal(null);
  });
});
