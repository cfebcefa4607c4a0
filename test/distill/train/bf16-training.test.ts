/** Fifty steps of both nets in bf16 beside float32. */
import { expect } from 'chai';

import { seededRandom } from '../../../src/base/index.ts';
import { modelDefaults, modelSpecFor, trainingDefaults } from '../../../src/config/index.ts';
import { openEngine, type Engine, type EngineOptions } from '../../../src/compute/index.ts';
import { loadNative } from '../../../src/compute/heap/native/module.ts';
import { adamWDefaults, Learner, type Patch } from '../../../src/distill/index.ts';
import { initialWeights, type ModelSpec } from '../../../src/models/index.ts';
import type { ModelWeights } from '../../../src/weights/index.ts';

const steps = 50;
const size = [32, 24, 24] as const;
/** At every so many steps the weights of float32's training are tried in bf16. */
const stride = 5;
/** What losses may differ by, of the order of 1. */
const differenceMax = 1e-3;
/** At the presets' rates the distance of two runs is that of chaos: runs whose weights differ in the last bit part as far. */
const calmRate = 1e-4;

const nets: readonly { title: string; spec: ModelSpec; rate: number }[] = [
  {
    title: 'teacher',
    spec: modelSpecFor(modelDefaults.teacher, ['hps']),
    rate: trainingDefaults.teacher.learningRate,
  },
  {
    title: 'student',
    spec: {
      ...{ kind: 'swin-unetr', inChannels: 1, featureSize: 6, depths: [2, 1], numHeads: [1, 2] },
      ...{ window: 3, heads: { hps: 6 } },
    },
    rate: trainingDefaults.student.learningRate,
  },
];

/** Noise with a small bright ball of each class. */
function drawPatch(name: string): Patch {
  const random = seededRandom(name);
  const [depth, height, width] = size;
  const image = Float32Array.from({ length: depth * height * width }, () => random.normal() * 0.3);
  const labels = new Int32Array(image.length);
  for (let label = 1; label < 6; label++) {
    const centre = size.map((side) => 2 + random.integer(side - 4)) as [number, number, number];
    image.forEach((_, voxel) => {
      const column = voxel % width;
      const row = Math.floor(voxel / width) % height;
      const slice = Math.floor(voxel / width / height);
      if (Math.hypot(slice - centre[0], row - centre[1], column - centre[2]) >= 2) return;
      labels[voxel] = label;
      image[voxel]! += label;
    });
  }
  return { size, image, labels: new Map([['hps', labels]]) };
}

const patches = Array.from({ length: 5 }, (_, i) => drawPatch(`patch ${i}`));

async function withEngine<T>(
  options: Partial<EngineOptions>,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine({ backend: 'native', ...options });
  try {
    return await use(engine);
  } finally {
    engine.close();
  }
}

async function stepOn(learner: Learner, step: number, lr: number): Promise<number> {
  const settings = { ...adamWDefaults, lr, weightDecay: trainingDefaults.student.weightDecay };
  return learner.step([patches[step % patches.length]!], settings, 1);
}

/** The losses before each step, and the weights that they are of. */
async function train(
  engine: Engine,
  spec: ModelSpec,
  lr: number,
): Promise<{ losses: number[]; weights: ModelWeights[] }> {
  const start = initialWeights(spec, seededRandom('weights'));
  const learner = new Learner(engine, spec, start, null);
  const [losses, weights]: [number[], ModelWeights[]] = [[], []];
  for (let step = 0; step < steps; step++) {
    const { tensors } = learner.loaded;
    weights.push(
      start.map((one) => ({
        ...one,
        data: tensors.get(one.name)!.dataSync<'float32'>().slice(),
      })),
    );
    losses.push(await stepOn(learner, step, lr));
  }
  learner.dispose();
  return { losses, weights };
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

if (loadNative() !== null) {
  describe('training in bf16', () => {
    for (const { title, spec, rate } of nets) {
      it(`of a ${title} follows float32 over ${String(steps)} steps`, async () => {
        const plain = await withEngine({}, (engine) => train(engine, spec, calmRate));
        const low = await withEngine({ precision: 'bf16' }, (engine) =>
          train(engine, spec, calmRate),
        );
        expect(largestDifference(low.losses, plain.losses)).below(differenceMax).and.above(0);
        expect(plain.losses.at(-1)).below(plain.losses[0]! - 10 * differenceMax);
      });

      it(`of a ${title} has float32's loss wherever its training comes by`, async () => {
        const plain = await withEngine({}, (engine) => train(engine, spec, rate));
        const low = await withEngine({ precision: 'bf16' }, async (engine) => {
          const values: number[] = [];
          for (let step = 0; step < steps; step += stride) {
            const learner = new Learner(engine, spec, plain.weights[step]!, null);
            values.push(await stepOn(learner, step, rate));
            learner.dispose();
          }
          return values;
        });
        const losses = plain.losses.filter((_, step) => step % stride === 0);
        expect(largestDifference(low, losses)).below(differenceMax).and.above(0);
      });
    }
  });
}
