import { expect } from 'chai';
import type { NodeId } from '../../../src/base/index.ts';
import { connectAll, type ConnectableNode } from '../../../src/experiment/run/connect-all.ts';
import { virtualClock } from '../../../src/simulate/virtual-clock.ts';

/** Nodes of which each pair connects 100 ms after one was told where the other is; two calls that cross are counted. */
function connectableNodes(count: number, deaf: readonly string[] = []) {
  const clock = virtualClock(0);
  const stats = { calls: 0, crossed: 0, atOnce: 0, atOnceMax: 0 };
  const calling = new Set<string>();
  const links = new Map<NodeId, NodeId[]>();
  const ids = Array.from({ length: count }, (_, at) => `L${at + 1}` as NodeId);
  for (const id of ids) links.set(id, []);
  const nodes = ids.map((id): ConnectableNode => ({
    id,
    addresses: () => [`/at/${id}`],
    get connected() {
      return links.get(id) ?? [];
    },
    learnAddresses: (other) => {
      if (other === id || links.get(id)?.includes(other) === true) return;
      stats.calls += 1;
      if (calling.has(`${other} ${id}`)) stats.crossed += 1;
      calling.add(`${id} ${other}`);
      stats.atOnce += 1;
      stats.atOnceMax = Math.max(stats.atOnceMax, stats.atOnce);
      clock.setTimer(100, () => {
        calling.delete(`${id} ${other}`);
        stats.atOnce -= 1;
        if (deaf.includes(id) || deaf.includes(other)) return;
        links.get(id)?.push(other);
        links.get(other)?.push(id);
      });
    },
  }));
  return { clock, nodes, stats };
}

describe('connectAll', () => {
  const signal = new AbortController().signal;

  it('connects all pairs, one call a pair and a few at a time', async () => {
    const { clock, nodes, stats } = connectableNodes(16);
    const seen: number[] = [];
    let isOver = false;
    const options = { clock, signal, stallMsMax: 1000, onPair: (done: number) => seen.push(done) };
    const connecting = connectAll(nodes, options).then(() => (isOver = true));
    await clock.runUntil(() => isOver);
    await connecting;
    // 16 * 15 / 2 pairs, each called once, from one side.
    expect(stats).include({ calls: 120, crossed: 0 });
    expect(stats.atOnceMax).lessThan(16);
    expect(seen.at(-1)).equal(120);
    for (const { id, connected } of nodes) expect(connected, id).length(15);
  });

  it('says who misses whom when nothing moves any more', async () => {
    const { clock, nodes } = connectableNodes(4, ['L3']);
    let refusal: unknown = null;
    const options = { clock, signal, stallMsMax: 1000, onPair: () => undefined };
    const connecting = connectAll(nodes, options).catch((error: unknown) => (refusal = error));
    await clock.runUntil(() => refusal !== null);
    await connecting;
    expect(refusal).property('code', 'not_connected');
    expect((refusal as Error).message)
      .contain('L3 misses L1 L2 L4')
      .and.contain('L1 misses L3')
      .and.contain('127.0.0.1');
  });
});
