import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import type { Rank, Tensor5D } from '@tensorflow/tfjs';

import { InvariantError } from '../../src/base/index.ts';
import { ComputeError, openEngine, type Engine } from '../../src/compute/index.ts';
import { loadNative } from '../../src/compute/heap/native/module.ts';

describe('engine', () => {
  let engine: Engine | null = null;

  async function open(options: Parameters<typeof openEngine>[0]): Promise<Engine> {
    engine = await openEngine(options);
    return engine;
  }

  afterEach(() => {
    engine?.close();
    engine = null;
  });

  it('opens the fastest for auto, and again after closing, with nothing left of the first', async () => {
    const native = loadNative();
    for (let i = 0; i < 2; i++) {
      const { tf, backend, backendVariant, memory, close } = await open({ backend: 'auto' });
      expect(backend).equal(native === null ? 'wasm' : 'native');
      expect(backendVariant).equal(native === null ? 'wasm' : `native ${native.variant}`);
      expect(tf.getBackend()).equal('wasm');
      const before = memory().tensorCount;
      const y = tf.square(tf.tensor1d([1, 2, 3]));
      expect([...y.dataSync()]).deep.equal([1, 4, 9]);
      expect(memory().tensorCount).equal(before + 2);
      expect(memory().heapBytes).below(2 ** 26);
      close();
    }
  });

  it('closes once: a second call leaves the engine alone that was opened meanwhile', async () => {
    const first = await open({ backend: 'cpu' });
    first.close();
    const { tf } = await open({ backend: 'wasm' });
    first.close();
    expect(tf.getBackend()).equal('wasm');
    expect([...tf.square(tf.tensor1d([3])).dataSync()]).deep.equal([9]);
    let refusal: unknown;
    await openEngine({ backend: 'cpu' }).catch((error: unknown) => (refusal = error));
    expect(refusal).instanceOf(InvariantError);
  });

  it('refuses a second engine in the same thread', async () => {
    await open({ backend: 'cpu' });
    let refusal: unknown;
    await openEngine({ backend: 'wasm' }).catch((error: unknown) => (refusal = error));
    expect(refusal).instanceOf(InvariantError);
  });

  it('opens in a worker thread beside the one of this thread', async () => {
    const { tf } = await open({ backend: 'wasm' });
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData).then(async ({ openEngine }) => {
        const engine = await openEngine({ backend: 'wasm' });
        const x = engine.tf.tensor([1, -2], [1, 1, 1, 2, 1]);
        parentPort.postMessage([...engine.ops.leakyRelu(x, 0.5).dataSync()]);
        engine.close();
      });`;
    // The compiled test finds the compiled room, the source the source.
    const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const room = new URL(`../../src/compute/index.${suffix}`, import.meta.url).href;
    const worker = new Worker(source, { eval: true, workerData: room });
    const [answer] = (await once(worker, 'message')) as [number[]];
    expect(answer).deep.equal([1, -1]);
    await once(worker, 'exit');
    expect(tf.square(tf.scalar(3)).dataSync()[0]).equal(9);
  });

  it('says so when the heap may not grow, in our kernels and in TF.js, and goes on', async () => {
    const { tf, ops, memory } = await open({ backend: 'wasm', heapBytesMax: 2 ** 26 });
    const before = memory().tensorCount;
    const refusals: unknown[] = [];
    const attempt = (run: () => unknown): void => {
      try {
        run();
      } catch (error) {
        refusals.push(error);
      }
    };
    attempt(() => tf.zeros([2 ** 25]));
    const x = tf.zeros<Rank.R5>([1, 64, 64, 64, 8]); // 8 MiB
    const w = tf.zeros<Rank.R5>([64, 8, 3, 3, 3]); // output 64 MiB
    attempt(() => ops.conv3d(x, w, null, { stride: 1 }));
    for (const refusal of refusals) {
      expect(refusal).instanceOf(ComputeError);
      expect((refusal as ComputeError).code).equal('heap_exhausted');
    }
    expect(refusals.length).equal(2);
    // 48 MiB of output fit, the padded copy of the input no more: the output goes too.
    const buffers = tf.engine().backend as unknown as { numDataIds(): number };
    const held = buffers.numDataIds();
    // Three taps along one axis only: a convolution that tiles are not for.
    attempt(() => ops.conv3d(x, tf.zeros<Rank.R5>([48, 8, 3, 1, 1]), null, { stride: 1 }));
    expect(refusals.length).equal(3);
    expect(buffers.numDataIds()).equal(held + 1);
    expect(memory().heapBytes).most(2 ** 26);
    tf.dispose([x, w]);
    const y = ops.leakyRelu(tf.tensor1d([-2]), 0.5);
    expect(y.dataSync()[0]).equal(-1);
    expect(memory().tensorCount - before, 'the last weights and these two').equal(3);
  });

  it('shares the memory of clones and frees it with the last', async () => {
    const { tf, memory } = await open({ backend: 'wasm' });
    const x = tf.tensor1d([1, 2]);
    const before = tf.memory().numDataBuffers;
    const copy = x.clone();
    expect(tf.memory().numDataBuffers).equal(before);
    x.dispose();
    expect([...copy.dataSync()]).deep.equal([1, 2]);
    copy.dispose();
    expect(tf.memory().numDataBuffers).equal(before - 1);
    expect(memory().tensorCount).equal(tf.memory().numTensors);
  });

  it('refuses shapes that kernels would read past', async () => {
    const { tf, ops } = await open({ backend: 'wasm' });
    const x = tf.zeros<Rank.R5>([1, 2, 2, 2, 3]);
    const zeros5 = (...shape: [number, number, number, number, number]): Tensor5D =>
      tf.zeros<Rank.R5>(shape);
    const qkv = tf.zeros<Rank.R3>([2, 8, 12]);
    const refused: Record<string, () => unknown> = {
      'weights of other channels': () => ops.conv3d(x, zeros5(4, 2, 3, 3, 3), null, { stride: 1 }),
      'a kernel of 5': () => ops.conv3d(x, zeros5(4, 3, 5, 5, 5), null, { stride: 1 }),
      'an input smaller than the kernel': () =>
        ops.conv3d(zeros5(1, 1, 2, 2, 3), zeros5(4, 3, 2, 2, 2), null, { stride: 2 }),
      'a short bias': () => ops.conv3d(x, zeros5(4, 3, 1, 1, 1), tf.zeros([3]), { stride: 1 }),
      'a transposed kernel of 3': () => ops.convTranspose3d(x, zeros5(3, 4, 3, 3, 3), null),
      'a gamma of other channels': () => ops.instanceNorm(x, tf.zeros([2]), null, { slope: 1 }),
      'two grids': () => ops.concat(x, zeros5(1, 2, 2, 1, 3)),
      'labels of another grid': () => ops.crossEntropyDice(x, tf.zeros([1, 2, 2, 1], 'int32')),
      'float labels': () => ops.crossEntropyDice(x, tf.zeros([1, 2, 2, 2])),
      'a dense weight of other inputs': () => ops.linear(x, tf.zeros([4, 2]), null),
      'heads that do not divide': () =>
        ops.windowAttention(qkv, { heads: 3, bias: tf.zeros([3, 8, 8]), regions: null }),
      'a bias of other windows': () =>
        ops.windowAttention(qkv, { heads: 2, bias: tf.zeros([2, 7, 7]), regions: null }),
      'regions of other windows': () =>
        ops.windowAttention(qkv, {
          ...{ heads: 2, bias: tf.zeros([2, 8, 8]), regions: tf.zeros([1, 7], 'int32') },
        }),
      'float regions': () =>
        ops.windowAttention(qkv, {
          ...{ heads: 2, bias: tf.zeros([2, 8, 8]), regions: tf.zeros([1, 8]) },
        }),
      'a sum of two shapes': () => ops.accumulate(zeros5(1, 2, 2, 2, 3), zeros5(1, 2, 2, 2, 1)),
      'a falling slope': () => ops.leakyRelu(x, -0.01),
      'windows of another grid': () =>
        ops.windowReverse(qkv, { window: [2, 2, 2], shift: [0, 0, 0], shape: [1, 2, 2, 2, 12] }),
      'float indices': () => ops.gatherBias(tf.zeros([4, 2]), tf.zeros([2, 2])),
    };
    for (const [what, run] of Object.entries(refused)) {
      expect(run, what).throws(ComputeError);
    }
  });
});
