import { expect } from 'chai';
import { utf8, type Digest } from '../../../src/base/index.ts';
import { RoundBlobs, type RetentionRule } from '../../../src/gossip/content/round-blobs.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

const name = (letter: string): Digest => letter.repeat(64) as Digest;
const all: RetentionRule = { updateRounds: 100, modelRounds: 100, bytesMax: 1_000_000 };
const nothing = (): boolean => false;

describe('the blobs of each round', () => {
  let store: MemoryStore;
  let blobs: RoundBlobs;
  const removed: Digest[] = [];
  const remove = (digest: Digest): Promise<void> => {
    removed.push(digest);
    return Promise.resolve();
  };
  const prune = (
    rule: Partial<RetentionRule>,
    current: number,
    isNeeded: (digest: Digest) => boolean = nothing,
  ): Promise<number> => blobs.prune({ ...all, ...rule }, current, isNeeded, remove);

  beforeEach(async () => {
    removed.length = 0;
    store = new MemoryStore();
    blobs = new RoundBlobs(store);
    for (const [round, letter] of ['a', 'b', 'c', 'd'].entries()) {
      await blobs.note({ round: round + 1, kind: 'update' }, name(letter), 100);
      await blobs.note({ round: round + 1, kind: 'model' }, name(String(round + 1)), 10);
    }
  });

  it('knows nothing of a line that the disk did not take, and writes it when asked again', async () => {
    store.writesLeft = 0;
    const noted = { round: 9, kind: 'update' } as const;
    const both = [1, 2].map(() => blobs.note(noted, name('f'), 100).catch(() => 'failed'));
    expect(await Promise.all(both)).deep.equal(['failed', 'failed']);
    store.writesLeft = Infinity;
    await blobs.note(noted, name('f'), 100);
    // As after a restart.
    expect((await new RoundBlobs(store).all()).has(name('f'))).equal(true);
  });

  it('reads the disk again after a failure', async () => {
    const list = store.list.bind(store);
    store.list = (): Promise<string[]> => Promise.reject(new Error('busy'));
    const fresh = new RoundBlobs(store);
    expect(await fresh.all().catch(() => 'failed')).equal('failed');
    store.list = list;
    expect((await fresh.all()).has(name('a'))).equal(true);
  });

  it('removes updates and models that are older than the rule says, each by its own number', async () => {
    expect(await prune({ updateRounds: 2, modelRounds: 3 }, 4)).equal(3);
    expect(removed.sort()).deep.equal([name('1'), name('a'), name('b')]);
  });

  it('removes the oldest first when all together are too large, and never the current round', async () => {
    await prune({ bytesMax: 235 }, 4); // 110 + 110 fit; the model of 10 bytes would, but not its round
    expect(removed.sort()).deep.equal([name('1'), name('2'), name('a'), name('b')]);
    await prune({ bytesMax: 1 }, 4);
    expect(removed).include(name('c')).and.not.include(name('d'));
  });

  it('keeps what is needed, and what a younger round holds too', async () => {
    await blobs.note({ round: 4, kind: 'model' }, name('2'), 10);
    await prune({ updateRounds: 1, modelRounds: 1 }, 4, (digest) => digest === name('1'));
    expect(removed.sort()).deep.equal([name('3'), name('a'), name('b'), name('c')]);
    removed.length = 0;
    await prune({ updateRounds: 1, modelRounds: 1 }, 5);
    expect(removed.sort(), 'needed no more').deep.equal([
      name('1'),
      name('2'),
      name('4'),
      name('d'),
    ]);
  });

  it('has one round remember a needed model that came with every one: its files do not pile up', async () => {
    for (let round = 5; round <= 60; round++) {
      await blobs.note({ round, kind: 'model' }, name('1'), 10);
      await prune({ updateRounds: 1, modelRounds: 2 }, round, (digest) => digest === name('1'));
    }
    expect(removed).not.include(name('1'));
    expect(await store.list('rounds/')).deep.equal(['rounds/59', 'rounds/60']);
    await prune({ updateRounds: 1, modelRounds: 1 }, 70, (digest) => digest === name('1'));
    expect(await store.list('rounds/')).deep.equal(['rounds/60']);
    await prune({ updateRounds: 1, modelRounds: 1 }, 70);
    expect(removed, 'needed no more').include(name('1'));
  });

  it('remembers across a restart, also behind a line that a crash tore', async () => {
    await store.append('rounds/1', utf8('\nupdate 0123'));
    await new RoundBlobs(store).note({ round: 1, kind: 'update' }, name('e'), 5);
    blobs = new RoundBlobs(store);
    expect(await prune({ updateRounds: 1 }, 2)).equal(2);
    expect(removed.sort()).deep.equal([name('a'), name('e')]);
    expect(await prune({ updateRounds: 1 }, 2), 'once').equal(0);
  });

  it('has the disk write all at once that came while it was busy, and promises none before it is there', async () => {
    const appended: string[] = [];
    const free: (() => void)[] = [];
    const slow = new MemoryStore();
    const append = slow.append.bind(slow);
    slow.append = async (file, bytes) => {
      await new Promise<void>((resolve) => free.push(resolve));
      appended.push(file);
      await append(file, bytes);
    };
    blobs = new RoundBlobs(slow);
    const promised: string[] = [];
    const notes = ['a', 'b', 'c', 'd', 'e', 'b'].map(async (letter, at) => {
      // The first is on its way to the disk when the others come.
      if (at > 0) await new Promise((resolve) => setImmediate(resolve));
      await blobs.note({ round: letter === 'e' ? 8 : 7, kind: 'update' }, name(letter), 5);
      promised.push(letter);
    });
    const turn = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      free.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await turn();
    expect([promised, appended]).deep.equal([['a'], ['rounds/7']]);
    await turn();
    await turn();
    await Promise.all(notes);
    expect(appended).deep.equal(['rounds/7', 'rounds/7', 'rounds/8']);
    expect(promised.sort()).deep.equal(['a', 'b', 'b', 'c', 'd', 'e']);
    expect(await new RoundBlobs(slow).all()).deep.equal(
      new Set(['a', 'b', 'c', 'd', 'e'].map(name)),
    );
  });

  it('does not promise what the disk refused, and takes what comes after it', async () => {
    const full = new MemoryStore();
    const append = full.append.bind(full);
    full.append = () => Promise.reject(new Error('disk full'));
    blobs = new RoundBlobs(full);
    const note = (letter: string): Promise<unknown> =>
      blobs.note({ round: 7, kind: 'update' }, name(letter), 5).catch(String);
    expect(await Promise.all(['a', 'b'].map(note))).deep.equal([
      'Error: disk full',
      'Error: disk full',
    ]);
    full.append = append;
    expect(await note('c')).equal(undefined);
    expect(await new RoundBlobs(full).all()).deep.equal(new Set([name('c')]));
  });

  it('removes again what a crash in the middle of it left', async () => {
    const failing = (): Promise<void> => Promise.reject(new Error('power cut'));
    const work = blobs.prune({ ...all, updateRounds: 1 }, 2, nothing, failing);
    expect(await work.catch(String)).equal('Error: power cut');
    blobs = new RoundBlobs(store);
    await prune({ updateRounds: 1 }, 2);
    expect(removed).deep.equal([name('a')]);
  });
});
