import { expect } from 'chai';

import { consensusDefaults, viewTimeoutMs } from '../../src/consensus/index.ts';
import { faultCountMax, quorumOf } from '../../src/wire/index.ts';
import { PlainWorld } from './plain-world.ts';
import { simulate } from './simulation.ts';

const delayMs = 100;
const heights = 12;

describe('a decision', () => {
  for (const members of [4, 7, 10]) {
    it(`takes three message delays: PROPOSE, NOTARIZE, FINALIZE (n = ${members})`, () => {
      const world = new PlainWorld({ members, delayMs, heights });
      world.run(60_000);
      // Before the first vote there and back: RECALL and RECALLED.
      for (const [at, decided] of world.decidedAtMs.entries()) {
        const expected = Array.from({ length: members }, () => (2 + 3 * (at + 1)) * delayMs);
        expect(decided, `height ${at + 1}`).deep.equal(expected);
      }
    });

    const f = faultCountMax(members);
    it(`waits for silent leaders alone, each its time and one delay (n = ${members}, f = ${f} silent)`, () => {
      const silent = Array.from({ length: f }, (_, index) => index);
      const world = new PlainWorld({ members, silent, delayMs, heights });
      world.run(600_000);
      const known = new Set<number>();
      let begun = 2 * delayMs;
      for (const [at, decided] of world.decidedAtMs.entries()) {
        let expected = begun;
        for (const [view, leader] of world.leaders[at]!.entries()) {
          if (!silent.includes(leader)) break;
          const { silentLeaderMs } = consensusDefaults;
          // T(v) the first time, half a second from then on; one delay until q NULLIFY are everywhere.
          expected += known.has(leader) ? silentLeaderMs : viewTimeoutMs(consensusDefaults, view);
          expected += delayMs;
          known.add(leader);
        }
        expected += 3 * delayMs;
        expect(decided, `height ${at + 1}`).deep.equal(decided.map(() => expected));
        begun = expected;
      }
      expect(world.decidedAtMs.length).equal(heights);
      expect(known.size, 'silent leaders met').equal(f);
    });

    const many = members - quorumOf(members) + 1;
    it(`is never made with n - q + 1 = ${many} of ${members} silent`, () => {
      const silent = Array.from({ length: many }, (_, index) => index);
      const world = new PlainWorld({ members, silent, delayMs, heights });
      world.run(3_600_000);
      expect(world.decidedAtMs).deep.equal([]);
    });
  }
});

describe('a decision among members of whom f lie', () => {
  // In the simulated world: T0 = 1 s, a message takes up to 50 ms, a record up to 10, what was lost is said again after 600.
  const settings = { ...consensusDefaults, viewTimeoutMs: 1_000, viewTimeoutMsMax: 30_000 };
  const hopMs = 50 + 2 * 10;
  for (const [members, seeds] of [
    [4, 12],
    [7, 5],
    [10, 2],
  ] as const) {
    it(`comes within the time of f leaders and three hops (n = ${members})`, () => {
      const f = faultCountMax(members);
      // At most f leaders in a row lie: T(v), then a hop and a repetition until all are in the next view.
      let boundMs = 3 * hopMs + 20; // 20: until the application has applied the block before
      for (let view = 0; view < f; view++) {
        boundMs += viewTimeoutMs(settings, view) + hopMs + 600;
      }
      for (const adversary of ['silent', 'twins', 'chaos', 'plot'] as const) {
        for (let seed = 0; seed < seeds; seed++) {
          const run = simulate({ seed, members, adversary, heights: 3, isCalm: true });
          const name = `${adversary}, seed ${seed}`;
          expect(run.violations, name).deep.equal([]);
          // The first height has the start of everybody in it.
          for (const ms of run.heightMs.slice(1)) expect(ms, name).most(boundMs);
        }
      }
    });
  }
});
