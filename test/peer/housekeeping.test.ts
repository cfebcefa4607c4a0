import { expect } from 'chai';
import { decodeStrict, encodeCanonical } from '../../src/wire/index.ts';
import { snapshotName } from '../../src/peer/chain-snapshot.ts';
import type { MemoryStore } from '../audit/memory-store.ts';
import { PeerNetwork } from './peer-network.ts';

const four = ['L1', 'L2', 'L3', 'L4'].map((id) => id as never);
const rounds = 50;

function run(): PeerNetwork {
  return new PeerNetwork({
    members: 4,
    stages: [{ id: 'student', participants: four, rounds }],
  });
}

/** Ciphertexts and models. Envelopes, which stand in the log too, are JSON. */
function bulkOf(store: MemoryStore): Uint8Array[] {
  return [...store.files]
    .filter(([name, bytes]) => name.startsWith('blobs/') && bytes[0] !== '{'.charCodeAt(0))
    .map(([, bytes]) => bytes);
}

describe('months of running', () => {
  it('keeps the disk level: bulk of three rounds, records of the height under way', async () => {
    const world = run();
    await world.start();
    const { store, events } = world.node('L1');
    const sealedCount = (): number => events.filter(({ kind }) => kind === 'sealed').length;
    const until = async (count: number): Promise<void> => {
      const untilMs = world.clock.nowMs() + 3_600_000;
      expect(await world.clock.runUntil(() => sealedCount() >= count, { untilMs })).equal(true);
    };
    await until(5);
    const early = bulkOf(store).length;
    await until(rounds);
    expect(await world.runUntilDone()).equal(true);
    await world.clock.advance(5_000);
    const late = bulkOf(store).length;
    // eslint-disable-next-line no-console -- a figure for whoever runs this
    console.log(`        bulk after 5 rounds ${early} blobs, after ${rounds} rounds ${late} blobs`);
    // Four updates and one model in each of three rounds, and the model that the first of them began from.
    expect(early).most(3 * 5 + 1);
    expect(late).most(3 * 5 + 1);
    expect([...store.files.keys()].filter((n) => n.startsWith('wal/'))).lengthOf.most(2);
    expect([...store.files.keys()].filter((n) => n.startsWith('own/'))).lengthOf.most(2);
    expect([...store.files.keys()].filter((n) => n.startsWith('rounds/'))).lengthOf.most(4);
  });

  it('starts from a snapshot, and helps one who was away for longer than memory goes back', async () => {
    const world = run();
    await world.start();
    await world.clock.advance(4_000);
    await world.crash('L4');
    expect(await world.runUntilDone(['L1', 'L2', 'L3'])).equal(true);

    // Two blocks a round: the chain is 101 high, the last snapshot stands at 96.
    const { store } = world.node('L1');
    const read = store.read.bind(store);
    const decisions: string[] = [];
    store.read = (name) => {
      if (name.startsWith('log/decisions/')) decisions.push(name);
      return read(name);
    };
    await world.crash('L1');
    await world.restart('L1');
    const { height } = world.node('L1').peer.state;
    expect(height).equal(2 * rounds + 1);
    expect(new Set(decisions).size, 'heights read at the start').equal(height - 96 + 1);

    await world.restart('L4');
    expect(await world.runUntilDone(['L4'])).equal(true);
    const model = (id: string): unknown => world.node(id).peer.state.models.get('student');
    expect(model('L4')).equal(model('L1'));
  });

  it('folds all blocks where the snapshot is damaged, foreign or of another history', async () => {
    const world = run();
    await world.start();
    const { store } = world.node('L1');
    expect(await world.runUntilDone()).equal(true);
    const { state } = world.node('L1').peer;
    const sound = store.files.get(snapshotName)!;
    const changed = (change: Record<string, unknown>): Uint8Array => {
      const fields = decodeStrict(sound, { maxBytes: 1_000_000 }) as Record<string, never>;
      return encodeCanonical({ ...fields, ...change });
    };
    const cases: Record<string, Uint8Array> = {
      sound,
      cut: sound.slice(0, 100),
      empty: new Uint8Array(),
      'another consortium': changed({ cid: 'a'.repeat(64), round: 7 }),
      'another block': changed({ prev: 'a'.repeat(64), round: 7 }),
      'a height that is not there': changed({ height: 1_000_000, round: 7 }),
      'more than it should hold': changed({ more: 1 }),
    };
    for (const [name, bytes] of Object.entries(cases)) {
      await world.crash('L1');
      store.files.set(snapshotName, bytes);
      await world.restart('L1');
      expect(world.node('L1').peer.state, name).deep.equal(state);
      expect(world.node('L1').failures, name).deep.equal([]);
    }
  });
});
