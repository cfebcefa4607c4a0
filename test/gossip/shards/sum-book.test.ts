/** Which sum counts, who is named, and what is passed over. */
import { expect } from 'chai';
import { utf8, type Digest, type NodeId, type RoundNumber } from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { ShardClaims, ShardPlan, SumBook } from '../../../src/gossip/index.ts';
import type { SignedSums } from '../../../src/wire/index.ts';

const members = Array.from({ length: 8 }, (_, at) => `L${at + 1}` as NodeId);
const digest = (text: string): Digest => digestOf(utf8(text));
const plan = new ShardPlan({ cid: digest('cid'), round: 1, base: digest('base') }, members, 3);
const [right, wrong, other] = [digest('right'), digest('wrong'), digest('other')];
const [first, second, third, fourth, fifth] = plan.reducersOf(0);

/** As if it had been signed and checked. */
function said(sum: Digest, shard = 0): SignedSums {
  const facts = { cid: digest('cid'), r: 1 as RoundNumber, cut: digest('cut'), i: 0, sig: '' };
  return { ...facts, sums: [{ shard, sum }] };
}

describe('the sums of shards', () => {
  it('count when f + 1 = 3 of 8 signed the same, not before', () => {
    const book = new SumBook(plan, 2);
    book.take(first!, said(right));
    book.take(second!, said(right));
    expect(book.accepted(0)).to.equal(null);
    book.take(second!, said(right)); // again: it is one member
    expect(book.accepted(0)).to.equal(null);
    book.take(fifth!, said(right));
    expect(book.accepted(0)).to.equal(right);
    expect(book.signersOf(0, right)).to.deep.equal([first, second, fifth]);
    expect(book.falseSums()).to.deep.equal([]);
  });

  it('are nothing from who is no reducer of the shard', () => {
    const book = new SumBook(plan, 2);
    const outsiders = members.filter((id) => plan.placeOf(0, id) < 0);
    expect(outsiders).to.have.lengthOf(3);
    for (const id of outsiders) book.take(id, said(wrong));
    expect(book.accepted(0)).to.equal(null);
    expect(book.dissentersOf(0)).to.equal(0);
    expect(book.falseSums()).to.deep.equal([]);
  });

  it('name who signed another one, once three of 8 agree or this node made it', () => {
    const book = new SumBook(plan, 2);
    const lie = said(wrong);
    book.take(first!, lie);
    book.take(second!, said(right));
    expect(book.dissentersOf(0)).to.equal(1);
    expect(book.falseSums()).to.deep.equal([]);
    book.made(0, right);
    expect(book.accepted(0)).to.equal(right);
    expect(book.falseSums()).to.deep.equal([{ reducer: first, shard: 0, signed: [lie] }]);
  });

  it('do not name anybody where three may all be liars, as among 32', () => {
    const many = Array.from({ length: 32 }, (_, at) => `M${at}` as NodeId);
    const large = new ShardPlan({ cid: digest('cid'), round: 1, base: digest('b') }, many, 3);
    const book = new SumBook(large, 10);
    const reducers = large.reducersOf(5);
    for (const id of reducers.slice(0, 3)) book.take(id, said(wrong, 5));
    book.take(reducers[3]!, said(right, 5));
    expect(book.accepted(5)).to.equal(wrong);
    expect(book.falseSums()).to.deep.equal([]);
    // Who added it up itself knows.
    book.made(5, right);
    expect(book.accepted(5)).to.equal(right);
    expect(book.falseSums().map(({ reducer }) => reducer)).to.deep.equal(reducers.slice(0, 3));
  });

  it('convict by two answers of one member, whichever is right', () => {
    const book = new SumBook(plan, 2);
    const [one, two] = [said(right), said(wrong)];
    book.take(first!, one);
    book.take(first!, two);
    expect(book.falseSums()).to.deep.equal([{ reducer: first, shard: 0, signed: [one, two] }]);
    book.take(first!, said(other)); // a third adds nothing
    expect(book.falseSums()).to.have.lengthOf(1);
    // Its first word stays: nobody can vote twice.
    book.take(second!, said(wrong));
    book.take(third!, said(wrong));
    expect(book.accepted(0)).to.equal(null);
  });

  it('are not taken when no such updates can have come to them, whoever signed', () => {
    const book = new SumBook(plan, 2);
    for (const id of [first, second, third]) book.take(id!, said(wrong));
    expect(book.accepted(0)).to.equal(wrong);
    book.refute(0, wrong);
    expect(book.accepted(0)).to.equal(null);
    expect(book.isRefuted(0)).to.equal(true);
    expect(book.falseSums().map(({ reducer }) => reducer)).to.deep.equal([first, second, third]);
    book.made(0, right);
    expect(book.isRefuted(0)).to.equal(false);
    expect(book.accepted(0)).to.equal(right);
    book.take(fourth!, said(right));
    expect(book.signersOf(0, right)).to.deep.equal([fourth]);
  });
});

describe('claims to hold shards', () => {
  const env = digest('env');

  it('make an update whole when three reducers of every shard claim theirs', () => {
    const claims = new ShardClaims(plan);
    for (let shard = 0; shard < 8; shard++) {
      for (const id of plan.reducersOf(shard).slice(0, 3)) {
        expect(claims.isWhole(env)).to.equal(false);
        claims.record(id, env, [shard], 100 + shard);
      }
      expect(claims.isShort(env, shard)).to.equal(false);
    }
    expect(claims.wholeAtMs(env)).to.equal(107);
    expect(claims.holdersOf(env, 0)).to.deep.equal([first, second, third]);
  });

  it('miss one shard: then it is not whole, whatever is claimed of the others', () => {
    const claims = new ShardClaims(plan);
    const all = Array.from({ length: 8 }, (_, at) => at);
    for (const id of members) claims.record(id, env, all.slice(1), 0);
    expect(claims.isShort(env, 0)).to.equal(true);
    expect(claims.isWhole(env)).to.equal(false);
    // Twice the same, strangers to the shard, and shards that do not exist count nothing.
    for (let time = 0; time < 3; time++) claims.record(first!, env, [0], 0);
    for (const id of members.filter((one) => plan.placeOf(0, one) < 0))
      claims.record(id, env, [0], 0);
    claims.record(second!, env, [-1, 8, 255], 0);
    expect(claims.isWhole(env)).to.equal(false);
    claims.record(second!, env, [0], 0);
    claims.record(third!, env, [0], 0);
    expect(claims.isWhole(env)).to.equal(true);
    expect(claims.isWhole(digest('another'))).to.equal(false);
  });
});
