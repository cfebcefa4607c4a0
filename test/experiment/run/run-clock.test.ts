import { expect } from 'chai';
import { runClock } from '../../../src/experiment/run/run-clock.ts';
import { virtualClock } from '../../../src/simulate/virtual-clock.ts';

describe('run clock', () => {
  it('is the machine’s clock while nothing came before', () => {
    expect(runClock(virtualClock(500)).nowMs()).equal(500);
  });

  it('goes on from where the run ended, and never back', async () => {
    const machine = virtualClock(1000);
    const clock = runClock(machine);
    clock.continueFrom(300);
    expect(clock.nowMs()).equal(300);
    machine.setTimer(50, () => undefined);
    await machine.runUntil(() => false);
    expect(clock.nowMs()).equal(350);
    clock.continueFrom(320);
    expect(clock.nowMs(), 'an earlier block told late').equal(350);
    clock.continueFrom(400);
    expect(clock.nowMs()).equal(400);
  });

  it('keeps the machine’s timers', () => {
    const clock = runClock(virtualClock(1000));
    clock.continueFrom(0);
    let fired = false;
    const cancel = clock.setTimer(10, () => (fired = true));
    cancel();
    expect(fired).equal(false);
  });
});
