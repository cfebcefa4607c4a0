import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';

const workerFile = import.meta.url.endsWith('.ts')
  ? './thread-priority-worker.ts'
  : './thread-priority-worker.js';

/** Niceness of a thread: field 19 of proc(5)'s stat, the 17th behind the name. */
function nicenessOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
}

/** What a thread's niceness is after it asked for `niceness`, and what it was told. */
async function asked(
  niceness: number,
): Promise<{ readonly stat: string; readonly isDone: boolean }> {
  const worker = new Worker(new URL(workerFile, import.meta.url), {
    workerData: niceness,
  });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  } finally {
    await worker.terminate();
  }
}

describe('a thread that gives way', () => {
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('is nice alone: the thread that started it is as urgent as before', async () => {
    const main = (): string => readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8');
    const before = nicenessOf(main());
    const { stat, isDone } = await asked(19);
    expect([isDone, nicenessOf(stat)]).deep.equal([true, 19]);
    expect(nicenessOf(main())).equal(before);
  });

  it('is none where nothing is asked', async () => {
    const before = nicenessOf(readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8'));
    const { stat, isDone } = await asked(0);
    expect([isDone, nicenessOf(stat)]).deep.equal([false, before]);
  });
});
