/** Members that sign twice: as long as they are no more than f nobody is deceived, and their keys lose their votes. */
import { expect } from 'chai';
import {
  memberNames,
  simulateConsortium,
  virtualPlan,
  type SimulationRecord,
  type VirtualWorld,
} from '../../src/simulate/index.ts';

/** The last `liarCount` of `count` members are liars. */
async function attacked(
  seed: number,
  count: number,
  liarCount: number,
): Promise<{ readonly record: SimulationRecord; readonly world: VirtualWorld }> {
  const members = memberNames(count);
  const worlds: VirtualWorld[] = [];
  const record = await simulateConsortium({
    // Each round is one more chance that somebody sees both faces: of two rounds, a third convict nobody.
    ...{ seed, members, plan: virtualPlan({ participants: members, rounds: 5 }) },
    attack: { kind: 'two-faced', liars: members.slice(count - liarCount) },
    untilMs: 1_800_000,
    prepare: (made) => void worlds.push(made),
  });
  return { record, world: worlds[0]! };
}

describe('two-faced members', () => {
  for (const [count, liarCount] of [
    [4, 1],
    [5, 1],
    [7, 2],
  ] as const) {
    it(`${liarCount} of ${count}: the others agree, carry out the plan and take the votes of the liars`, async () => {
      let convictedCount = 0;
      for (let seed = 1; seed <= 5; seed++) {
        const { record, world } = await attacked(seed, count, liarCount);
        expect(record.violation, `seed ${seed}`).to.equal(null);
        expect(record.outcome, `seed ${seed}`).to.equal('done');
        const suspended = [...world.node(memberNames(count)[0]!).peer!.state.suspendedFrom.keys()];
        const liars = Array.from({ length: liarCount }, (_, i) => count - liarCount + i);
        // Never an honest one. A liar whose two faces nobody compared keeps its vote: messages are not relayed here.
        expect(liars, `seed ${seed}`).to.include.members(suspended);
        if (suspended.length === liars.length) convictedCount += 1;
      }
      expect(convictedCount).to.be.at.least(4);
    });
  }

  it('2 of 4 are more than f: two blocks are decided at one height, and that is seen', async () => {
    const { record } = await attacked(1, 4, 2);
    expect(record.outcome).to.equal('violation');
    expect(record.violation!.invariant).to.equal('agreement');
  });
});
