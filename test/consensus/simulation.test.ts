import { expect } from 'chai';

import { quorumOf } from '../../src/wire/index.ts';
import { mutants, worldMutants } from './mutants.ts';
import { expectSound, firstCaught } from './simulation-runs.ts';
import { simulate, type SimulationOptions } from './simulation.ts';

describe('simulated consortia', () => {
  // 2 000 seeds in all with those further down; bench/consensus/seeds.ts runs 100 000.
  const worlds: readonly [string, Omit<SimulationOptions, 'seed'>][] = [
    ['crashes, losses and partitions only', { adversary: 'none' }],
    ['f members silent', { adversary: 'silent' }],
    ['f keys in two places (twins)', { adversary: 'twins' }],
    ['f members that sign anything (chaos)', { adversary: 'chaos' }],
    ['f members that want a fork (plot)', { adversary: 'plot' }],
    ['f members whose disk went back in time', { adversary: 'rollback' }],
    ['everybody without power at once', { adversary: 'chaos', blackout: true }],
  ];
  for (const [name, world] of worlds) {
    it(`agree and go on with ${name}`, () => {
      expectSound({ ...world, heights: 1 }, 215);
      expectSound(world, 20, 10_000);
      expectSound({ ...world, members: 5, heights: 1 }, 20);
      expectSound({ ...world, members: 7, heights: 1 }, 8);
      expectSound({ ...world, members: 10, heights: 1 }, 3);
      expectSound({ ...world, members: 13, heights: 1 }, 2);
    });
  }

  it('agree in epochs too small to bear a fault, and in odd ones', () => {
    for (const members of [1, 2, 3]) expectSound({ members, adversary: 'none' }, 4);
    expectSound({ members: 6, adversary: 'chaos', heights: 1 }, 4);
  });

  it('convict 2q-n members, f+1 or more, whenever so many of them make a fork', () => {
    for (const [members, liars] of [
      [4, 2],
      [5, 3],
      [7, 3],
      [7, 4],
    ] as const) {
      // prettier-ignore
      const runs = Array.from({ length: 20 }, (_, seed) =>
        simulate({ seed, members, liars, adversary: 'plot', heights: 1 }),
      );
      expect(runs.flatMap(({ violations }) => violations)).deep.equal([]);
      const forks = runs.filter(({ isForked }) => isForked);
      expect(forks.length, `forks with ${liars} of ${members}`).greaterThan(5);
      for (const { guilty } of forks) {
        expect(guilty.size).least(2 * quorumOf(members) - members);
        expect(Math.max(...guilty), 'a liar').below(liars);
      }
    }
  });

  it('cannot be forked by 2q-n-1 members: n = 5 with two liars, n = 8 with three', () => {
    for (const [members, liars] of [
      [5, 2],
      [8, 3],
    ] as const)
      // prettier-ignore
      for (let seed = 0; seed < 20; seed++) {
        const run = simulate({ seed, members, liars, adversary: 'plot', heights: 1 });
        expect([run.isForked, run.violations], `seed ${seed}`).deep.equal([false, []]);
      }
  });

  it('notice a disk that went back in time: its node retires', () => {
    const runs = Array.from({ length: 40 }, (_, seed) => simulate({ seed, adversary: 'rollback' }));
    expect(runs.filter(({ retired }) => retired > 0)).not.deep.equal([]);
  });

  it('are the same run for the same seed', () => {
    const run = (): unknown => simulate({ seed: 7, adversary: 'chaos' });
    expect(run()).deep.equal(run());
    expect(run()).not.deep.equal(simulate({ seed: 8, adversary: 'chaos' }));
  });
});

describe('the simulation catches a machine that', () => {
  const expected: readonly [string, Omit<SimulationOptions, 'seed'>, string[], number, number][] = [
    ['finalize after nullify', { adversary: 'chaos' }, ['honest-pair'], 0, 20],
    ['no justification check', { adversary: 'chaos' }, ['justification'], 0, 40],
    ['votes again after a restart', { adversary: 'twins' }, ['retire', 'honest-pair'], 0, 20],
    ['no re-propose', { adversary: 'chaos' }, ['justification'], 0, 10],
    ['low quorum', { adversary: 'twins' }, ['false-refusal', 'justification', 'agreement'], 0, 10],
    // Rare: these begin at seeds where it was seen.
    ['nullify after finalize', { adversary: 'chaos', blackout: true }, ['honest-pair'], 456, 1],
    ['body not persisted', { adversary: 'chaos', blackout: true }, ['liveness'], 263, 1],
    ['certificate not persisted', { adversary: 'chaos', blackout: true }, ['liveness'], 749, 1],
    ['gives up too much', { adversary: 'chaos' }, ['honest-pair'], 14, 1],
    ['gives up too little', { adversary: 'chaos' }, ['liveness'], 123, 1],
    ['forgets what it gave up', { adversary: 'chaos', blackout: true }, ['honest-pair'], 2858, 1],
    ['any parent', { adversary: 'chaos' }, ['justification'], 1333, 1],
    ['parent not persisted', { adversary: 'chaos', blackout: true }, ['liveness'], 15524, 1],
  ];

  for (const [name, options, invariants, from, seeds] of expected) {
    it(`breaks a rule: ${name}`, () => {
      const makeRules = mutants[name]!;
      const caught = firstCaught({ ...options, makeRules }, seeds, from);
      expect(caught?.invariant).oneOf(invariants);
    });
  }

  const worlds: readonly [string, Omit<SimulationOptions, 'seed'>, string[]][] = [
    ['log lost', { adversary: 'twins' }, ['retire', 'honest-pair', 'liveness']],
    ['sent before it is written', { adversary: 'chaos' }, ['retire', 'honest-pair']],
    ['validity not checked', { adversary: 'chaos' }, ['validity']],
    ['order of leaders not fixed', { adversary: 'none' }, ['false-refusal', 'recovery']],
  ];
  for (const [name, options, invariants] of worlds) {
    it(`is in a world that is broken: ${name}`, () => {
      const caught = firstCaught({ ...options, ...worldMutants[name] }, 60);
      expect(caught?.invariant).oneOf(invariants);
    });
  }
});
