import { expectSound, firstCaught } from './simulation-runs.ts';
import { mutants } from './mutants.ts';
import { expect } from 'chai';

describe('simulated consortia, many seeds', () => {
  const worlds = [
    { adversary: 'none' },
    { adversary: 'silent' },
    { adversary: 'twins' },
    { adversary: 'twins', blackout: true },
    { adversary: 'chaos' },
    { adversary: 'chaos', blackout: true },
  ] as const;
  for (const world of worlds) {
    it(`n = 4: 2000 seeds of ${JSON.stringify(world)}`, () => {
      expectSound(world, 2_000, 10_000);
    });
    it(`n = 7: 300 seeds of ${JSON.stringify(world)}`, () => {
      expectSound({ ...world, members: 7, heights: 4 }, 300, 10_000);
    });
    it(`n = 5, 6, 10, 13: 50 seeds each of ${JSON.stringify(world)}`, () => {
      for (const members of [5, 6, 10, 13]) expectSound({ ...world, members }, 50, 10_000);
    });
  }

  for (const [name, makeRules] of Object.entries(mutants)) {
    it(`catches "${name}" without knowing the seed`, () => {
      const caught = [true, false].some(
        (blackout) => firstCaught({ adversary: 'chaos', blackout, makeRules }, 16_000) !== null,
      );
      expect(caught).equal(true);
    });
  }
});
