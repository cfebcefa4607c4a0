/** SHA-256 of chunks in whatever order they come, and the memory they lie in. */
import { expect } from 'chai';
import { concatBytes, seededRandom } from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { ChunkBuffers } from '../../../src/gossip/content/chunk-buffers.ts';
import { RunningDigest } from '../../../src/gossip/content/running-digest.ts';

const chunks: readonly Uint8Array[] = Array.from({ length: 40 }, (_, at) =>
  new Uint8Array(100).fill(at + 1),
);
const whole = digestOf(concatBytes(...chunks));
const inOrder = chunks.map((_, at) => at);

describe('a running digest', () => {
  const orders: Record<string, readonly number[]> = {
    'in order': inOrder,
    'from two requests at once': inOrder.map(
      (at) => (at % 2) * 4 + (at >> 3) * 8 + ((at >> 1) & 3),
    ),
    backwards: [...inOrder].reverse(),
    'but for some that were here before': inOrder.filter((at) => at % 7 !== 0),
    'not at all': [],
  };
  for (const [name, order] of Object.entries(orders)) {
    it(`is that of the whole when chunks come ${name}, and lets go of each once`, async () => {
      const gone: Uint8Array[] = [];
      const digest = new RunningDigest((chunk) => gone.push(chunk));
      for (const at of order) digest.take(at, chunks[at]!);
      const read: number[] = [];
      const found = await digest.end(chunks.length, (at) => {
        read.push(at);
        return Promise.resolve(chunks[at]!.slice());
      });
      expect(found).to.equal(whole);
      const taken = gone.filter((chunk) => chunks.includes(chunk));
      expect(new Set(taken).size).to.equal(order.length);
      expect(taken.length).to.equal(order.length);
      if (name === 'in order' || name.startsWith('from two')) expect(read).to.deep.equal([]);
    });
  }

  it('is another one for other chunks', async () => {
    const digest = new RunningDigest(() => undefined);
    for (const at of inOrder) digest.take(at, chunks[at === 3 ? 4 : at]!);
    expect(await digest.end(40, () => Promise.reject(new Error('not asked')))).to.not.equal(whole);
  });

  it('has the digest of a random order', async () => {
    const random = seededRandom('order');
    for (let time = 0; time < 20; time++) {
      const order = inOrder.map((at) => ({ at, by: random.uniform() })).sort((a, b) => a.by - b.by);
      const digest = new RunningDigest(() => undefined);
      for (const { at } of order) digest.take(at, chunks[at]!);
      expect(await digest.end(40, (at) => Promise.resolve(chunks[at]!))).to.equal(whole);
    }
  });
});

describe('buffers for chunks', () => {
  it('come again after they were given back, whole, and only their own do', () => {
    const buffers = new ChunkBuffers(10);
    const first = buffers.take();
    buffers.giveBack(first.subarray(0, 3));
    const again = buffers.take();
    expect(again.buffer).to.equal(first.buffer);
    expect(again.byteLength).to.equal(10);
    buffers.giveBack(new Uint8Array(11));
    expect(buffers.take().byteLength).to.equal(10);
  });
});
