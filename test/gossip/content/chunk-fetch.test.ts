/** A blob of ten chunks of 100 bytes from peers that hold it, lie, break off or fall silent. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { seededRandom, type Digest, type NodeId } from '../../../src/base/index.ts';
import { ContentStore, GossipError } from '../../../src/gossip/index.ts';
import { chunkListOf, encodeList, listName } from '../../../src/gossip/content/chunk-list.ts';
import { TransportError, type FetchOptions, type Transport } from '../../../src/wire/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

const bytesOfChunk = 100;
const random = seededRandom('chunks');
const blob = new Uint8Array(950).map(() => random.integer(256));
const digest = createHash('sha256').update(blob).digest('hex') as Digest;
const other = blob.map((byte, at) => (at === 420 ? byte ^ 1 : byte));
const of = { round: 1, kind: 'update' } as const;
const bytesMax = 1_000;

/** A peer: what it sends, what its list is of, and when it breaks off. */
interface Peer {
  holds: Uint8Array | null;
  listOf?: Uint8Array;
  /** Its list as it travels, whatever it holds. */
  list?: Uint8Array;
  /** Bytes of chunks it still sends before it breaks off, and then it is not there any more. */
  bytesLeft?: number;
  /** Sends no chunk, and breaks off when it is told to. */
  isSilent?: boolean;
  /** Turns of the loop before it answers at all. */
  waits?: number;
}

interface World {
  readonly content: ContentStore;
  readonly peers: Record<string, Peer>;
  /** Chunks that each peer sent whole, in order. */
  readonly sent: [string, number][];
  readonly blamed: string[];
  /** How many requests for chunks were open at once, at most. */
  openMax: number;
}

function worldOf(peers: Record<string, Peer>, store: MemoryStore = new MemoryStore()): World {
  const sent: World['sent'] = [];
  const blamed: string[] = [];
  let open = 0;
  const fetch = async function* (
    from: NodeId,
    name: Digest,
    { offset, length, maxBytes, signal }: FetchOptions,
  ): AsyncGenerator<Uint8Array> {
    const failure = (code: 'not_found' | 'interrupted'): TransportError =>
      new TransportError({ code, peer: from }, code);
    await Promise.resolve();
    const peer = peers[from]!;
    for (let tick = 0; tick < (peer.waits ?? 0); tick++)
      await new Promise((go) => setImmediate(go));
    if (peer.holds === null || peer.bytesLeft === 0) throw failure('not_found');
    if (name !== digest) {
      expect(name).to.equal(listName(digest));
      const list = peer.list ?? encodeList(await listOf(peer.listOf ?? peer.holds));
      expect(list.byteLength).to.be.at.most(maxBytes);
      yield list;
      return;
    }
    world.openMax = Math.max(world.openMax, ++open);
    try {
      const end = Math.min(peer.holds.byteLength, offset + length!);
      for (let at = offset; at < end; at += 50) {
        await new Promise((resolve) => setImmediate(resolve));
        if (peer.isSilent === true) {
          await new Promise((resolve) => {
            signal!.addEventListener('abort', resolve);
          });
        }
        if (signal!.aborted || peer.bytesLeft === 0) throw failure('interrupted');
        if (peer.bytesLeft !== undefined) peer.bytesLeft -= 50;
        if ((at + 50) % bytesOfChunk === 0 || at + 50 >= end) {
          sent.push([from, Math.floor(at / bytesOfChunk)]);
        }
        yield peer.holds.slice(at, Math.min(end, at + 50));
      }
    } finally {
      open -= 1;
    }
  };
  const transport = {
    fetch,
    peers: () => Object.keys(peers),
    serveBlobs: () => undefined,
    charge: (member: NodeId, { refusal }: { refusal?: string }) => {
      blamed.push(`${member}: ${refusal}`);
    },
  } as unknown as Transport;
  const content = new ContentStore(store, transport, bytesOfChunk);
  const world: World = { content, peers, sent, blamed, openMax: 0 };
  return world;
}

async function listOf(bytes: Uint8Array): ReturnType<typeof chunkListOf> {
  return chunkListOf(
    (async function* () {
      yield await Promise.resolve(bytes);
    })(),
    bytesOfChunk,
  );
}

const obtain = async ({ content }: World, first: string | null = null): Promise<string> => {
  try {
    await content.obtain(digest, bytesMax, first as NodeId | null, of);
    expect(await content.read(digest)).to.deep.equal(blob);
    return 'done';
  } catch (error) {
    if (error instanceof GossipError) return error.code;
    throw error;
  }
};
const indices = ({ sent }: World): number[] => sent.map(([, index]) => index);
const ten = Array.from({ length: 10 }, (_, index) => index);
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

describe('a blob in chunks', () => {
  it('comes from its author alone as long as that goes well', async () => {
    const world = worldOf({ L1: { holds: null }, L2: { holds: blob }, L3: { holds: blob } });
    expect(await obtain(world, 'L2')).to.equal('done');
    expect(new Set(world.sent.map(([peer]) => peer))).to.deep.equal(new Set(['L2']));
    expect(sorted(indices(world))).to.deep.equal(ten);
    const counts = { asked: 10, arrived: 10, askedAgain: 0, refused: 0 };
    expect(world.content.counts()).to.deep.equal(counts);
  });

  it('comes from several at once when nobody is known to have it', async () => {
    const world = worldOf({ L1: { holds: blob }, L2: { holds: null }, L3: { holds: blob } });
    expect(await obtain(world)).to.equal('done');
    expect(new Set(world.sent.map(([peer]) => peer))).to.deep.equal(new Set(['L1', 'L3']));
    expect(sorted(indices(world))).to.deep.equal(ten);
    expect(world.openMax).to.be.within(2, 4);
  });

  it('goes on from the chunk at which a transfer broke off, with the next peer', async () => {
    // Three and a half chunks, then nothing.
    const world = worldOf({ L1: { holds: blob, bytesLeft: 350 }, L2: { holds: blob } });
    expect(await obtain(world, 'L1')).to.equal('done');
    // In two requests at a time: each may end in the middle of a chunk.
    expect(world.sent.filter(([peer]) => peer === 'L1')).to.have.length.within(2, 4);
    expect(sorted(indices(world))).to.deep.equal(ten);
    expect(world.content.counts()).to.include({ arrived: 10, askedAgain: 0 });
  });

  it('comes although a peer has nothing while the disk still opens the file of its chunks', async () => {
    class SlowStore extends MemoryStore {
      override async size(name: string): Promise<number | null> {
        for (let tick = 0; tick < 20; tick++) await new Promise((go) => setImmediate(go));
        return super.size(name);
      }
    }
    const peers = { L1: { holds: blob }, L2: { holds: null, waits: 10 } };
    const world = worldOf(peers, new SlowStore());
    const lost: unknown[] = [];
    const hear = (error: unknown): void => void lost.push(error);
    process.on('unhandledRejection', hear);
    try {
      expect(await obtain(world)).to.equal('done');
    } finally {
      process.off('unhandledRejection', hear);
    }
    expect(lost).to.deep.equal([]);
    expect(sorted(indices(world))).to.deep.equal(ten);
  });

  it('is not asked for again where it arrived before the program ended', async () => {
    const store = new MemoryStore();
    const before = worldOf({ L1: { holds: blob, bytesLeft: 600 } }, store);
    expect(await obtain(before)).to.equal('blob_unavailable');
    const arrived = indices(before);
    expect(arrived).to.have.length.within(4, 6);
    // The memory is gone, the disk is there; and another peer than before has it.
    const after = worldOf({ L2: { holds: blob } }, store);
    expect(await obtain(after)).to.equal('done');
    expect(sorted([...arrived, ...indices(after)])).to.deep.equal(ten);
    expect([...store.files.keys()].sort()).to.deep.equal(
      [`blobs/${digest}`, `chunks/${digest}`, 'rounds/1'].sort(),
    );
  });

  it('is asked for again where a crash lost it, and nowhere else', async () => {
    const store = new MemoryStore();
    const before = worldOf({ L1: { holds: blob, bytesLeft: 600 } }, store);
    expect(await obtain(before)).to.equal('blob_unavailable');
    const [name] = await store.list('parts/');
    const lost = indices(before)[1]!;
    store.files.get(name!)!.fill(0, lost * bytesOfChunk, (lost + 1) * bytesOfChunk);
    const after = worldOf({ L1: { holds: blob } }, store);
    expect(await obtain(after)).to.equal('done');
    expect(sorted([...indices(before), ...indices(after)])).to.deep.equal(sorted([...ten, lost]));
  });

  const liars: Record<string, { peer: Peer; words: RegExp; isBelieved: boolean }> = {
    'a false chunk': {
      peer: { holds: other, listOf: blob },
      words: /a chunk that is not/,
      isBelieved: false,
    },
    'a false list and the chunks to it': {
      peer: { holds: other },
      words: /a list of chunks that is false/,
      isBelieved: true,
    },
    'a list of another size under the same root': {
      peer: { holds: blob, list: new Uint8Array(1) },
      words: /a chunk that is not|a list of chunks that is false/,
      isBelieved: false,
    },
    'no list at all': {
      peer: { holds: blob, list: new Uint8Array(100) },
      words: /a list of chunks that is none/,
      isBelieved: false,
    },
    'a list of a blob that is too large': {
      peer: { holds: blob, list: new Uint8Array(1) },
      words: /a list of chunks that is none/,
      isBelieved: false,
    },
  };
  before(async () => {
    const list = encodeList(await listOf(blob));
    new DataView(list.buffer).setBigUint64(0, 951n);
    liars['a list of another size under the same root']!.peer.list = list;
    const large = encodeList(await listOf(new Uint8Array(1_001)));
    // The transport gives no more than a list of the largest blob: here the last leaf is cut off.
    liars['a list of a blob that is too large']!.peer.list = large.subarray(0, 40 + 320);
  });
  for (const [name, { peer, words, isBelieved }] of Object.entries(liars)) {
    it(`comes from the honest when another gives ${name}, who alone is blamed`, async () => {
      for (const first of ['L1', 'L2', null]) {
        const peers = { L1: peer, L2: { holds: blob }, L3: { holds: blob } };
        const world = worldOf(peers);
        expect(await obtain(world, first)).to.equal('done');
        const others = world.blamed.filter((line) => !line.startsWith('L1: '));
        expect(others).to.deep.equal([]);
        // Asked first, it is found out; otherwise perhaps nobody asks it.
        if (first === 'L1') expect(world.blamed.join()).to.match(words);
        const honest = world.sent.filter(([from]) => from !== 'L1').map(([, index]) => index);
        // No honest peer sends a chunk twice; what a false list made come is worth nothing.
        expect(new Set(honest).size).to.equal(honest.length);
        if (isBelieved && first === 'L1') expect(sorted(honest)).to.deep.equal(ten);
      }
    });

    it(`is not stored when the only peer gives ${name}`, async () => {
      const store = new MemoryStore();
      const world = worldOf({ L1: peer }, store);
      expect(await obtain(world)).to.equal('blob_unavailable');
      expect(world.blamed).to.have.length(1);
      expect(await store.list('blobs/')).to.deep.equal([]);
    });
  }

  it('follows the list that most members give, though a false one came first', async () => {
    const world = worldOf({
      ...{ L1: { holds: other }, L2: { holds: blob }, L3: { holds: blob }, L4: { holds: blob } },
    });
    expect(await obtain(world)).to.equal('done');
    expect(world.sent.filter(([peer]) => peer === 'L1').length).to.be.below(10);
  });

  it('comes from others when one holds it up, chunk by chunk', async () => {
    const world = worldOf({ L1: { holds: blob, isSilent: true }, L2: { holds: blob } });
    const work = obtain(world, 'L1');
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(world.sent).to.deep.equal([]);
    world.content.hasten(digest, { first: 'L2' as NodeId, shunned: 'L1' as NodeId });
    expect(await work).to.equal('done');
    expect(world.sent.map(([peer]) => peer)).to.deep.equal(Array(10).fill('L2'));
  });

  it('ends with the error of the disk when that takes nothing', async () => {
    const store = new MemoryStore();
    store.writerFails = true;
    const world = worldOf({ L1: { holds: blob }, L2: { holds: blob } }, store);
    const problem = await obtain(world).catch((error: unknown) => String(error));
    expect(problem).to.equal('Error: the disk is gone');
    expect(world.blamed).to.deep.equal([]);
  });

  it('leaves nothing on the disk once its round is forgotten', async () => {
    const store = new MemoryStore();
    const world = worldOf({ L1: { holds: blob, bytesLeft: 600 } }, store);
    expect(await obtain(world)).to.equal('blob_unavailable');
    expect(await store.list('parts/')).to.have.length(1);
    const rule = { updateRounds: 1, modelRounds: 1, bytesMax: 1e9 };
    await world.content.prune(rule, 1, () => false);
    expect(await store.list('parts/'), 'of the round under way').to.have.length(1);
    await world.content.prune(rule, 2, () => false);
    expect([...store.files.keys()]).to.deep.equal([]);
  });
});

describe('a node that holds a blob', () => {
  it('serves the list of its chunks, made once, also after a restart', async () => {
    const store = new MemoryStore();
    const serve = (): ((name: Digest) => Promise<Uint8Array | null>) => {
      let provider: Parameters<Transport['serveBlobs']>[0] = () => Promise.resolve(null);
      const transport = {
        serveBlobs: (given: typeof provider) => {
          provider = given;
        },
      } as unknown as Transport;
      content = new ContentStore(store, transport, bytesOfChunk);
      return async (name) => {
        const held = await provider(name);
        return held === null ? null : held.read(0, held.totalBytes);
      };
    };
    let content = null as unknown as ContentStore;
    const expected = encodeList(await listOf(blob));
    const asked = serve();
    expect(await asked(listName(digest))).to.equal(null);
    await content.put(blob, null);
    expect(await asked(listName(digest))).to.deep.equal(expected);
    store.writesLeft = 0; // it is not made a second time
    expect(await serve()(listName(digest))).to.deep.equal(expected);
    store.writesLeft = Infinity;
    // A list that the disk damaged is made anew.
    store.files.get(`chunks/${digest}`)![50]! ^= 1;
    expect(await serve()(listName(digest))).to.deep.equal(expected);
    await content.remove(digest);
    expect(await asked(listName(digest))).to.equal(null);
  });
});
