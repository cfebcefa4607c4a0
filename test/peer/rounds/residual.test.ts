/** What rounding left out of an update counts once its round has taken the update in, and is dropped where it has not. */
import { expect } from 'chai';
import { Residual } from '../../../src/peer/rounds/residual.ts';
import { fateOfUpdate } from '../../../src/peer/rounds/taken-in.ts';
import type { RoundContext } from '../../../src/peer/round-protocol.ts';
import type { NodeId } from '../../../src/base/index.ts';
import type { Op } from '../../../src/wire/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

const self = 'L1' as NodeId;
const bytes = (n: number): Uint8Array => Uint8Array.of(n);

/** The residuals of a node in one round. */
function inRound(
  r: number,
  store: MemoryStore,
  taken: readonly number[],
  rule: object = { kind: 'exact', compression: 'int8' },
): Residual {
  return new Residual({
    open: { r, rule },
    stage: { id: 'student' },
    ports: { store },
    fateOfUpdate: (round: number) => Promise.resolve(taken.includes(round) ? 'sealed' : 'cut'),
  } as unknown as RoundContext);
}

/** Makes an update in a round that leaves out `left`. @returns what it was given of earlier ones */
async function update(
  residual: Residual,
  store: MemoryStore,
  left: number,
): Promise<number | null> {
  const files = (await residual.files('ab'))!;
  const given = (await store.read(files.from))?.[0] ?? null;
  await store.write(files.into, bytes(left));
  await residual.keep(files);
  return given;
}

describe('what rounding left out', () => {
  it('goes into the next update when its round took the update in', async () => {
    const store = new MemoryStore();
    expect(await update(inRound(1, store, []), store, 11)).to.equal(null);
    expect(await update(inRound(2, store, [1]), store, 22)).to.equal(11);
    expect(await update(inRound(3, store, [1, 2]), store, 33)).to.equal(22);
  });

  it('is what it was before where a round left the update out, was void or was missed', async () => {
    const store = new MemoryStore();
    await update(inRound(1, store, []), store, 11);
    expect(await update(inRound(2, store, [1]), store, 22)).to.equal(11);
    // Round 2 went on without us; round 3 was missed.
    expect(await update(inRound(4, store, [1]), store, 44)).to.equal(11);
    expect(await update(inRound(5, store, [1, 4]), store, 55)).to.equal(44);
  });

  it('is the same again after a crash before the update went out', async () => {
    const store = new MemoryStore();
    await update(inRound(1, store, []), store, 11);
    const files = (await inRound(2, store, [1]).files('ab'))!;
    await store.write(files.into, bytes(22)); // the node stops here, and begins anew
    expect(await update(inRound(2, store, [1]), store, 23)).to.equal(11);
    expect(await update(inRound(3, store, [1, 2]), store, 33)).to.equal(23);
  });

  it('is none where nothing is rounded on its way, or updates stay at home', async () => {
    const store = new MemoryStore();
    for (const rule of [{ kind: 'exact' }, { kind: 'mixing', compression: 'int8' }]) {
      expect(await inRound(1, store, [], rule).files('ab')).to.equal(null);
    }
  });
});

describe('whether a round took an update in', () => {
  const cut = (r: number, ...peers: string[]): Op =>
    ({ op: 'CUT', r, updates: peers.map((peer) => ({ peer })) }) as unknown as Op;
  const op = (kind: string, r: number): Op => ({ op: kind, r }) as unknown as Op;
  const asked = (round: number, ...blocks: Op[][]): Promise<string> => {
    const log = {
      head: { height: blocks.length },
      decision: (height: number) => Promise.resolve({ body: { ops: blocks[height - 1]! } }),
    };
    return fateOfUpdate(log as unknown as Parameters<typeof fateOfUpdate>[0], round, self);
  };

  it('is what its last cut says, if it was sealed', async () => {
    const opened = [op('OPEN', 4)];
    const later = [op('OPEN', 5)];
    expect(await asked(4, opened, [cut(4, 'L1', 'L2')], [op('SEAL', 4)], later)).to.equal('sealed');
    expect(await asked(4, opened, [cut(4, 'L2')], [op('SEAL', 4)], later)).to.equal('left-out');
    expect(await asked(4, opened, [cut(4, 'L1')], [op('VOID', 4)], later)).to.equal('cut');
    expect(await asked(4, opened, [op('VOID', 4)], later)).to.equal('left-out');
    // A smaller cut of a mixing.
    expect(await asked(4, opened, [cut(4, 'L1', 'L2')], [cut(4, 'L2')], [op('SEAL', 4)])).to.equal(
      'left-out',
    );
    // One block may end a round and open the next.
    expect(await asked(4, opened, [cut(4, 'L1')], [op('SEAL', 4), op('OPEN', 5)])).to.equal(
      'sealed',
    );
  });

  it('is no where the log knows nothing of it', async () => {
    expect(await asked(3, [op('OPEN', 4)])).to.equal('left-out');
    expect(await asked(3)).to.equal('left-out');
  });
});
