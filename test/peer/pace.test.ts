/** Deadlines after what rounds took: one member becomes slow, and the others do not wait for the plan's limit. */
import { expect } from 'chai';
import { renderVerdict, verifyLogDirectory } from '../../src/audit/index.ts';
import type { NodeId } from '../../src/base/index.ts';
import { directoryOf } from '../audit/sample-log.ts';
import { changingWorld, logFilesOf } from './changing-world.ts';

const [l1, l4] = ['L1', 'L4'] as NodeId[] as [NodeId, NodeId];
const never = 1e12;

describe('rounds whose deadline follows from what they took', () => {
  it("are given less than the plan's time, then twice and four times as much, and no more, while one is slow", async () => {
    // Training takes 1 s; of L4, from the fourth round on or so, a quarter of an hour.
    const slow = { kind: 'slow', node: l4, atMs: 12_000, forMs: 3_000_000, factor: 900 } as const;
    const stage = { deadlineFactorMicro: 3_000_000, roundTimeoutMs: 120_000 };
    const { world } = changingWorld([], 12, [slow], undefined, stage);
    world.start();
    const others = ['L1', 'L2', 'L3'] as NodeId[];
    const isOver = (): boolean => others.every((id) => world.node(id).isDone);
    for (let at = 10_000; !isOver() && at < 3_000_000; at += 10_000) await world.run(at, isOver);
    expect([isOver(), world.invariants.violation]).deep.equal([true, null]);
    const { log } = world.node(l1).peer!;
    const rounds: { waitMs: number; isComplete: boolean }[] = [];
    let waitMs = 0;
    for (let height = 1; height <= log.head.height; height++) {
      const { body } = (await log.decision(height))!;
      for (const op of body.ops) {
        if (op.op === 'OPEN') waitMs = op.deadline - body.ts;
        if (op.op === 'CUT') rounds.push({ waitMs, isComplete: op.updates.length === 4 });
      }
    }
    expect(rounds).lengthOf(12);
    const firstSlow = rounds.findIndex(({ isComplete }) => !isComplete);
    expect(firstSlow).greaterThan(1);
    expect(rounds[0]!.waitMs).equal(120_000);
    // A tenth of the plan's: three times a second or two is less.
    for (const { waitMs: ms } of rounds.slice(1, firstSlow + 1)) expect(ms).equal(12_000);
    const lacking = rounds.slice(firstSlow + 1).map(({ waitMs: ms }) => ms);
    expect(lacking).deep.equal([24_000, ...lacking.slice(1).map(() => 48_000)]);
    const verdict = await verifyLogDirectory(directoryOf(logFilesOf(world, l1)));
    expect(verdict.findings, renderVerdict(verdict)).deep.equal([]);
  });

  it('are given a tenth of the limit at least, and the limit where the plan has no factor', async () => {
    const paced = { deadlineFactorMicro: 3_000_000 };
    const { world } = changingWorld([], 3, [], undefined, paced);
    world.start();
    expect(await world.run(never)).equal('done');
    const files = logFilesOf(world, l1);
    const { findings } = await verifyLogDirectory(directoryOf(files));
    expect(findings).deep.equal([]);
    // The same rounds under a plan without the factor: the second OPEN would have the whole time.
    const plain = changingWorld([], 3);
    plain.world.start();
    expect(await plain.world.run(never)).equal('done');
    const waits = async (of: typeof world): Promise<number[]> => {
      const { log } = of.node(l1).peer!;
      const all: number[] = [];
      for (let height = 1; height <= log.head.height; height++) {
        const { body } = (await log.decision(height))!;
        for (const op of body.ops) if (op.op === 'OPEN') all.push(op.deadline - body.ts);
      }
      return all;
    };
    expect(await waits(world)).deep.equal([60_000, 6_000, 6_000]);
    expect(await waits(plain.world)).deep.equal([60_000, 60_000, 60_000]);
  });
});
