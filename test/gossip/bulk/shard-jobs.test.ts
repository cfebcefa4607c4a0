/** The average in shards over files: the bytes of the exact one, and what is refused. */
import { expect } from 'chai';
import { seededRandom, utf8, type Random } from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import {
  assembleRound,
  averageRound,
  checkRoundUpdate,
  encryptRoundUpdate,
  encryptShards,
  reduceShard,
  shardRange,
  type AveragingRule,
  type SumFile,
  type TrainedSamples,
  type UpdateFile,
} from '../../../src/gossip/index.ts';
import {
  fixedPointFor,
  layoutOf,
  parameterCount,
  writeModel,
  type ModelWeights,
} from '../../../src/weights/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';
import { packIntegers, unpackIntegers } from '../../weights/packed.ts';

/** Names not in the order of the canonical file; shards end within tensors and within blocks of 64. */
const sizes: Readonly<Record<string, readonly number[]>> = {
  'encoder.w': [3, 130],
  'outs.ms.conv.conv.weight': [65],
  'decoder.b': [1],
  'outs.hps.conv.conv.weight': [2, 2],
  a: [10_000],
};
const rule: AveragingRule = {
  ...{ memberCount: 4, clamp: 0.25, weightMax: 100 },
  ...{ samplesCap: 50, outerRate: 0.7, outerMomentum: 0.9 },
};
const trained: readonly TrainedSamples[] = [
  { samples: 40, heads: { hps: 40, ms: 0 } },
  { samples: 9, heads: { hps: 0, ms: 3 } },
  { samples: 70, heads: { hps: 12, ms: 12 } },
];
const contextOf = (author: number, shard: number, shards: number): Uint8Array =>
  utf8(`${author} ${shard} of ${shards}`);

describe('the average in shards over files', () => {
  for (const shardCount of [1, 4, 7, 256]) {
    it(`gives the model of the exact average, from ${shardCount} shards`, async () => {
      const { store, exact, layout, updates } = await round(shardCount);
      const sums = await sumsOf(store, updates, shardCount);
      const weights = updates.map(([file]) => file!.weights);
      const job = { layout, start: 'start', rule, sums, weights, into: 'assembled' };
      const outcome = await assembleRound(store, job);
      expect(outcome).to.deep.equal({ kind: 'averaged', model: exact });
      expect(digestOf(store.files.get('assembled')!)).to.equal(exact.digest);
    });
  }

  it('gives the same sum in any order of the updates, packed as tightly as it needs', async () => {
    const { store, updates, layout } = await round(4);
    const range = shardRange(parameterCount(layout), 4, 1);
    const files = updates.map((shards) => shards[1]!);
    const digests = await Promise.all(
      [files, [...files].reverse()].map(async (some, at) => {
        const job = { layout, range, rule, updates: some, into: `sum ${at}` };
        const outcome = await reduceShard(store, job);
        return outcome.kind === 'reduced' ? outcome.sum.digest : null;
      }),
    );
    expect(digests[0]).to.equal(digests[1]);
    const bytes = store.files.get('sum 0')!;
    const values = unpackIntegers(bytes, range.end - range.start);
    expect(packIntegers(values)).to.deep.equal(bytes);
    expect(digestOf(bytes)).to.equal(digests[0]);
  });

  it('checks each shard alone, and refuses it in another place, of another author or beyond its bounds', async () => {
    const { store, updates, layout } = await round(4);
    const check = async (file: UpdateFile): Promise<string> => {
      const updateBytes = store.files.get(file.ciphertext)?.byteLength ?? 0;
      return (await checkRoundUpdate(store, { ...file, updateBytes, layout, rule })).kind;
    };
    for (const [at, file] of updates[0]!.entries())
      expect(await check(file), `${at}`).to.equal('fits');
    const [zero, one] = updates[0]!;
    expect(await check({ ...zero!, ciphertext: one!.ciphertext, digest: one!.digest })).to.equal(
      'wrong_key',
    );
    const foreign = updates[1]![0]!;
    expect(
      await check({ ...zero!, ciphertext: foreign.ciphertext, digest: foreign.digest }),
    ).to.equal('wrong_key');
    // Of the right author under its own key, but of the next shard's length.
    expect(await check({ ...zero!, range: shardRange(parameterCount(layout), 5, 0) })).to.equal(
      'bad',
    );
    // With a weight that allows less.
    expect(await check({ ...zero!, weights: { weight: 1, heads: { hps: 1, ms: 0 } } })).to.equal(
      'bad',
    );
    store.files.set(zero!.ciphertext, store.files.get(one!.ciphertext)!);
    expect(await check(zero!)).to.equal('damaged');
  });

  it('names a sum that no such updates can have come to, one that is cut short, and a damaged file', async () => {
    const { store, layout, updates } = await round(4);
    const sums = await sumsOf(store, updates, 4);
    const weights = updates.map(([file]) => file!.weights);
    const job = { layout, start: 'start', rule, sums, weights, into: 'assembled' };
    const { start, end } = sums[2]!.range;
    // C · 2^s · Σ min(samples, cap) / wMax is the most that three updates of 40, 9 and 50 can come to.
    const { fractionBits } = fixedPointFor(rule.memberCount, rule.clamp);
    const most = [40, 9, 50].reduce(
      (sum, weight) => sum + Math.floor(((0.25 * weight) / 100) * 2 ** fractionBits + 0.5),
      0,
    );
    const withLast = async (value: number, count = end - start): Promise<string> => {
      const values = new Int32Array(count);
      values[count - 1] = value;
      const bytes = packIntegers(values);
      store.files.set('lie', bytes);
      const lie = { ...sums[2]!, name: 'lie', digest: digestOf(bytes) };
      const outcome = await assembleRound(store, { ...job, sums: sums.with(2, lie) });
      return outcome.kind === 'averaged' ? outcome.kind : `${outcome.kind} ${outcome.at}`;
    };
    expect(await withLast(most)).to.equal('averaged');
    expect(await withLast(-most)).to.equal('averaged');
    expect(await withLast(most + 1)).to.equal('bad 2');
    expect(await withLast(-most - 1)).to.equal('bad 2');
    expect(await withLast(1, end - start - 64)).to.equal('bad 2');
    expect(await withLast(1, end - start + 64)).to.equal('bad 2');
    const bent = store.files.get(sums[1]!.name)!.slice();
    bent[bent.length - 1]! ^= 1;
    store.files.set(sums[1]!.name, bent);
    expect(await assembleRound(store, job)).to.deep.equal({ kind: 'damaged', at: 1 });
    store.files.delete(sums[0]!.name);
    expect(await assembleRound(store, job)).to.deep.equal({ kind: 'damaged', at: 0 });
  });

  it('names the update whose shard a disk has damaged, and leaves no sum', async () => {
    const { store, updates, layout } = await round(4);
    const files = updates.map((shards) => shards[3]!);
    store.files.set(files[1]!.ciphertext, new Uint8Array(100));
    const range = shardRange(parameterCount(layout), 4, 3);
    const outcome = await reduceShard(store, { layout, range, rule, updates: files, into: 'sum' });
    expect(outcome).to.deep.equal({ kind: 'damaged', digest: files[1]!.digest });
    expect(store.files.has('sum')).to.equal(false);
  });
});

/** Three updates in shards, and the model that their exact average gives. */
async function round(shardCount: number): Promise<{
  store: MemoryStore;
  layout: ReturnType<typeof layoutOf>;
  exact: { digest: string; bytes: number };
  updates: UpdateFile[][];
}> {
  const store = new MemoryStore();
  const random = seededRandom(`shards ${shardCount}`);
  const start = modelOf(random, 1);
  const layout = layoutOf(start);
  await writeModel(store, 'start', start);
  const valueCount = parameterCount(layout);
  const whole: UpdateFile[] = [];
  const updates: UpdateFile[][] = [];
  for (const [author, one] of trained.entries()) {
    const after = start.map(({ data, ...tensor }) => {
      return { ...tensor, data: data.map((value) => value + 0.1 * random.normal()) };
    });
    await writeModel(store, 'after', after);
    const [key, salt] = [new Uint8Array(32).fill(author + 1), new Uint8Array(24)];
    const files = { layout, start: 'start', after: 'after', trained: one, rule, key, salt };
    const context = utf8(`${author}`);
    const sealed = await encryptRoundUpdate(store, { ...files, context, into: `whole ${author}` });
    const { weights } = sealed;
    whole.push({ ciphertext: `whole ${author}`, digest: sealed.update, key, context, weights });
    const contexts = Array.from({ length: shardCount }, (_, at) =>
      contextOf(author, at, shardCount),
    );
    const cut = await encryptShards(store, { ...files, contexts, into: `cut ${author}` });
    expect(cut.clampedCount).to.equal(sealed.clampedCount);
    expect(cut.weights).to.deep.equal(weights);
    expect(cut.shards).to.have.lengthOf(shardCount);
    for (const { name, digest, bytes } of cut.shards) {
      expect(digestOf(store.files.get(name)!)).to.equal(digest);
      expect(store.files.get(name)!.byteLength).to.equal(bytes);
    }
    updates.push(
      cut.shards.map(({ name, digest }, at) => {
        const range = shardRange(valueCount, shardCount, at);
        return { ciphertext: name, digest, key, context: contexts[at]!, weights, range };
      }),
    );
  }
  const job = { layout, start: 'start', rule, updates: whole, into: 'exact' };
  const outcome = await averageRound(store, job);
  if (outcome.kind !== 'averaged') throw new Error('the exact average failed');
  return { store, layout, exact: outcome.model, updates };
}

async function sumsOf(
  store: MemoryStore,
  updates: readonly (readonly UpdateFile[])[],
  shardCount: number,
): Promise<SumFile[]> {
  const layout = layoutOf(modelOf(seededRandom('layout'), 0));
  return Promise.all(
    Array.from({ length: shardCount }, async (_, at) => {
      const range = shardRange(parameterCount(layout), shardCount, at);
      const files = updates.map((shards) => shards[at]!);
      const job = { layout, range, rule, updates: files, into: `sum ${at}` };
      const outcome = await reduceShard(store, job);
      if (outcome.kind !== 'reduced') throw new Error('a shard was damaged');
      return { name: `sum ${at}`, digest: outcome.sum.digest, range };
    }),
  );
}

function modelOf(random: Random, scale: number): ModelWeights {
  return Object.entries(sizes).map(([name, shape]) => {
    const count = shape.reduce((a, b) => a * b);
    const data = Float32Array.from({ length: count }, () => scale * random.normal());
    return { name, shape, data };
  });
}
