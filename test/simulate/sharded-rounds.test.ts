/** Rounds in shards finish as exact ones do, although members are slow, silent, crash or lie: one model, known by arithmetic. */
import { expect } from 'chai';
import { memberNames } from '../../src/simulate/index.ts';
import {
  endsWell,
  exactRule,
  modelsOfNodes,
  named,
  run,
  sealedModels,
  shardedRule,
} from './sharded-rounds.ts';

describe('rounds in shards', function () {
  this.timeout(600_000);

  for (const count of [4, 5, 8, 16]) {
    it(`of ${count} end with the models of exact rounds, bit by bit`, async () => {
      const exact = await run(count, 2, exactRule);
      const sharded = await run(count, 2, shardedRule);
      expect(sealedModels(exact.record)).to.have.lengthOf(2);
      expect(sealedModels(sharded.record)).to.deep.equal(sealedModels(exact.record));
      expect(named(sharded)).to.deep.equal(new Set());
    });
  }

  for (const count of [8, 16]) {
    for (const kind of ['stragglers', 'silent', 'crashing'] as const) {
      it(`of ${count} with f ${kind}: ten rounds, one model, the optimum`, async () => {
        await endsWell(count, [kind]);
      });
    }
  }
});

describe('rounds in shards with lying reducers', function () {
  this.timeout(600_000);

  // With 4 values each of 8 shards but 4 is empty: nobody can lie about those. A liar adds up 3 of 8, so some of it is not.
  for (const isTwofold of [false, true]) {
    it(`name one of 8 that ${isTwofold ? 'tells each half another sum' : 'tells all a false sum'}, and end right`, async () => {
      const [liar] = memberNames(8).slice(2, 3);
      const attack = { kind: 'lying-reducers', liars: [liar!], isTwofold } as const;
      const honest = await run(8, 3, exactRule);
      const lied = await run(8, 3, shardedRule, { attack });
      expect(sealedModels(lied.record)).to.deep.equal(sealedModels(honest.record));
      expect(named(lied)).to.deep.equal(new Set([liar]));
      expect(modelsOfNodes(lied.record, [liar!]).size).to.equal(1);
      const evidence = [...lied.world.nodes.values()].flatMap(({ id, disk }) =>
        id === liar ? [] : [...disk.files.keys()].filter((name) => name.startsWith('evidence/')),
      );
      for (const name of evidence) expect(name).to.match(new RegExp(`^evidence/sums-\\d-${liar}`));
      expect(evidence).to.not.be.empty;
    });
  }

  it('name two of 8 that tell the same lie, and end right', async () => {
    const liars = memberNames(8).slice(0, 2);
    const attack = { kind: 'lying-reducers', liars, isTwofold: false } as const;
    const honest = await run(8, 3, exactRule);
    const lied = await run(8, 3, shardedRule, { attack });
    expect(sealedModels(lied.record)).to.deep.equal(sealedModels(honest.record));
    expect(named(lied)).to.deep.equal(new Set(liars));
  });
});
