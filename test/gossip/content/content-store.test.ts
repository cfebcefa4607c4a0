import { expect } from 'chai';
import {
  concatBytes,
  seededRandom,
  utf8,
  type Digest,
  type NodeId,
} from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { ContentStore, GossipError } from '../../../src/gossip/index.ts';
import {
  TransportError,
  type BlobProvider,
  type FetchOptions,
  type Transport,
} from '../../../src/wire/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

const seeded = seededRandom(1);
const blob = new Uint8Array(1000).map(() => seeded.integer(256));
const digest = digestOf(blob);
const bytesMax = 1000;

describe('content store', () => {
  it('serves what it put, under its hash, and nothing else', async () => {
    const { content, served } = storeWith({});
    expect(await content.put(blob, null)).to.equal(digest);
    const held = await served(digest);
    expect(held?.totalBytes).to.equal(blob.byteLength);
    expect(await held?.read(1, 3)).to.deep.equal(blob.slice(1, 4));
    expect(await served(digestOf(utf8('x')))).to.equal(null);
    await content.remove(digest);
    expect(await content.has(digest)).to.equal(false);
  });

  it('gives its name to what the own work left, and remembers it with its round first', async () => {
    const { content, store } = storeWith({});
    await store.write('work/average', blob);
    const of = { round: 3, kind: 'model' } as const;
    await content.adopt('work/average', { digest, bytes: blob.byteLength }, of);
    expect(await content.read(digest)).to.deep.equal(blob);
    expect(await store.list('work/')).to.deep.equal([]);
    const line = Buffer.from(store.files.get('rounds/3')!).toString();
    expect(line).to.equal(`\nmodel ${digest} 1000`);
    // What a round that is over has removed is no fault of the disk.
    const gone = content.adopt('work/average', { digest, bytes: 1000 }, of);
    expect(await failure(gone)).to.equal('blob_unavailable');
    // A crash between the two leaves nothing that nobody remembers.
    const crashed = new MemoryStore(2);
    await crashed.write('work/average', blob);
    const broken = new ContentStore(crashed, {
      serveBlobs: () => undefined,
    } as unknown as Transport);
    await broken.adopt('work/average', { digest, bytes: 1000 }, of).catch(() => undefined);
    expect([...crashed.files.keys()]).to.deep.equal(['work/average', 'rounds/3']);
  });

  it('asks the named peer first', async () => {
    const whole: Answer = (offset) => ({ bytes: blob.slice(offset) });
    const { content, asked } = storeWith({ L1: whole, L2: whole });
    await content.obtain(digest, bytesMax, 'L2' as NodeId, null);
    expect(asked).to.deep.equal(['L2 0']);
  });

  const lies: Record<string, Answer> = {
    'gives other bytes': () => ({ bytes: new Uint8Array(1000) }),
    'gives too few': () => ({ bytes: blob.slice(0, 999) }),
    'gives nothing': () => ({ bytes: new Uint8Array() }),
    'begins falsely and breaks off': (offset) => ({
      bytes: new Uint8Array(offset + 7),
      breaks: true,
    }),
    'begins falsely with all that may come': (offset) => ({
      bytes: new Uint8Array(1000 - offset),
      breaks: true,
    }),
    'gives more than was asked': () => ({ bytes: new Uint8Array(5000) }),
  };
  for (const [name, lie] of Object.entries(lies)) {
    it(`gets the blob from one honest peer when another ${name}`, async () => {
      const honest: Answer = (offset) => ({ bytes: blob.slice(offset) });
      for (const peers of [
        { L1: lie, L2: honest },
        { L1: honest, L2: lie },
        { L1: lie, L2: lie, L3: honest },
      ]) {
        const { content, store } = storeWith(peers);
        await content.obtain(digest, bytesMax, 'L1' as NodeId, null);
        expect(store.files.get(`blobs/${digest}`)).to.deep.equal(blob);
        expect(store.underWay).to.equal(0);
      }
    });

    it(`stores nothing when the only peer ${name}`, async () => {
      const { content, store } = storeWith({ L1: lie });
      const error = await failure(content.obtain(digest, bytesMax, null, null));
      expect(error).to.equal('blob_unavailable');
      expect([...store.files.keys()]).to.deep.equal([]);
      expect(store.underWay).to.equal(0);
    });
  }

  it('lets two callers share one transfer, and forgets it afterwards', async () => {
    const { content, asked } = storeWith({ L1: (offset) => ({ bytes: blob.slice(offset) }) });
    await Promise.all([
      content.obtain(digest, bytesMax, null, null),
      content.obtain(digest, bytesMax, null, null),
    ]);
    expect(asked).to.deep.equal(['L1 0']);
    await content.obtain(digest, bytesMax, null, null); // from the disk
    expect(asked).to.have.length(1);
  });

  it('gives up waiting for a peer that holds it up, and asks another', async () => {
    const whole: Answer = (offset) => ({ bytes: blob.slice(offset) });
    const { content, store, asked, signals } = storeWith({ L1: 'silent', L2: whole, L3: whole });
    const first = { first: 'L3', shunned: 'L1' } as { first: NodeId; shunned: NodeId };
    content.hasten(digest, first); // nothing is under way
    const work = content.obtain(digest, bytesMax, 'L1' as NodeId, null);
    await settled();
    content.hasten(digest, first);
    await work;
    expect(asked).to.deep.equal(['L1 0', 'L3 0']);
    expect(store.files.get(`blobs/${digest}`)).to.deep.equal(blob);
    expect(signals[0]!.aborted).to.equal(true);
  });

  it('gives up with a coded error when nobody has it, and can be asked again', async () => {
    let has = false;
    const { content, asked } = storeWith({
      L1: (offset) => (has ? { bytes: blob.slice(offset) } : null),
      L2: () => null,
    });
    expect(await failure(content.obtain(digest, bytesMax, null, null))).to.equal(
      'blob_unavailable',
    );
    expect(asked).to.have.length(6); // three turns over two peers
    expect(await failure(storeWith({}).content.obtain(digest, bytesMax, null, null))).to.equal(
      'blob_unavailable',
    );
    has = true;
    expect(await content.obtainBytes(digest, bytesMax, null, null)).to.deep.equal(blob);
  });

  it('mends a blob whose bytes on the disk have changed', async () => {
    const { content, store } = storeWith({ L1: (offset) => ({ bytes: blob.slice(offset) }) });
    store.files.set(
      `blobs/${digest}`,
      concatBytes(blob.slice(0, 999), Uint8Array.of(blob[999]! ^ 1)),
    );
    expect(await content.read(digest)).to.equal(null);
    await content.obtain(digest, bytesMax, null, null);
    expect(store.files.get(`blobs/${digest}`)).to.deep.equal(blob);
  });
});

describe('what a node holds elsewhere than among its blobs', () => {
  const small = blob.slice(0, 500);
  const name = digestOf(small);

  it('is read and served like a blob, and fetched from nobody', async () => {
    const { content, store, served, asked } = storeWith({ L1: () => null });
    content.readAlso((wanted) => Promise.resolve(wanted === name ? small : null));
    expect(await content.obtainBytes(name, bytesMax, null, null)).to.deep.equal(small);
    const held = (await served(name))!;
    expect(held.totalBytes).to.equal(500);
    expect(await held.read(100, 50)).to.deep.equal(small.slice(100, 150));
    expect(await served(digest)).to.equal(null);
    expect(asked).to.deep.equal([]);
    expect([...store.files.keys()]).to.deep.equal([]);
  });

  it('is not believed when it has another digest', async () => {
    const { content } = storeWith({});
    content.readAlso(() => Promise.resolve(small));
    expect(await content.read(digest)).to.equal(null);
  });

  it('blobs of no round are given one by what they say, once; others and large ones have none', async () => {
    const { content, store } = storeWith({});
    const kept = await content.put(Uint8Array.of(1, 2), null);
    const old = await content.put(Uint8Array.of(7, 7), null);
    const large = await content.put(new Uint8Array(1000).fill(7), null);
    const known = await content.put(Uint8Array.of(7, 8), { round: 9, kind: 'update' });
    const roundOf = (bytes: Uint8Array): { round: number; kind: 'update' } | null =>
      bytes[0] === 7 ? { round: 4, kind: 'update' } : null;
    expect(await content.assignRounds(100, roundOf)).to.equal(1);
    expect(await content.assignRounds(100, roundOf)).to.equal(0);
    // Rounds 9 and 8 are kept.
    const rule = { updateRounds: 2, modelRounds: 2, bytesMax: 1e9 };
    await content.prune(rule, 9, () => false);
    const left = [...store.files.keys()].filter((file) => file.startsWith('blobs/')).sort();
    expect(left).to.deep.equal([kept, large, known].map((one) => `blobs/${one}`).sort());
    expect(left).not.to.include(`blobs/${old}`);
  });
});

/** Lets all that can happen without a word from a peer happen. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a peer answers to a fetch from `offset`; null when it does not have the blob. */
type Answer = (offset: number) => { bytes: Uint8Array; breaks?: boolean } | null;

interface StoreWorld {
  readonly content: ContentStore;
  readonly store: MemoryStore;
  /** Peer and offset of each fetch. */
  readonly asked: string[];
  readonly signals: AbortSignal[];
  readonly served: BlobProvider;
}

/** A silent peer gives no byte and no end before it is told to stop. */
function storeWith(peers: Record<string, Answer | 'silent'>): StoreWorld {
  const asked: string[] = [];
  const signals: AbortSignal[] = [];
  let provider: StoreWorld['served'] = () => Promise.resolve(null);
  const fetch = async function* (
    from: NodeId,
    _digest: Digest,
    { offset, signal }: FetchOptions,
  ): AsyncIterable<Uint8Array> {
    asked.push(`${from} ${offset}`);
    if (signal !== undefined) signals.push(signal);
    await Promise.resolve();
    const given = peers[from];
    if (given === 'silent') {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      throw new TransportError({ code: 'interrupted', peer: from }, 'interrupted');
    }
    const answer = typeof given === 'function' ? given(offset) : null;
    if (answer === null) throw new TransportError({ code: 'not_found', peer: from }, 'not found');
    for (let at = 0; at < answer.bytes.length; at += 256) yield answer.bytes.slice(at, at + 256);
    if (answer.breaks === true) {
      throw new TransportError({ code: 'interrupted', peer: from }, 'interrupted');
    }
  };
  const transport: Pick<Transport, 'peers' | 'fetch' | 'charge' | 'serveBlobs'> = {
    charge: () => undefined,
    peers: () => Object.keys(peers) as NodeId[],
    fetch,
    serveBlobs: (given) => {
      provider = given;
    },
  };
  const store = new MemoryStore();
  const content = new ContentStore(store, transport as Transport);
  return { content, store, asked, signals, served: (wanted) => provider(wanted) };
}

async function failure(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof GossipError) return error.code;
    throw error;
  }
}
