import { expect } from 'chai';

import { InvariantError } from '../../src/base/index.ts';
import { generateHpkeKey, sealTo } from '../../src/crypto/index.ts';
import { virtualClock } from '../../src/simulate/virtual-clock.ts';

describe('virtualClock', () => {
  it('fires timers by time, then by order of setting', async () => {
    const clock = virtualClock(100);
    const fired: string[] = [];
    const delays: [string, number][] = [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['now', 0],
    ];
    for (const [name, delayMs] of delays) {
      clock.setTimer(delayMs, () => fired.push(`${name}@${clock.nowMs()}`));
    }
    expect(clock.pendingCount).to.equal(5);
    expect(await clock.runUntil(() => false)).to.equal(false);
    expect(fired).to.deep.equal(['now@100', 'a@110', 'b1@120', 'b2@120', 'c@130']);
    expect(clock.pendingCount).to.equal(0);
  });

  it('orders many timers as sorting does', async () => {
    const clock = virtualClock();
    const fired: number[] = [];
    // 7919 is prime to 1000: a permutation of 0..999.
    const delays = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    for (const delayMs of delays) clock.setTimer(delayMs, () => fired.push(delayMs));
    await clock.advance(1000);
    expect(fired).to.deep.equal(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('forgets cancelled timers, once', async () => {
    const clock = virtualClock();
    const cancel = clock.setTimer(1, () => expect.fail('was cancelled'));
    clock.setTimer(2, () => undefined);
    cancel();
    cancel();
    expect(clock.pendingCount).to.equal(1);
    await clock.advance(5);
    expect(clock.nowMs()).to.equal(5);
  });

  it('lets promises settle between timers', async () => {
    const clock = virtualClock();
    const steps: string[] = [];
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => void clock.setTimer(ms, resolve));
    const walk = async (): Promise<void> => {
      await sleep(10);
      await Promise.resolve();
      steps.push(`first ${clock.nowMs()}`);
      await sleep(10);
      steps.push(`second ${clock.nowMs()}`);
    };
    void walk();
    clock.setTimer(15, () => steps.push(`timer ${clock.nowMs()}`));
    expect(await clock.runUntil(() => steps.length === 3)).to.equal(true);
    expect(steps).to.deep.equal(['first 10', 'timer 15', 'second 20']);
  });

  it('stands still while work is held', async () => {
    const clock = virtualClock();
    const seen: number[] = [];
    const slow = new Promise<void>((resolve) => setTimeout(resolve, 20));
    void clock.hold(slow).then(() => seen.push(clock.nowMs()));
    clock.setTimer(1, () => seen.push(-1));
    await clock.advance(10);
    expect(seen).to.deep.equal([0, -1]);
  });

  it('stands still while a secret is being sealed', async () => {
    const clock = virtualClock();
    const seen: string[] = [];
    const { publicKey } = generateHpkeKey();
    const none = new Uint8Array(0);
    void (async () => {
      for (let i = 0; i < 3; i++) await sealTo(publicKey, none, none, none);
      seen.push(`sealed @${clock.nowMs()}`);
    })();
    clock.setTimer(1, () => seen.push('timer'));
    await clock.advance(10);
    expect(seen).to.deep.equal(['sealed @0', 'timer']);
  });

  it('goes on after held work that failed', async () => {
    const clock = virtualClock();
    clock.hold(Promise.reject(new Error('expected'))).catch(() => undefined);
    await clock.advance(1);
    expect(clock.nowMs()).to.equal(1);
  });

  it('stops at its limits', async () => {
    const clock = virtualClock();
    const again = (): void => void clock.setTimer(1, again);
    again();
    expect(await clock.runUntil(() => false, { untilMs: 10 })).to.equal(false);
    expect(clock.nowMs()).to.equal(10);
    expect(await clock.runUntil(() => false, { maxTimers: 5 })).to.equal(false);
    expect(clock.nowMs()).to.equal(15);
    expect(() => clock.setTimer(-1, again)).to.throw(InvariantError);
    expect(() => clock.setTimer(Infinity, again)).to.throw(InvariantError);
  });
});
