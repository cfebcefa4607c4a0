/** Consortia that are too large, and worlds that are too many, for the tests of every day. */
import { expect } from 'chai';
import { changingRandomWorld, failureOf, randomWorld } from './random-world.ts';
import { endsWell as endsWellInShards } from './sharded-rounds.ts';
import { endsWell, kinds } from './ten-rounds.ts';

describe('large virtual consortia', () => {
  for (const kind of kinds) {
    it(`of 64 with f ${kind} end ten rounds`, async () => {
      await endsWell(64, [kind]);
    });
  }

  it('of 100 with f that are slow, silent or crashing end ten rounds', async () => {
    await endsWell(100, kinds);
  });

  it('of 32 with f that are slow, silent or crashing end ten rounds in shards', async () => {
    await endsWellInShards(32, kinds);
  });
});

describe('further random faults', () => {
  it('end, and then the plan is carried out: seeds 301 to 2000', async () => {
    for (let seed = 301; seed <= 2000; seed++) {
      expect(await failureOf(randomWorld(seed)), `seed ${seed}`).to.equal(null);
    }
  });

  it('end while the members change: seeds 51 to 200', async () => {
    for (let seed = 51; seed <= 200; seed++) {
      expect(await failureOf(changingRandomWorld(seed)), `seed ${seed}`).to.equal(null);
    }
  });
});
