import type { Connection } from '@libp2p/interface';
import { expect } from 'chai';
import type { ByteCounter } from '../../src/network/byte-counter.ts';
import { SilenceWatch } from '../../src/network/silence-watch.ts';

describe('SilenceWatch', () => {
  const watchOf = (quietFromMs: Record<string, number>) => {
    const cut: string[] = [];
    const connections = Object.keys(quietFromMs).map((id) => ({ id, abort: () => cut.push(id) }));
    const watch = new SilenceWatch({
      connections: () => connections as unknown as Connection[],
      counter: {
        of: ({ id }: { id: string }) => ({ quietFromMs: quietFromMs[id] }),
      } as unknown as ByteCounter,
      ...{ silenceMsMax: 25_000, intervalMs: 5_000 },
    });
    return { watch, cut };
  };

  it('gives up a connection that was silent for longer than it may, and no other', () => {
    const { watch, cut } = watchOf({ quiet: 0, busy: 24_999, late: 5_000 });
    for (let nowMs = 0; nowMs <= 25_000; nowMs += 5_000) watch.look(nowMs);
    expect(cut).to.deep.equal([]);
    watch.look(25_001);
    expect(cut).to.deep.equal(['quiet']);
    watch.look(30_001);
    expect(cut).to.deep.equal(['quiet', 'quiet', 'late']);
  });

  it('gives up none when this node itself stood still: what came meanwhile is not read yet', () => {
    const { watch, cut } = watchOf({ one: 4_000 });
    watch.look(5_000);
    watch.look(45_000);
    expect(cut).to.deep.equal([]);
    watch.look(50_000);
    expect(cut).to.deep.equal(['one']);
  });
});
