import { expect } from 'chai';
import { AnnulusError } from '../../src/base/index.ts';
import { HostError } from '../../src/host/index.ts';
import { WorkerPool, type WorkerPoolInit } from '../../src/hospital/index.ts';

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const entry = new URL(`./fixtures/toy-entry.${extension}`, import.meta.url);

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    expect(error).to.be.instanceOf(AnnulusError);
    return (error as AnnulusError<{ code: string }>).code;
  }
  return 'nothing thrown';
}

describe('WorkerPool', () => {
  const pools: WorkerPool[] = [];
  const make = (changes: Partial<WorkerPoolInit> = {}): WorkerPool => {
    const pool = new WorkerPool({ entry, size: 1, ...changes });
    pools.push(pool);
    return pool;
  };
  afterEach(async () => {
    await Promise.all(pools.splice(0).map(async (pool) => pool.close()));
  });

  it('runs a method elsewhere and brings its result', async () => {
    const pool = make();
    expect(await pool.run('add', { a: 2, b: 3 })).to.equal(5);
    expect(await pool.run('where', null)).to.be.greaterThan(0);
  });

  it('tells a fault of the machine from a job that failed', async () => {
    const pool = make();
    expect(await codeOf(pool.run('fill', null))).to.equal('disk_full');
    expect(await pool.run('fill', null).catch((error: unknown) => error)).instanceOf(HostError);
    expect(await codeOf(pool.run('fail', null))).to.equal('job_failed');
  });

  it('runs one job at a time in each worker, and as many as it has workers', async () => {
    const pool = make({ size: 2 });
    const threads = await Promise.all([1, 2, 3, 4].map(async () => pool.run('sleep', 30)));
    expect(new Set(threads).size).to.equal(2);
    const lone = make({ size: 1 });
    const lines = await Promise.all([1, 2, 3].map(async () => lone.run('sleep', 5)));
    expect(new Set(lines).size).to.equal(1);
  });

  it('hands buffers over in both directions', async () => {
    const pool = make();
    const values = Float32Array.of(1, 2, 3);
    const work = pool.run('double', values, { transfer: [values.buffer] });
    expect(values.byteLength).to.equal(0);
    const result = (await work) as { out: Float32Array; bytesLeftHere: number };
    expect([...result.out]).to.deep.equal([2, 4, 6]);
    expect(result.bytesLeftHere).to.equal(12);
  });

  it('reports progress in order, before the result', async () => {
    const seen: unknown[] = [];
    const last = await make().run('count', 5, { onProgress: (value) => seen.push(value) });
    expect(seen).to.deep.equal([1, 2, 3, 4, 5]);
    expect(last).to.equal(5);
  });

  it('gives its data to the entry module', async () => {
    expect(await make({ data: { threads: 1 } }).run('data', null)).to.deep.equal({ threads: 1 });
  });

  it('rejects a job that throws, that is unknown, or whose arguments cannot travel', async () => {
    const pool = make();
    for (const [method, args] of [
      ['fail', null],
      ['nonsense', null],
      ['constructor', null],
      ['add', (): void => undefined],
    ] as const) {
      expect(await codeOf(pool.run(method, args)), method).to.equal('job_failed');
    }
    expect(await pool.run('add', { a: 1, b: 1 })).to.equal(2);
  });

  it('rejects the job of a worker that died, and replaces the worker', async () => {
    const pool = make();
    for (const method of ['die', 'throwLater']) {
      const dead = pool.run(method, null);
      const next = pool.run('add', { a: 1, b: 1 });
      expect(await codeOf(dead), method).to.equal('worker_crashed');
      expect(await next).to.equal(2);
    }
  });

  it('rejects when the entry module does not load', async () => {
    const pool = make({ entry: new URL('./fixtures/absent.js', import.meta.url) });
    expect(await codeOf(pool.run('add', { a: 1, b: 1 }))).to.equal('worker_crashed');
  });

  it('cancels a waiting job, a job that listens, and a job that does not', async () => {
    const pool = make({ cancelGraceMs: 100 });
    const first = new AbortController();
    const second = new AbortController();
    const running = pool.run('sleep', 60_000, { signal: first.signal });
    const waiting = pool.run('where', null, { signal: second.signal });
    second.abort();
    expect(await codeOf(waiting)).to.equal('job_cancelled');
    first.abort();
    expect(await codeOf(running)).to.equal('job_cancelled');
    const before = await pool.run('where', null);

    const third = new AbortController();
    const spinning = pool.run('spin', null, { signal: third.signal });
    third.abort();
    expect(await codeOf(spinning)).to.equal('job_cancelled');
    // The one that listened kept its thread; the one that did not lost it.
    expect(await pool.run('where', null)).to.not.equal(before);
    expect(await codeOf(pool.run('where', null, { signal: third.signal }))).to.equal(
      'job_cancelled',
    );
  });

  it('runs a spare job only while there is nothing else to do', async () => {
    const pool = make();
    const running = pool.run('sleep', 60);
    expect(await codeOf(pool.run('add', { a: 1, b: 1 }, { isSpare: true }))).to.equal('pool_busy');
    await running;
    expect(await pool.run('add', { a: 1, b: 1 }, { isSpare: true })).to.equal(2);
    const spare = pool.run('sleep', 30, { isSpare: true });
    expect(await codeOf(pool.run('where', null, { isSpare: true })), 'nor two').to.equal(
      'pool_busy',
    );
    await spare;
  });

  it('cancels a spare job for one that finds no worker, whether it listens or not', async () => {
    const pool = make({ cancelGraceMs: 50 });
    for (const method of ['sleep', 'spin']) {
      const spare = codeOf(pool.run(method, 60_000, { isSpare: true }));
      const others = [1, 2].map((n) => pool.run('add', { a: n, b: 1 }));
      expect(await spare, method).to.equal('job_cancelled');
      expect(await Promise.all(others), method).to.deep.equal([2, 3]);
    }
    // Where a second worker is free, both go on.
    const wide = make({ size: 2 });
    const left = wide.run('sleep', 200, { isSpare: true });
    expect(await wide.run('add', { a: 2, b: 2 })).to.equal(4);
    expect(await left).to.be.greaterThan(0);
  });

  it('limits the line, and ends everything when closed', async () => {
    const pool = make({ jobsMax: 1 });
    const jobs = [pool.run('sleep', 60_000), pool.run('sleep', 60_000)].map(codeOf);
    expect(await codeOf(pool.run('where', null))).to.equal('queue_full');
    await pool.close();
    expect(await Promise.all(jobs)).to.deep.equal(['pool_closed', 'pool_closed']);
    expect(await codeOf(pool.run('where', null))).to.equal('pool_closed');
  });
});
