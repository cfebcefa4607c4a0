import { expect } from 'chai';

import { utf8, type Digest, type NodeId, type RoundNumber } from '../../../../src/base/index.ts';
import { digestOf } from '../../../../src/crypto/index.ts';
import { MixingSchedule } from '../../../../src/gossip/index.ts';
import { StepBook, type Held } from '../../../../src/peer/rounds/mixing/step-book.ts';
import type { MixingReport, StepStatement } from '../../../../src/wire/index.ts';

const patienceMs = 1_000;
const weights = [1, 2, 3, 4].map((weight) => ({ weight, heads: {} }));
/** In step 0 each of four hears the one before it, in step 1 the one two places before it. */
const schedule = new MixingSchedule(
  { topology: { kind: 'one-peer-exponential' }, steps: 0, epsilon: 1e-5, clamp: 1 },
  'seed',
  weights,
);
const moment = { cid: digestOf(utf8('cid')), round: 3 as RoundNumber, cut: digestOf(utf8('cut')) };
const stateOf = (member: number, step: number): Digest => digestOf(utf8(`${member} ${step}`));

function stepOf(member: number, step: number, atMs: number, state?: Digest): Held<StepStatement> {
  const author = `L${member + 1}` as NodeId;
  const statement = {
    ...{ ...moment, author, step, sealedKeys: {} },
    state: state ?? stateOf(member, step),
  };
  return { statement, digest: statement.state, bytes: new Uint8Array(0), atMs };
}

function reportOf(
  member: number,
  atMs: number,
  changes: Partial<MixingReport> = {},
): Held<MixingReport> {
  const author = `L${member + 1}` as NodeId;
  const steps = [0, 1].map((step) => {
    const from = (member + 4 - 2 ** step) % 4;
    const received = [[from, stateOf(from, step)] as const];
    return { sent: stateOf(member, step), to: [(member + 2 ** step) % 4], received };
  });
  const statement = { ...moment, author, model: digestOf(utf8('model')), steps, ...changes };
  const digest = digestOf(utf8(JSON.stringify(statement)));
  return { statement, digest, bytes: new Uint8Array(0), atMs };
}

/** A book in which all have said what they can up to a step, at time 0. */
function bookUpTo(step: number, but: readonly number[] = []): StepBook {
  const book = new StepBook(schedule, 0, patienceMs);
  for (let at = 0; at <= step; at++) {
    for (const member of [0, 1, 2, 3]) {
      if (at < step || !but.includes(member)) book.takeStep(member, stepOf(member, at, 0));
    }
  }
  return book;
}

describe('the book of a mixing', () => {
  it('waits for everybody first, and then no longer for who says nothing', () => {
    const book = bookUpTo(0, [2]);
    // L1 and L2 have had all they need, and go on; then they wait for others.
    for (const member of [0, 1]) book.takeStep(member, stepOf(member, 1, 500));
    expect(book.stuck(patienceMs)).to.deep.equal([]);
    expect(book.stuck(patienceMs + 1)).to.deep.equal([2]);
  });

  it('waits for nobody who waits himself', () => {
    // L3 lacks; L4 hears L3, L1 and L2 hear others and have had all they need for step 1.
    const book = bookUpTo(0, [2]);
    book.takeStep(0, stepOf(0, 1, 0));
    book.takeStep(1, stepOf(1, 1, 0));
    expect(book.isStuck(3, 10 * patienceMs)).to.equal(false);
    // Once L3 has spoken L4 has all it needs.
    book.takeStep(2, stepOf(2, 0, 5_000));
    expect(book.isStuck(3, 5_000 + patienceMs)).to.equal(false);
    expect(book.isStuck(3, 5_001 + patienceMs)).to.equal(true);
  });

  it('waits for a report as for a step', () => {
    const book = bookUpTo(1);
    for (const member of [0, 1, 2]) book.takeReport(member, reportOf(member, 0));
    expect(book.reports()).to.equal(null);
    expect(book.stuck(patienceMs + 1)).to.deep.equal([3]);
    book.takeReport(3, reportOf(3, 0));
    expect(book.reports()).to.have.length(4);
    expect(book.stuck(10 * patienceMs)).to.deep.equal([]);
  });

  it('lets both go when one cannot use what the other signed', () => {
    const book = bookUpTo(0);
    for (const member of [0, 1, 2]) book.takeStep(member, stepOf(member, 1, 100));
    for (const member of [0, 2]) book.takeReport(member, reportOf(member, 150));
    book.takeLacks(3, 0, [2], 200);
    book.takeLacks(3, 0, [2], 900); // said again: since the first time
    // L4 has had all the statements since 0, but said why it does not go on.
    expect(book.stuck(200 + patienceMs)).to.deep.equal([]);
    expect(book.stuck(201 + patienceMs)).to.deep.equal([2, 3]);
    // It could use it after all.
    book.takeStep(3, stepOf(3, 1, 1_150));
    expect(book.isStuck(2, 1_500)).to.equal(false);
  });

  it('lets one of them go when this node has seen which', () => {
    const blamed = (): StepBook => {
      const book = bookUpTo(0);
      for (const member of [0, 1, 2]) book.takeStep(member, stepOf(member, 1, 100));
      for (const member of [0, 2]) book.takeReport(member, reportOf(member, 150));
      book.takeLacks(3, 0, [2], 200);
      return book;
    };
    const late = 10 * patienceMs;
    const [bad, withheld, fine] = [blamed(), blamed(), blamed()];
    bad.judged(2, 0, 3, 'bad', 300);
    expect(bad.stuck(300)).to.deep.equal([2]);
    expect(bad.stuck(late)).to.deep.equal([2]);
    // It may still come: the time is not over.
    withheld.judged(2, 0, 3, 'withheld', 300);
    expect(withheld.stuck(200 + patienceMs)).to.deep.equal([]);
    expect(withheld.stuck(late)).to.deep.equal([2]);
    // Its receiver gets it from us, and has as long as anybody to go on.
    fine.judged(2, 0, 3, 'fits', 300);
    expect(fine.stuck(300 + patienceMs)).to.deep.equal([]);
    expect(fine.stuck(301 + patienceMs)).to.deep.equal([3]);
    withheld.judged(2, 0, 3, 'fits', 2_000);
    expect(withheld.stuck(2_001 + patienceMs)).to.deep.equal([3]);
  });

  it('passes over complaints about members that one does not hear', () => {
    const book = bookUpTo(0);
    book.takeLacks(3, 0, [0, 1, 3], 0);
    for (const member of [0, 1, 2]) book.takeStep(member, stepOf(member, 1, 100));
    for (const member of [0, 1]) expect(book.isStuck(member, 1_050)).to.equal(false);
  });

  it('lets go at once who signs two states of a step, or two reports', () => {
    const book = bookUpTo(1);
    expect(book.takeStep(1, stepOf(1, 0, 0))).to.equal(null);
    expect(book.takeStep(1, stepOf(1, 0, 0, stateOf(9, 9)))).to.equal('two states of step 0');
    expect(book.stuck(0)).to.deep.equal([1]);
    expect(book.takeReport(2, reportOf(2, 0))).to.equal(null);
    const other = reportOf(2, 0, { model: digestOf(utf8('another')) });
    expect(book.takeReport(2, other)).to.equal('two reports');
    expect(book.stuck(0)).to.deep.equal([1, 2]);
  });

  const broken: [string, (steps: MixingReport['steps']) => MixingReport['steps']][] = [
    ['another state', ([first, ...more]) => [{ ...first!, sent: stateOf(9, 9) }, ...more]],
    ['other receivers', ([first, ...more]) => [{ ...first!, to: [] }, ...more]],
    ['other senders', ([first, ...more]) => [{ ...first!, received: [] }, ...more]],
    [
      'what its neighbour did not send',
      ([first, ...more]) => [{ ...first!, received: [[3, stateOf(9, 9)]] }, ...more],
    ],
    ['fewer steps', ([first]) => [first!]],
  ];
  for (const [what, change] of broken) {
    it(`refuses a report of ${what}`, () => {
      const book = bookUpTo(1);
      const { steps } = reportOf(0, 0).statement;
      expect(book.takeReport(0, reportOf(0, 0, { steps: change(steps) }))).to.not.equal(null);
      expect(book.report(0)).to.equal(null);
      expect(book.stuck(0)).to.deep.equal([0]);
    });
  }

  it('knows what may have been lost on its way', () => {
    const book = bookUpTo(1, [1]);
    expect(book.gaps(100, 100)).to.deep.equal(new Map());
    // L2 has step 0 of L1, which it hears; the others have not all of step 1, but L3 and L1 hear each other.
    expect(book.gaps(101, 100)).to.deep.equal(new Map([[1, [1]]]));
  });
});
