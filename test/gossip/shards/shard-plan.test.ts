/** Who adds up what: the same everywhere, evenly spread, and nothing that anybody chooses. */
import { expect } from 'chai';
import { utf8, type NodeId } from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { ShardPlan, shardRange } from '../../../src/gossip/index.ts';

const members = (count: number): NodeId[] =>
  Array.from({ length: count }, (_, at) => `M${String(at).padStart(3, '0')}` as NodeId);
const seed = { cid: digestOf(utf8('cid')), round: 3, base: digestOf(utf8('base')) };

describe('the plan of shards', () => {
  // n, R + f with f = floor((n-1)/3), and how many must agree: f + 1, but no more than R.
  for (const [count, reducers, agree] of [
    [2, 2, 1],
    [4, 4, 2],
    [7, 5, 3],
    [8, 5, 3],
    [16, 8, 3],
    [32, 13, 3],
    [256, 88, 3],
  ] as const) {
    it(`gives each of ${count} shards ${reducers} different members, each of them on each place once`, () => {
      const plan = new ShardPlan(seed, members(count), 3);
      expect(plan.shardCount).to.equal(count);
      expect(plan.agreeMin).to.equal(agree);
      const orders = Array.from({ length: count }, (_, shard) => plan.reducersOf(shard));
      for (const order of orders) {
        expect(order).to.have.lengthOf(reducers);
        expect(new Set(order).size).to.equal(reducers);
      }
      for (let place = 0; place < reducers; place++) {
        const held = orders.map((order) => order[place]!).sort();
        expect(held, `place ${place}`).to.deep.equal(members(count));
      }
    });
  }

  it('is the same for all, and another one for another round, model or consortium', () => {
    const orders = (of: typeof seed): string =>
      JSON.stringify(
        members(8).map((_, shard) => new ShardPlan(of, members(8), 3).reducersOf(shard)),
      );
    expect(orders(seed)).to.equal(orders({ ...seed }));
    const others = [
      { ...seed, round: 4 },
      { ...seed, base: digestOf(utf8('x')) },
      { ...seed, cid: digestOf(utf8('x')) },
    ];
    expect(new Set([seed, ...others].map(orders)).size).to.equal(4);
  });

  it('knows no place of who is no reducer', () => {
    const plan = new ShardPlan(seed, members(16), 3);
    const [outsider] = members(16).filter((id) => !plan.reducersOf(0).includes(id));
    expect(plan.placeOf(0, outsider!)).to.equal(-1);
    expect(plan.placeOf(16, members(16)[0]!)).to.equal(-1);
    expect(plan.placeOf(0, plan.reducersOf(0)[2]!)).to.equal(2);
  });

  it('cuts a vector into parts that differ by one value at most, and has all of it', () => {
    for (const [values, shards] of [
      [10, 4],
      [4, 8],
      [0, 3],
      [62_000_001, 100],
    ] as const) {
      const ranges = Array.from({ length: shards }, (_, at) => shardRange(values, shards, at));
      expect(ranges[0]!.start).to.equal(0);
      expect(ranges.at(-1)!.end).to.equal(values);
      for (const [at, { start, end }] of ranges.entries()) {
        if (at > 0) expect(start).to.equal(ranges[at - 1]!.end);
        expect(end - start).to.be.oneOf([Math.floor(values / shards), Math.ceil(values / shards)]);
      }
    }
  });
});
