/** The portable kernels on several threads of one heap. */
import { execFileSync } from 'node:child_process';

import { expect } from 'chai';

import { seededRandom } from '../../../../src/base/index.ts';
import { ComputeError, openEngine } from '../../../../src/compute/index.ts';
import { adamWDefaults, Learner, type Patch } from '../../../../src/distill/index.ts';
import { initialWeights, readModelSpec, type ModelSpec } from '../../../../src/models/index.ts';
import { opsSuite } from '../../ops/ops-suite.ts';

for (const threads of [2, 3]) {
  opsSuite(`own kernels on ${threads} threads`, () => openEngine({ backend: 'wasm', threads }));
}

const unet = readModelSpec({
  ...{ kind: 'unet', inChannels: 1, features: [8, 16], strides: [1, 2], convsPerStage: 2 },
  ...{ deepSupervision: true, dropoutMilli: 0, heads: { hps: 3 } },
});
const swin = readModelSpec({
  ...{ kind: 'swin-unetr', inChannels: 1, featureSize: 12, depths: [2, 2], numHeads: [3, 6] },
  ...{ window: 4, heads: { hps: 3 } },
});

/** Blobs with labels by threshold. */
function makePatch(side: number): Patch {
  const random = seededRandom('threads');
  const image = Float32Array.from({ length: side ** 3 }, () => random.normal());
  const labels = Int32Array.from(image, (value) => (value > 1 ? 2 : value > 0 ? 1 : 0));
  return { size: [side, side, side], image, labels: new Map([['hps', labels]]) };
}

/** Losses of two steps and all parameters after them. */
async function train(spec: ModelSpec, side: number, threads: number): Promise<Float32Array[]> {
  const engine = await openEngine({ backend: 'wasm', threads });
  try {
    const learner = new Learner(engine, spec, initialWeights(spec, seededRandom('t')), null);
    const optimiser = { ...adamWDefaults, lr: 0.001, weightDecay: 0.01 };
    const step = (): Promise<number> => learner.step([makePatch(side)], optimiser, 1);
    const losses = Float32Array.of(await step(), await step());
    const values = [
      ...(await learner.loaded.weights()).map(({ data }) => Float32Array.from(data)),
      losses,
    ];
    learner.dispose();
    return values;
  } finally {
    engine.close();
  }
}

describe('own kernels on several threads', () => {
  for (const [name, spec, side] of [
    // 32³ voxels are enough for the tiled convolutions.
    ['a U-Net', unet, 32],
    ['a SwinUNETR', swin, 32],
  ] as const) {
    it(`train ${name} to the same bytes as one thread`, async () => {
      const alone = await train(spec, side, 1);
      for (const threads of [2, 3]) {
        expect(await train(spec, side, threads), `${threads} threads`).deep.equal(alone);
      }
    });
  }

  it('say how many there are, and round as one does', async () => {
    const alone = await openEngine({ backend: 'wasm' });
    expect(alone.threads).equal(1);
    const { backendVariant } = alone;
    alone.close();
    const engine = await openEngine({ backend: 'wasm', threads: 3 });
    expect(engine.threads).equal(3);
    expect(engine.backendVariant).equal(backendVariant);
    engine.close();
  });

  it('hold no more after 200 steps than after the first ones', async () => {
    const engine = await openEngine({ backend: 'wasm', threads: 2 });
    const small = readModelSpec({
      ...{ kind: 'unet', inChannels: 1, features: [4, 8], strides: [1, 2], convsPerStage: 1 },
      ...{ deepSupervision: false, dropoutMilli: 0, heads: { hps: 3 } },
    });
    const learner = new Learner(engine, small, initialWeights(small, seededRandom('t')), null);
    const patch = makePatch(8);
    const optimiser = { ...adamWDefaults, lr: 0.001, weightDecay: 0.01 };
    for (let i = 0; i < 3; i++) await learner.step([patch], optimiser, 1);
    const before = engine.memory();
    for (let i = 0; i < 200; i++) await learner.step([patch], optimiser, 1);
    expect(engine.memory()).deep.equal(before);
    learner.dispose();
    engine.close();
  });

  it('say that the heap is exhausted, and go on', async () => {
    const heapBytesMax = 64 * 1024 * 1024;
    const engine = await openEngine({ backend: 'wasm', threads: 2, heapBytesMax });
    const { tf, ops } = engine;
    // 40 MB and as much again.
    const x = tf.zeros([10_000_000]);
    expect(() => ops.gelu(x)).throw(ComputeError, 'the compute heap cannot give 40000000 bytes');
    x.dispose();
    const y = tf.tidy(() => ops.gelu(tf.ones([1_000_000])).min());
    // Φ(1) = 0.8413447461 of normal tables.
    expect(y.dataSync()[0]).closeTo(0.841345, 1e-5);
    engine.close();
  });

  it('open and close again and again', async () => {
    for (let i = 0; i < 10; i++) {
      const engine = await openEngine({ backend: 'wasm', threads: 1 + (i % 3) });
      const sum = engine.tf.tidy(() => engine.ops.gelu(engine.tf.zeros([100_000])).sum());
      expect(sum.dataSync()[0]).equal(0);
      engine.close();
    }
  });

  it('do not keep a program alive that leaves its engine open', () => {
    const index = new URL('../../../../src/compute/index', import.meta.url).href;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const program =
      `import('${index}.${extension}')` +
      `.then(({ openEngine }) => openEngine({ backend: 'wasm', threads: 2 }))` +
      `.then(({ threads }) => console.log(threads));`;
    const args = ['--disable-warning=ExperimentalWarning', '-e', program];
    const options = { encoding: 'utf8', timeout: 30_000 } as const;
    expect(execFileSync(process.execPath, args, options)).equal('2\n');
  });
});
