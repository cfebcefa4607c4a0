/** Two thousand heights: neither the write-ahead log nor what a start reads grows with them. */
import { expect } from 'chai';
import type { MemoryStore } from '../audit/memory-store.ts';
import { aloneFor } from './alone.ts';
import type { PeerNetwork } from './peer-network.ts';

/** The most that the write-ahead log took since the last `taken`. */
class WalPeak {
  #peak = { files: 0, bytes: 0 };

  constructor(store: MemoryStore) {
    const append = store.append.bind(store);
    store.append = async (name, bytes) => {
      await append(name, bytes);
      const wal = [...store.files].filter(([file]) => file.startsWith('wal/'));
      const held = wal.reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
      this.#peak.files = Math.max(this.#peak.files, wal.length);
      this.#peak.bytes = Math.max(this.#peak.bytes, held);
    };
  }

  taken(): { readonly files: number; readonly bytes: number } {
    const peak = this.#peak;
    this.#peak = { files: 0, bytes: 0 };
    return peak;
  }
}

/** Heights and bytes of records that a start of L1 reads, after a power cut between two writes of the log. */
async function readByStart(world: PeerNetwork): Promise<{ heights: number; walBytes: number }> {
  const { store } = world.node('L1');
  const read = store.read.bind(store);
  const heights = new Set<string>();
  let walBytes = 0;
  store.read = async (name) => {
    const bytes = await read(name);
    if (name.startsWith('log/decisions/')) heights.add(name);
    if (name.startsWith('wal/')) walBytes += bytes?.byteLength ?? 0;
    return bytes;
  };
  await world.crash('L1');
  await world.restart('L1');
  store.read = read;
  return { heights: heights.size, walBytes };
}

describe('a chain of two thousand heights', function () {
  this.timeout(300_000);

  it('needs no more records, and reads no more at a start, than one of a hundred', async () => {
    const world = aloneFor(1_000);
    await world.start();
    const node = world.node('L1');
    const peak = new WalPeak(node.store);
    const until = async (height: number): Promise<void> => {
      const isThere = (): boolean => node.peer.state.height >= height;
      expect(await world.clock.runUntil(isThere), `height ${height}`).equal(true);
    };
    await until(100);
    const early = peak.taken();
    for (const height of [500, 1_000, 1_500, 2_000]) {
      await until(height);
      const late = peak.taken();
      // The height that was decided last and the one under way.
      expect(late.files, `files at ${height}`).most(2);
      // Numbers of heights, rounds and entries have one or two digits more, in four records' bodies of some kilobytes.
      expect(late.bytes, `bytes at ${height}`).most(1.05 * early.bytes);
      const { heights, walBytes } = await readByStart(world);
      // From the last snapshot, every 32 heights, and the last block.
      expect(heights, `heights read at ${height}`).most(33);
      expect(walBytes, `records read at ${height}`).most(early.bytes);
    }
    expect(node.failures).deep.equal([]);
    // eslint-disable-next-line no-console -- a figure for whoever runs this
    console.log(`        at most ${early.bytes} bytes of records up to height 100`);
  });
});
