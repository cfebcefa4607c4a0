import { expect } from 'chai';
import { chunkBytes, listName } from '../../../src/gossip/content/chunk-list.ts';
import { contentName, HeldBlobs } from '../../../src/gossip/content/held-blobs.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

/** Read in two pieces of at most 1 MiB. */
const blob = new Uint8Array(1_500_000).map((_, at) => at % 251);
const digest = digestOf(blob);
/** 8 bytes of size, the root, and the hashes of 6 chunks of 256 KiB. */
const listBytes = 8 + 32 + 6 * 32;

describe('what a node holds', () => {
  it('has no list of what is left of a blob in the midst of its removal', async () => {
    const store = new MemoryStore();
    await store.write(contentName(digest), blob);
    const held = new HeldBlobs(store, chunkBytes);
    const readPart = store.readPart.bind(store);
    const removals: Promise<void>[] = [];
    store.readPart = async (...part): ReturnType<typeof readPart> => {
      const bytes = await readPart(...part);
      removals.push(held.remove(digest));
      return bytes;
    };
    expect((await held.held(listName(digest)))?.totalBytes).equal(listBytes);
    await Promise.all(removals);
    expect([...store.files.keys()]).deep.equal([]);
  });

  it('is found again after the disk failed once', async () => {
    const store = new MemoryStore();
    await store.write(contentName(digest), blob);
    const held = new HeldBlobs(store, chunkBytes);
    const list = store.list.bind(store);
    store.list = (): Promise<string[]> => Promise.reject(new Error('busy'));
    expect(await held.held(listName(digest)).catch(() => 'failed')).equal('failed');
    store.list = list;
    await held.added(digest, null);
    expect((await held.held(listName(digest)))?.totalBytes).equal(listBytes);
  });
});
