/** Threads on one memory, without TF.js. */
import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { ComputeError } from '../../../../src/compute/index.ts';
import { KernelPool } from '../../../../src/compute/heap/wasm/kernel-pool.ts';
import {
  builtFile,
  instantiateKernels,
  portableBuild,
} from '../../../../src/compute/heap/wasm/module.ts';
import { boardBytes, TaskBoard, words } from '../../../../src/compute/heap/wasm/task-board.ts';

const board = 0;
const input = Math.ceil(boardBytes / 16) * 16;

/** A pool on a fresh memory of 1 MiB with values from `input` on. */
async function openPool(
  threads: number,
  change: { stallMs?: number; module?: WebAssembly.Module } = {},
): Promise<{ pool: KernelPool; memory: WebAssembly.Memory }> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536, shared: true });
  const { module, kernels } = instantiateKernels(portableBuild(), memory, true);
  const pool = await KernelPool.open({ threads, module, kernels, memory, board, ...change });
  return { pool, memory };
}

async function failureOf(work: () => unknown): Promise<ComputeError> {
  try {
    await work();
  } catch (error) {
    expect(error).instanceOf(ComputeError);
    return error as ComputeError;
  }
  throw new Error('it did not fail');
}

describe('threads beside an engine', () => {
  it('make every call of more than the board holds, each once', async () => {
    const { pool, memory } = await openPool(3);
    const count = 600;
    const values = new Float32Array(memory.buffer, input, 2 * count);
    const output = input + 4 * count;
    for (let round = 1; round <= 20; round++) {
      for (let i = 0; i < count; i++) values[i] = i * round;
      const calls = Array.from({ length: count }, (_, i) => [
        ...[input + 4 * i, 4, output + 4 * i, 4, 4, 1],
      ]);
      pool.run('copyRows', calls);
      const copied = [...values.subarray(count)];
      expect(copied, `round ${round}`).deep.equal(
        Array.from({ length: count }, (_, i) => i * round),
      );
    }
    pool.close();
  });

  it('report a call that fails, and go on', async () => {
    const { pool, memory } = await openPool(2);
    const values = new Float32Array(memory.buffer, input, 8);
    values[0] = 5;
    const good = [input, 4, input + 16, 4, 4, 1];
    const outside = [64 * 1024 * 1024, 4, input + 20, 4, 4, 1];
    for (let i = 0; i < 5; i++) {
      const error = await failureOf(() => {
        pool.run('copyRows', [outside, good, outside]);
      });
      expect(error.facts.code).equal('thread_failed');
    }
    pool.run('copyRows', [good]);
    expect(values[4]).equal(5);
    pool.close();
  });

  it('give up on a call that nobody ends, and on all after it', async () => {
    const { pool, memory } = await openPool(2, { stallMs: 50 });
    // As if a thread had ended between its claim and its end.
    Atomics.sub(new TaskBoard(memory, board).state, words.done, 1);
    const call = [input, 4, input + 16, 4, 4, 1];
    for (let i = 0; i < 2; i++) {
      const error = await failureOf(() => {
        pool.run('copyRows', [call]);
      });
      expect(error.message).contain('a thread ended or hangs');
    }
    pool.close();
  });

  it('refuse to open where a thread does not start', async () => {
    // This build wants a memory that is not shared.
    const module = new WebAssembly.Module(readFileSync(builtFile(`${portableBuild().name}.wasm`)));
    const error = await failureOf(() => openPool(2, { module }));
    expect(error.facts.code).equal('thread_failed');
  });
});
