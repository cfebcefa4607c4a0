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
    timers.end();
    set('e', 10, 'e, set after the end');
    await clock.advance(100);
    expect(ran).to.have.length(2);
  });

  it('run no task that was waiting in the queue when they ended', async () => {
    const clock = virtualClock(0);
    const queue: (() => unknown)[] = [];
    const timers = new Timers(clock, (task) => queue.push(task));
    let count = 0;
    timers.set('tick', 10, () => {
      count += 1;
    });
    await clock.advance(10);
    expect(queue).to.have.length(1);
    // As when the members change while a tick waits: the peer of the new epoch has a tick of its own.
    timers.end();
    for (const task of queue) task();
    expect(count).to.equal(0);
  });
});
