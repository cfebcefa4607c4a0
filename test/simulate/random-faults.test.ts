/** Hundreds of worlds drawn from their seeds: whatever goes wrong in one, it ends well after its faults have ended. */
import { expect } from 'chai';
import { shrinkFaults } from '../../src/simulate/index.ts';
import { failureOf, randomWorld } from './random-world.ts';

/** 1,700 more: large-worlds.slow.test.ts. */
const seedCount = 300;
/** Between two tests, so that a failure is told before all have run. */
const batch = 100;

/** What to paste into a test: `failureOf(randomWorld(seed, faults))`. */
async function shortestFailure(seed: number): Promise<string> {
  const { faults = [] } = randomWorld(seed);
  const fails = async (some: typeof faults): Promise<boolean> =>
    (await failureOf(randomWorld(seed, some))) !== null;
  const shortest = await shrinkFaults(faults, fails, 100);
  const failure = await failureOf(randomWorld(seed, shortest));
  return `seed ${seed}: ${failure}\nfaults: ${JSON.stringify(shortest)}`;
}

describe('random faults', () => {
  for (let first = 1; first <= seedCount; first += batch) {
    const last = first + batch - 1;
    it(`end, and then the plan is carried out: seeds ${first} to ${last}`, async () => {
      for (let seed = first; seed <= last; seed++) {
        const failure = await failureOf(randomWorld(seed));
        expect(failure, failure === null ? '' : await shortestFailure(seed)).to.equal(null);
      }
    }).timeout(600_000);
  }
});
