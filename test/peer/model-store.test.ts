import { expect } from 'chai';
import type { Digest } from '../../src/base/index.ts';
import { ContentStore } from '../../src/gossip/index.ts';
import { ModelStore } from '../../src/peer/model-store.ts';
import type { PlanStage } from '../../src/wire/index.ts';

describe('the models of a node', () => {
  it('are tried once by the next round too, and years of them are not remembered', async () => {
    const tried: string[] = [];
    const models = new ModelStore({
      trainer: {
        check: (_, name) => Promise.resolve(tried.push(name)),
        initialModel: () => Promise.reject(new Error('not asked')),
      },
      ...{ store: null as never, content: null as unknown as ContentStore, round: () => 1 },
    });
    const digestOf = (round: number): Digest => String(round).padStart(64, '0') as Digest;
    const lossOf = (round: number): Promise<number | null> =>
      models.holdOutLoss({} as PlanStage, digestOf(round), `model ${round}`);
    // Each round tries what it began with and what it made: the first of them is known from the round before.
    for (let round = 1; round <= 20; round++)
      for (const one of [round, round - 1]) await lossOf(one);
    expect(tried).length(21);
    expect(await lossOf(20)).equal(20 + 1);
    for (let round = 21; round <= 1_000; round++) await lossOf(round);
    await lossOf(0);
    expect(tried.at(-1)).equal('model 0');
  });
});
