import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import {
  noPace,
  paceAfterCut,
  paceAfterLack,
  readPlan,
  roundTimeMs,
  WireError,
  type Cut,
  type Pace,
} from '../../src/wire/index.ts';
import { virtualPlan } from '../../src/simulate/index.ts';

const limit = { roundTimeoutMs: 60_000 };
/** Three times what the rounds took. */
const paced = { ...limit, deadlineFactorMicro: 3_000_000 };
const ids = ['L1', 'L2'] as NodeId[];
const cutOf = (count: number): Pick<Cut, 'updates'> => ({
  updates: ids.slice(0, count) as unknown as Cut['updates'],
});
const took = (...tookMs: number[]): Pace => ({ tookMs, lacking: 0 });

/** A round that opened at 1000 and was cut so much later, by so many of the two. */
function after(pace: Pace, tookMs: number, count = 2): Pace {
  const open = { deadline: 1_000 + roundTimeMs(paced, pace), participants: ids };
  return paceAfterCut(pace, paced, open, cutOf(count), 1_000 + tookMs);
}

describe('the time that a round is given', () => {
  it('is that of the plan without a factor, and before a round was complete', () => {
    expect(roundTimeMs(limit, took(1_000, 1_000))).equal(60_000);
    expect(roundTimeMs(paced, noPace)).equal(60_000);
    expect(roundTimeMs(paced, after(noPace, 5_000, 1))).equal(60_000);
  });

  it('is the factor times the middle of what the last five complete rounds took', () => {
    // Middle of 4, 5, 9: 5 s. Of 9, 5, 4, 6, 7, when the first six are told: 6 s.
    const three = [9_000, 5_000, 4_000].reduce((pace, ms) => after(pace, ms), noPace);
    expect(roundTimeMs(paced, three)).equal(15_000);
    const six = [20_000, 9_000, 5_000, 4_000, 6_000, 7_000].reduce(
      (pace, ms) => after(pace, ms),
      noPace,
    );
    expect(six.tookMs).deep.equal([9_000, 5_000, 4_000, 6_000, 7_000]);
    expect(roundTimeMs(paced, six)).equal(18_000);
  });

  it("is never less than a tenth of the plan's, nor more than it", () => {
    expect(roundTimeMs(paced, took(10))).equal(6_000);
    expect(roundTimeMs(paced, took(50_000))).equal(60_000);
  });

  it('doubles twice while rounds lack somebody; a complete round ends that', () => {
    const one = after(took(5_000), 15_000, 1);
    const two = paceAfterLack(one);
    const three = paceAfterLack(two);
    expect([one, two, three].map((pace) => roundTimeMs(paced, pace))).deep.equal([
      30_000, 60_000, 60_000,
    ]);
    const short = paceAfterLack(paceAfterLack(paceAfterLack(took(2_000))));
    expect(roundTimeMs(paced, short)).equal(24_000);
    expect(after(two, 5_000).lacking).equal(0);
  });

  it('counts no round as shorter than nothing: clocks differ', () => {
    expect(after(noPace, -500).tookMs).deep.equal([0]);
  });

  it('has a factor of 1 to 100 in the plan', () => {
    const planOf = (deadlineFactorMicro: number): unknown =>
      readPlan(virtualPlan({ participants: ids, rounds: 1, deadlineFactorMicro }));
    for (const micro of [1_000_000, 100_000_000]) expect(() => planOf(micro)).not.throw();
    for (const micro of [999_999, 100_000_001, 1.5]) expect(() => planOf(micro)).throw(WireError);
  });
});
