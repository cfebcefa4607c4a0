import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import { listBackends, openEngine } from '../../../src/compute/index.ts';
import { computeAnew } from '../../../src/compute/repeat.ts';
import { ownKernels } from '../../../src/compute/ops/kernel-ops.ts';
import { gpuKernelNames } from '../../../src/compute/webgpu/kernels.ts';
import { adamWDefaults, Learner, type Patch } from '../../../src/distill/index.ts';
import { initialWeights, readModelSpec, type ModelSpec } from '../../../src/models/index.ts';
import { opsSuite } from '../ops/ops-suite.ts';

describe('kernels of the graphics card', () => {
  it('are there for every kernel of ours', () => {
    expect(gpuKernelNames).members(ownKernels.map(({ name }) => name));
  });
});

const gpu = (await listBackends()).find(({ name }) => name === 'webgpu');
if (gpu?.available !== true) {
  process.stdout.write('no graphics adapter: the operations are not tested on WebGPU\n');
} else {
  opsSuite(`own kernels on ${gpu.detail}`, () => openEngine({ backend: 'webgpu' }));
  describe('passes that a graphics card is sent again', replaySuite);
}

/** Losses of each step, and the weights in the end. */
async function train(isComputedAnew: boolean, nets: readonly Net[]): Promise<unknown> {
  const opened = await openEngine({ backend: 'webgpu' });
  const engine = isComputedAnew ? { ...opened, repeat: computeAnew } : opened;
  try {
    const found: unknown[] = [];
    for (const { spec, batches } of nets) {
      const learner = new Learner(engine, spec, initialWeights(spec, seededRandom('w')), null);
      const counts: number[] = [];
      for (const [step, batch] of batches.entries()) {
        found.push(await learner.step(batch, optimiser, step));
        counts.push(engine.memory().tensorCount);
      }
      // The variables are there from the first step on, every recording from the first of its kind.
      expect(counts.at(-1)).equal(counts.at(-2));
      found.push(await learner.loaded.weights());
      learner.dispose();
      expect(engine.memory().tensorCount).equal(0);
    }
    opened.check();
    return found;
  } finally {
    opened.close();
  }
}

interface Net {
  readonly spec: ModelSpec;
  readonly batches: readonly (readonly Patch[])[];
}

const optimiser = { ...adamWDefaults, lr: 0.01, weightDecay: 0.01 };

/** A patch with labels of the tasks, some of a fifth of its voxels and some of none. */
function patchOf(side: number, seed: string, tasks: Readonly<Record<string, boolean>>): Patch {
  const random = seededRandom(seed);
  const image = Float32Array.from({ length: side ** 3 }, () => random.normal());
  const labels = Object.entries(tasks).map(([task, isThere]) => [
    task,
    Uint8Array.from(image, (value) => (isThere && value > 0.8 ? 1 : 0)),
  ]);
  return { size: [side, side, side], image, labels: new Map(labels as never) };
}

function replaySuite(): void {
  it('give the bytes of passes computed anew, whatever the labels and the size', async function () {
    this.timeout(900_000); // a software adapter compiles for minutes
    const teacher = readModelSpec({
      ...{ kind: 'unet', inChannels: 1, features: [2, 4, 4], strides: [1, 2, 2] },
      ...{ convsPerStage: 1, deepSupervision: true, dropoutMilli: 0, heads: { hps: 3, ms: 2 } },
    });
    const student = readModelSpec({
      ...{ kind: 'swin-unetr', inChannels: 1, featureSize: 4, depths: [2, 2], numHeads: [2, 2] },
      ...{ window: 2, heads: { hps: 3, ms: 2 } },
    });
    const batchesOf = (side: number, otherSide: number): Patch[][] => {
      const both = { hps: true, ms: true };
      return [
        [patchOf(side, 'a', both)],
        [patchOf(side, 'b', both)],
        [patchOf(side, 'c', { hps: true })],
        [patchOf(side, 'd', { hps: true, ms: false }), patchOf(side, 'e', both)],
        [patchOf(side, 'f', both), patchOf(side, 'g', both), patchOf(side, 'h', { hps: true })],
        [patchOf(otherSide, 'i', both)],
        [patchOf(side, 'j', both)],
        [patchOf(side, 'k', both)],
      ];
    };
    const nets = [
      { spec: teacher, batches: batchesOf(8, 16) },
      { spec: student, batches: batchesOf(16, 16) },
    ];
    expect(await train(false, nets)).deep.equal(await train(true, nets));
  });
}
