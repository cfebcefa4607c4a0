import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import type { AveragingRule, UpdateFile } from '../../src/gossip/index.ts';
import { diskStore } from '../../src/host/index.ts';
import { HospitalError, openAveragingPool, workerAverager } from '../../src/hospital/index.ts';
import { inlineAverager } from '../../src/peer/index.ts';
import { layoutOf, writeModel, type ModelWeights } from '../../src/weights/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';

const model = (value: number): ModelWeights => [
  { name: 'w', shape: [100], data: new Float32Array(100).fill(value) },
];
const layout = layoutOf(model(0));
const rule: AveragingRule = {
  ...{ memberCount: 2, clamp: 1, weightMax: 8, samplesCap: 4, outerRate: 1, outerMomentum: 0.5 },
};

describe('the averaging worker', () => {
  const pool = openAveragingPool();
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-averager-'));
  });
  after(async () => {
    await pool.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('leaves in a folder the bytes that the same work leaves in memory', async () => {
    const [disk, memory] = [diskStore(folder), new MemoryStore()];
    const averagers = [workerAverager(pool, folder), inlineAverager(memory)];
    for (const store of [disk, memory]) {
      await writeModel(store, 'base', model(1));
      await writeModel(store, 'before', model(0));
    }
    const starts = { layout, base: 'base', before: 'before', momentum: 0.5, into: 'start' };
    for (const averager of averagers) await averager.start(starts);
    // 1 + 0.5 · (1 - 0), and one of two members went on to 2.
    for (const store of [disk, memory]) await writeModel(store, 'after', model(2));
    const update: UpdateFile[] = [];
    for (const [n, store] of [disk, memory].entries()) {
      const [key, context] = [new Uint8Array(32).fill(7), utf8('update')];
      const trained = { samples: 4, heads: {} };
      const job = { layout, start: 'start', after: 'after', trained, rule, key, context };
      const salt = new Uint8Array(24);
      const encrypted = await averagers[n]!.encrypt({ ...job, salt, into: 'encrypted' });
      const { weights, update: digest, updateBytes } = encrypted;
      expect(await store.size('encrypted')).to.equal(updateBytes);
      update.push({ ciphertext: 'encrypted', digest, key, context, weights });
      const opening = { ...update[n]!, layout, updateBytes, rule };
      expect(await averagers[n]!.check(opening)).to.deep.equal({ kind: 'fits' });
      const wrong = await averagers[n]!.check({ ...opening, key: new Uint8Array(32) });
      expect(wrong).to.deep.equal({ kind: 'wrong_key' });
    }
    const outcomes = [];
    for (const [n, averager] of averagers.entries()) {
      const job = { layout, start: 'start', updates: [update[n]!], rule, into: 'average' };
      outcomes.push(await averager.average(job));
    }
    expect(outcomes[0]).to.deep.equal(outcomes[1]);
    expect(await disk.read('average')).to.deep.equal(memory.files.get('average'));
    expect(outcomes[0]!.kind).to.equal('averaged');
  });

  it('says why its work failed', async () => {
    const averager = workerAverager(pool, folder);
    const job = { layout, base: 'nothing', before: 'nothing', momentum: 0.5, into: 'start' };
    const problem: unknown = await averager.start(job).catch((error: unknown) => error);
    expect(problem).to.be.instanceOf(HospitalError).with.property('code', 'job_failed');
  });
});
