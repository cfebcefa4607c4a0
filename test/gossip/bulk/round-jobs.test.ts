import { expect } from 'chai';

import { seededRandom, utf8, type Random } from '../../../src/base/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import {
  averageRound,
  carryRound,
  checkRoundUpdate,
  roundAverage,
  roundStart,
  roundUpdate,
  encryptRoundUpdate,
  startRound,
  type AveragingRule,
  type UpdateFile,
  type CheckOutcome,
  type RoundUpdate,
  type TrainedSamples,
} from '../../../src/gossip/index.ts';
import {
  layoutOf,
  modelDigest,
  readModel,
  WeightsError,
  writeModel,
  type ModelWeights,
} from '../../../src/weights/index.ts';
import type { RobustRule } from '../../../src/wire/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';
import { packIntegers } from '../../weights/packed.ts';

/** Names not in the order of the canonical file, sizes around a block and a piece of a pack. */
const sizes: Readonly<Record<string, readonly number[]>> = {
  'encoder.w': [3, 130],
  'outs.ms.conv.conv.weight': [65],
  'decoder.b': [1],
  'outs.hps.conv.conv.weight': [2, 2],
  'outs.hps.conv.conv.bias': [2],
  a: [10_000],
};
const rule: AveragingRule = {
  ...{ memberCount: 4, clamp: 0.25, weightMax: 100 },
  ...{ samplesCap: 50, outerRate: 0.7, outerMomentum: 0.9 },
};
const context = utf8('which update');
const cap = { capMicro: 350_000 };
const robustRules: readonly RobustRule[] = [
  { kind: 'centred-clip', ...cap, radiusMicro: 1_000_000, iterations: 4 },
  { kind: 'centred-clip', ...cap, radiusMicro: 1_000_000, iterations: 4, nnmTolerated: 2 },
  { kind: 'norm-clip', ...cap, radiusMicro: 900_000 },
  { kind: 'trimmed-mean', ...cap, trimMicro: 200_000 },
  { kind: 'trimmed-mean', ...cap, trimMicro: 200_000, nnmTolerated: 1 },
  { kind: 'median', ...cap },
  { kind: 'geometric-median', ...cap, iterations: 4 },
  { kind: 'multi-krum', ...cap, tolerated: 1 },
];

describe('the heavy work of a round over files', () => {
  it('adds what was learnt from one model to another', async () => {
    const store = new MemoryStore();
    const model = (value: number): ModelWeights => [
      { name: 'w', shape: [3], data: Float32Array.of(value, 2 * value, -value) },
    ];
    const layout = layoutOf(model(0));
    await writeModel(store, 'start', model(10));
    await writeModel(store, 'earlier', model(1));
    await writeModel(store, 'after', model(1.5));
    const files = { start: 'start', earlier: 'earlier', after: 'after', into: 'sum' };
    await carryRound(store, { layout, ...files });
    // 10 + (1.5 - 1), 20 + (3 - 2), -10 + (-1.5 + 1)
    const [sum] = await readModel(store, 'sum', layout);
    expect([...sum!.data]).to.deep.equal([10.5, 21, -10.5]);
  });

  it('gives the bytes of the same work on arrays, in any order of the updates', async () => {
    for (const seed of [1, 2, 3]) {
      const random = seededRandom(`files ${seed}`);
      const [base, before] = [modelOf(random, 1), modelOf(random, 1)];
      const start = roundStart(base, before, 0.9);
      const store = new MemoryStore();
      const layout = layoutOf(base);
      await writeModel(store, 'base', base);
      await writeModel(store, 'before', before);
      const files = { base: 'base', before: 'before', into: 'start' };
      const written = await startRound(store, { layout, momentum: 0.9, ...files });
      expect(written.digest).to.equal(modelDigest(start));
      expect(digestOf(store.files.get('start')!)).to.equal(written.digest);

      const trained = [samples(40, 40, 0), samples(9, 0, 3), samples(70, 12, 12)];
      const sealed: UpdateFile[] = [];
      const whole = [];
      for (const [n, one] of trained.entries()) {
        const after = moved(random, start, one);
        await writeModel(store, `after/${n}`, after);
        const own = roundUpdate(after, start, one, rule);
        const update = await seal(store, `after/${n}`, `update/${n}`, one);
        expect(own.clampedCount).to.be.greaterThan(0);
        expect(update.clampedCount).to.equal(own.clampedCount);
        expect(update.weights).to.deep.equal({ weight: own.weight, heads: own.heads });
        // 56 of header, chunks of 16 KiB with 16 of tag each.
        const packed = packIntegers(own.values).byteLength;
        expect(update.updateBytes).to.equal(56 + packed + 16 * (Math.floor(packed / 16_384) + 1));
        expect(digestOf(store.files.get(`update/${n}`)!)).to.equal(update.update);
        expect(await checkRoundUpdate(store, openJob(update))).to.deep.equal({ kind: 'fits' });
        sealed.push(update);
        whole.push(own);
      }
      const expected = roundAverage(start, whole, rule);
      for (const order of [
        [0, 1, 2],
        [2, 0, 1],
      ]) {
        const outcome = await averageRound(store, {
          ...{ layout, start: 'start', rule, into: 'average' },
          updates: order.map((n) => sealed[n]!),
        });
        const model = { digest: modelDigest(expected), bytes: store.files.get('average')!.length };
        expect(outcome).to.deep.equal({ kind: 'averaged', model });
        expect(await readModel(store, 'average', layout)).to.deep.equal(expected);
      }
    }
  });

  it('gives the bytes of the same robust mean on arrays, in any order of the updates', async () => {
    const random = seededRandom('robust files');
    const start = modelOf(random, 1);
    const store = new MemoryStore();
    const layout = layoutOf(start);
    await writeModel(store, 'start', start);
    const counts = [samples(40, 40, 0), samples(9, 0, 3), samples(70, 12, 12), samples(9, 9, 9)];
    const trained = [...counts, samples(9, 9, 9), samples(30, 1, 0)];
    const sealed: UpdateFile[] = [];
    const whole: RoundUpdate[] = [];
    const six = { ...rule, memberCount: 6 };
    for (const [n, one] of trained.entries()) {
      const after = moved(random, start, one);
      // Twins: nothing tells them apart.
      const file = n === 4 ? 'after/3' : `after/${n}`;
      if (n !== 4) await writeModel(store, file, after);
      const same = await readModel(store, file, layout);
      whole.push(roundUpdate(same, start, one, six));
      sealed.push(await seal(store, file, `update/${n}`, one, six));
    }
    for (const robust of robustRules) {
      const robustRule = { ...six, robust };
      const expected = roundAverage(start, whole, robustRule);
      const plain = roundAverage(start, whole, six);
      expect(modelDigest(expected), robust.kind).to.not.equal(modelDigest(plain));
      for (const order of ['012345', '345012', '541302']) {
        const places = Array.from(order, Number);
        const again = roundAverage(
          start,
          places.map((n) => whole[n]!),
          robustRule,
        );
        expect(modelDigest(again), `${robust.kind} ${order}`).to.equal(modelDigest(expected));
        const outcome = await averageRound(store, {
          ...{ layout, start: 'start', rule: robustRule, into: 'average' },
          updates: places.map((n) => sealed[n]!),
        });
        const model = { digest: modelDigest(expected), bytes: store.files.get('average')!.length };
        expect(outcome, robust.kind).to.deep.equal({ kind: 'averaged', model });
      }
    }
  });

  it('names the file that was damaged before a robust mean', async () => {
    const { store, update } = await oneUpdate();
    const whole = store.files.get('update')!;
    const layout = layoutOf(modelOf(seededRandom('layout'), 0));
    for (const robust of robustRules) {
      const job = { layout, start: 'start', rule: { ...rule, robust }, into: 'average' };
      const bent = whole.slice();
      bent[100]! ^= 1;
      for (const bytes of [bent, whole.slice(0, -1), whole.slice(0, 60), new Uint8Array(0)]) {
        store.files.set('update', bytes);
        const outcome = await averageRound(store, { ...job, updates: [update] });
        expect(outcome, robust.kind).to.deep.equal({ kind: 'damaged', digest: update.digest });
      }
      store.files.set('update', whole);
      const lying = { ...update, weights: { weight: 1, heads: { hps: 1, ms: 1 } } };
      expect(await codeOf(averageRound(store, { ...job, updates: [lying] }))).to.equal(
        'out_of_range',
      );
      expect((await averageRound(store, { ...job, updates: [update] })).kind).to.equal('averaged');
    }
  });

  it('refuses a change that is not finite, and leaves no file', async () => {
    const { store, after } = await oneUpdate();
    after[0]!.data[7] = NaN;
    await writeModel(store, 'after', after);
    store.files.delete('update');
    const code = await codeOf(seal(store, 'after', 'update', samples(1, 1, 1)));
    expect(code).to.equal('not_finite');
    expect(store.files.has('update')).to.equal(false);
  });

  it('refuses a file of another model', async () => {
    const { store } = await oneUpdate();
    store.files.set('start', store.files.get('start')!.slice(0, -4));
    const code = await codeOf(seal(store, 'after', 'update', samples(1, 1, 1)));
    expect(code).to.equal('shape_mismatch');
    const bent = store.files.get('after')!.slice();
    bent[20]! ^= 1; // in the header
    store.files.set('start', bent);
    expect(await codeOf(seal(store, 'after', 'update', samples(1, 1, 1)))).to.equal(
      'shape_mismatch',
    );
  });

  it('tells a wrong key, a bad update and a damaged file apart', async () => {
    const { store, update } = await oneUpdate();
    const open = (change: Partial<ReturnType<typeof openJob>> = {}): Promise<CheckOutcome> =>
      checkRoundUpdate(store, { ...openJob(update), ...change });
    expect((await open()).kind).to.equal('fits');
    expect((await open({ key: new Uint8Array(32) })).kind).to.equal('wrong_key');
    expect((await open({ key: new Uint8Array(31) })).kind).to.equal('wrong_key');
    expect((await open({ context: utf8('another') })).kind).to.equal('wrong_key');
    expect((await open({ updateBytes: update.updateBytes - 1 })).kind).to.equal('bad');
    for (const weights of [
      { weight: 1, heads: { hps: 1, ms: 1 } }, // its values are larger
      { weight: 101, heads: { hps: 1, ms: 1 } },
      { weight: 40, heads: { hps: 1 } },
      { weight: 40, heads: { hps: 41, ms: 1 } },
      { weight: 40, heads: { hps: 0, ms: 1 } }, // hps has changed
    ]) {
      expect((await open({ weights })).kind, JSON.stringify(weights)).to.equal('bad');
    }
    const short = layoutOf(modelOf(seededRandom('x'), 1)).slice(1);
    expect((await open({ layout: short })).kind).to.equal('bad');
    const whole = store.files.get('update')!;
    for (let size = 0; size < whole.byteLength; size += 17) {
      store.files.set('update', whole.slice(0, size));
      // The author's statement, and so the digest, may be of just these bytes.
      const cut = { updateBytes: size, digest: digestOf(whole.slice(0, size)) };
      const expected = size < 56 ? 'wrong_key' : 'bad';
      expect((await open(cut)).kind, `cut at ${size}`).to.equal(expected);
      expect((await open()).kind, `cut at ${size} on the disk`).to.equal('damaged');
    }
    for (let bit = 0; bit < 8 * whole.byteLength; bit += 11) {
      const bent = whole.slice();
      bent[bit >> 3]! ^= 1 << (bit & 7);
      store.files.set('update', bent);
      expect((await open()).kind, `bit ${bit}`).to.equal('damaged');
      const kind = (await open({ digest: digestOf(bent) })).kind;
      expect(kind, `bit ${bit} of its author`).to.equal(bit < 8 * 56 ? 'wrong_key' : 'bad');
    }
    store.files.delete('update');
    expect((await open()).kind).to.equal('damaged');
  });

  it('names the update whose file a disk has damaged, and averages nothing', async () => {
    const { store, update, layout } = await oneUpdate();
    const bent = store.files.get('update')!.slice();
    bent[bent.length - 1]! ^= 1;
    store.files.set('update', bent);
    const job = { layout, start: 'start', rule, into: 'average', updates: [update] };
    const digest = update.digest;
    expect(await averageRound(store, job)).to.deep.equal({ kind: 'damaged', digest });
    expect(store.files.has('average')).to.equal(false);
    const forged = { ...update, digest: digestOf(bent) };
    let problem: unknown;
    await averageRound(store, { ...job, updates: [forged] }).catch((e: unknown) => (problem = e));
    expect(problem).to.be.instanceOf(Error);
  });
});

/** One update of the model in `store`: a few numbers of the shared part and of both heads changed. */
async function oneUpdate(): Promise<{
  store: MemoryStore;
  after: ModelWeights;
  layout: ReturnType<typeof layoutOf>;
  update: UpdateFile & { updateBytes: number };
}> {
  const store = new MemoryStore();
  const start = modelOf(seededRandom('one'), 1);
  const after = start.map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
  for (const tensor of after) if (!tensor.name.startsWith('a')) tensor.data[0]! += 0.125;
  await writeModel(store, 'start', start);
  await writeModel(store, 'after', after);
  const update = await seal(store, 'after', 'update', samples(40, 5, 5));
  return { store, after, layout: layoutOf(start), update };
}

async function seal(
  store: MemoryStore,
  after: string,
  into: string,
  trained: TrainedSamples,
  of: AveragingRule = rule,
): Promise<UpdateFile & { update: string; updateBytes: number; clampedCount: number }> {
  const layout = layoutOf(modelOf(seededRandom('layout'), 0));
  const [key, salt] = [new Uint8Array(32).fill(into.length), new Uint8Array(24)];
  const job = { layout, start: 'start', after, trained, rule: of, key, salt, context, into };
  const sealed = await encryptRoundUpdate(store, job);
  return { ...sealed, ciphertext: into, digest: sealed.update, key, context };
}

function openJob(
  update: UpdateFile & { updateBytes: number },
): Parameters<typeof checkRoundUpdate>[1] {
  return { ...update, layout: layoutOf(modelOf(seededRandom('layout'), 0)), rule };
}

function samples(count: number, hps: number, ms: number): TrainedSamples {
  return { samples: count, heads: { hps, ms } };
}

function modelOf(random: Random, scale: number): ModelWeights {
  return Object.entries(sizes).map(([name, shape]) => {
    const count = shape.reduce((a, b) => a * b);
    const data = Float32Array.from({ length: count }, () => scale * random.normal());
    return { name, shape, data };
  });
}

/** Changes of which a few are beyond the clamp. */
function moved(random: Random, start: ModelWeights, { heads }: TrainedSamples): ModelWeights {
  return start.map(({ name, shape, data }) => {
    const isTrained = heads[name.split('.')[1] ?? ''] !== 0;
    const move = (value: number): number => value + (isTrained ? 0.1 * random.normal() : 0);
    return { name, shape, data: data.map(move) };
  });
}

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof WeightsError) return error.code;
    throw error;
  }
}
