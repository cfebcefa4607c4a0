import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import { BroadcastQueue } from '../../src/network/broadcast-queue.ts';

describe('BroadcastQueue', () => {
  const drained = (queue: BroadcastQueue): string[] => {
    const taken: string[] = [];
    for (let next = queue.shift(); next !== null; next = queue.shift()) {
      taken.push(`${next.topic} ${Buffer.from(next.bytes).toString()}`);
    }
    return taken;
  };

  it('does not grow by repeats: a peer that ticks faster than it may send is not late for ever', () => {
    const queue = new BroadcastQueue(1_000);
    // Two minutes of ticks at 5/s, none of which goes out: heartbeat, checkpoint, update and a vote said again.
    for (let tick = 0; tick < 600; tick++) {
      for (const [topic, text] of [
        ['status', `h ${tick}`],
        ['log', `size ${tick}`],
        ['updates', 'the update'],
        ['consensus', 'a vote'],
      ] as const) {
        expect(queue.push(topic, utf8(text))).to.equal(true);
      }
    }
    expect(queue.length).to.equal(4);
    expect(drained(queue).sort()).to.deep.equal([
      'consensus a vote',
      'log size 599',
      'status h 599',
      'updates the update',
    ]);
    // What went out may be said again.
    queue.push('consensus', utf8('a vote'));
    expect(drained(queue)).to.deep.equal(['consensus a vote']);
  });

  it('lets the topics take turns, each in its own order, and refuses what is too much', () => {
    const queue = new BroadcastQueue(6);
    for (const n of [1, 2, 3, 4]) queue.push('updates', utf8(`u${n}`));
    queue.push('consensus', utf8('c1'));
    expect(queue.push('consensus', utf8('c2'))).to.equal(true);
    expect(queue.push('consensus', utf8('c3'))).to.equal(false);
    expect(drained(queue)).to.deep.equal([
      ...['consensus c1', 'updates u1', 'consensus c2'],
      ...['updates u2', 'updates u3', 'updates u4'],
    ]);
  });
});
