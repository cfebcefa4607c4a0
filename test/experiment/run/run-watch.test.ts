import { expect } from 'chai';
import { utf8, type NodeId } from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { RunWatch } from '../../../src/experiment/run/run-watch.ts';
import { virtualClock } from '../../../src/simulate/virtual-clock.ts';

const [one, two, three] = ['L1', 'L2', 'L3'] as [NodeId, NodeId, NodeId];

describe('run watch', () => {
  it('says who waits for what after a quiet minute, again after twice as long, and not before', async () => {
    const clock = virtualClock(0);
    const said: [number, string][] = [];
    const watch = new RunWatch({
      clock,
      nodes: () => [
        { id: one, connected: [two, three] },
        { id: two, connected: [one] },
        { id: three, connected: [one] },
      ],
      quietMsMax: 60_000,
      onQuiet: (quietMs, text) => said.push([quietMs, text]),
    });
    watch.start();
    await clock.runUntil(() => clock.nowMs() >= 55_000);
    expect(said).deep.equal([]);
    await clock.runUntil(() => clock.nowMs() >= 200_000);
    expect(said.map(([ms]) => ms)).deep.equal([60_000, 120_000]);
    expect(said[0]?.[1]).equal(
      'no round was opened: the votes of a quorum for the first one are missing; not connected: L2 misses L3, L3 misses L2',
    );
    watch.stop();
  });

  it('names phase and members that are missing', () => {
    const watch = new RunWatch({
      clock: virtualClock(0),
      nodes: () => [one, two, three].map((id) => ({ id, connected: [one, two, three] })),
      quietMsMax: 60_000,
      onQuiet: () => undefined,
    });
    const participants = [one, two, three];
    watch.heard(one, { kind: 'opened', round: 2, stage: 'student', participants, atMs: 0 });
    watch.heard(one, { kind: 'announced', round: 2 });
    watch.heard(two, { kind: 'working', round: 2, work: 'train', progress: { done: 3, total: 9 } });
    expect(watch.describe()).equal(
      'round 2 (student) waits for the updates of L2 L3; L2 trains (3 of 9); all 3 are connected',
    );
    for (const id of [two, three]) watch.heard(id, { kind: 'announced', round: 2 });
    expect(watch.describe()).contain('votes of a quorum for the CUT');
    watch.heard(one, { kind: 'cut', round: 2, nodes: participants });
    expect(watch.describe()).contain('votes of a quorum for the SEAL');
    watch.heard(one, { kind: 'done', treeSize: 1, root: digestOf(utf8('x')) });
    expect(watch.describe()).contain('L2 L3 still waits for signatures under its log');
  });
});
