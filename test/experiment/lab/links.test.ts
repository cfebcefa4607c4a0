import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import { EventHeap } from '../../../src/experiment/lab/event-heap.ts';
import { hashedUniform } from '../../../src/experiment/lab/hashed-chance.ts';
import { Links } from '../../../src/experiment/lab/links.ts';
import { drawSites } from '../../../src/experiment/lab/sites.ts';
import { settingsWith, type Changes } from './lab-orders.ts';

const linksOf = (links: Changes['links'], nodes = 10): Links =>
  new Links(settingsWith({ nodes, links: links ?? {} }), null);

describe('links', () => {
  it('lose as many messages as the settings say, the same ones each time', () => {
    const links = linksOf({ lossRate: 0.2 });
    const moments = Array.from({ length: 10_000 }, (_, round) => ({ round, step: 0, attempt: 0 }));
    const lost = moments.filter((moment) => links.isLost(1, 2, moment)).length;
    // 2000 expected, with a standard deviation of 40.
    expect(lost).within(1840, 2160);
    expect(moments.filter((moment) => links.isLost(1, 2, moment)).length).equal(lost);
    expect(linksOf({}).isLost(1, 2, { round: 1, step: 0, attempt: 0 })).equal(false);
  });

  it('have delays of their own within the spread, the same both ways', () => {
    const links = linksOf({ delayMs: 20, delayMsSpread: 80 });
    const delays = Array.from({ length: 9 }, (_, to) => links.delayMs(0, to + 1));
    expect(Math.min(...delays)).least(20);
    expect(Math.max(...delays)).most(100);
    expect(new Set(delays).size).equal(9);
    expect(links.delayMs(3, 5)).equal(links.delayMs(5, 3));
  });

  it('are slower one way where they are asymmetric', () => {
    const links = linksOf({ delayMs: 10, bytesPerSecond: 1000, asymmetry: 8 });
    for (let to = 1; to < 10; to++) {
      const [there, back] = [links.delayMs(0, to), links.delayMs(to, 0)];
      expect(Math.min(there, back)).equal(10);
      expect(Math.max(there, back)).within(10, 80);
      // A second for 1000 bytes, and as many times as long as the delay is.
      expect(links.sendMs(0, to, 1000)).closeTo(100 * there, 1e-9);
    }
  });

  it('of a file have its numbers, and none where it has no line', () => {
    const link = { from: 0, to: 1, delayMs: 7, bytesPerSecond: 500, lossRate: 0 };
    const links = new Links(settingsWith({ nodes: 4 }), [link]);
    expect([links.delayMs(0, 1), links.sendMs(0, 1, 250)]).deep.equal([7, 500]);
    const moment = { round: 1, step: 0, attempt: 0 };
    expect([links.isLost(0, 1, moment), links.isLost(1, 0, moment)]).deep.equal([false, true]);
  });
});

describe('sites', () => {
  it('are as slow as the settings say, and as many away or gone', () => {
    const settings = settingsWith({
      ...{ nodes: 1000, rounds: 50 },
      sites: { slownessMax: 16, absentShare: 0.25, churnShare: 0.1 },
    });
    const { slowness, absentFrom, goneFrom } = drawSites(settings);
    expect(Math.min(...slowness)).least(1);
    expect(Math.max(...slowness)).most(16);
    // Half of a logarithmic scale lies below its middle, 4: 500 expected, with a deviation of 16.
    expect(slowness.filter((value) => value < 4).length).within(435, 565);
    expect(absentFrom.filter(Number.isFinite).length).equal(250);
    expect(goneFrom.filter(Number.isFinite).length).equal(100);
    expect(absentFrom.filter(Number.isFinite).every((round) => round >= 1 && round <= 50)).equal(
      true,
    );
  });
});

describe('chance by names', () => {
  it('is even, and another for every name', () => {
    const draws = Array.from({ length: 10_000 }, (_, at) => hashedUniform(1, 2, at, 0, 0, 0));
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    // Standard error 0.0029.
    expect(mean).closeTo(0.5, 0.012);
    expect(new Set(draws).size).greaterThan(9990);
    const others = [0, 1, 2, 3, 4, 5].map((place) => {
      const names = [1, 2, 3, 4, 5, 6];
      names[place] = 99;
      return hashedUniform(...(names as [number, number, number, number, number, number]));
    });
    expect(new Set([...others, hashedUniform(1, 2, 3, 4, 5, 6)]).size).equal(7);
  });
});

describe('a heap of events', () => {
  it('gives them in the order of their times, and of their making within one time', () => {
    const random = seededRandom('heap');
    const events = Array.from({ length: 500 }, (_, order) => ({ atMs: random.integer(50), order }));
    const heap = new EventHeap<(typeof events)[number]>();
    for (const event of events) heap.push(event);
    const sorted = [...events].sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    expect(heap.all()).deep.equal(sorted);
    expect(sorted.map(() => heap.pop())).deep.equal(sorted);
    expect(heap.pop()).equal(null);
  });
});
