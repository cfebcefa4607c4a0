import { expect } from 'chai';
import { Timers } from '../../src/peer/timers.ts';
import { virtualClock } from '../../src/simulate/virtual-clock.ts';

describe('Timers', () => {
  it('post a task once at its time, the latest of a name only, and none that was cleared', async () => {
    const clock = virtualClock(0);
    const ran: string[] = [];
    const timers = new Timers(clock, (task) => void task());
    const set = (name: string, delayMs: number, mark: string): void => {
      timers.set(name, delayMs, () => {
        ran.push(`${mark} at ${clock.nowMs()}`);
      });
    };
    set('a', 10, 'a, replaced');
    set('a', 30, 'a');
    set('b', 20, 'b');
    set('c', 20, 'c, cleared');
    timers.clear('c');
    timers.clear('unknown');
    await clock.advance(100);
    expect(ran).to.deep.equal(['b at 20', 'a at 30']);
    set('d', 10, 'd, cleared with all');
    set('e', 10, 'e, cleared with all');
    timers.clearAll();
    await clock.advance(100);
    expect(ran).to.have.length(2);
  });
});
