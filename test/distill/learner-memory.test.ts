/** A patch too large for the heap: refused in words in the middle of a step, with nothing lost but that step. */
import { expect } from 'chai';

import { ComputeError, openEngine } from '../../src/compute/index.ts';
import { adamWDefaults, Learner, type Patch } from '../../src/distill/index.ts';
import {
  initialWeights,
  readModelSpec,
  type ModelSpec,
  type Triple,
} from '../../src/models/index.ts';
import { seededRandom } from '../../src/base/index.ts';

const heads = { hps: 3 };
const specs: Readonly<Record<string, { readonly spec: ModelSpec; readonly small: Triple }>> = {
  teacher: {
    spec: readModelSpec({
      ...{ kind: 'unet', inChannels: 1, features: [8, 16], strides: [1, 2], convsPerStage: 1 },
      ...{ heads, deepSupervision: true, dropoutMilli: 0 },
    }),
    small: [8, 8, 8],
  },
  student: {
    spec: readModelSpec({
      ...{ kind: 'swin-unetr', inChannels: 1, featureSize: 4, depths: [1, 1], numHeads: [1, 1] },
      ...{ heads, window: 3 },
    }),
    small: [8, 8, 16],
  },
};
const large: Triple = [64, 64, 64];
const optimiser = { ...adamWDefaults, lr: 0.01, weightDecay: 0.01 };

function patchOf(size: Triple): Patch {
  const random = seededRandom('too large');
  const length = size[0] * size[1] * size[2];
  const image = Float32Array.from({ length }, () => random.normal());
  const labels = new Map([['hps', Int32Array.from(image, (v) => (v > 1 ? 1 : 0))]]);
  return { size, image, labels };
}

describe('a patch too large for the heap', () => {
  for (const [name, { spec, small }] of Object.entries(specs)) {
    it(`is refused to the ${name}, which then goes on as if nothing had been`, async () => {
      // 64³ voxels of 8 channels are 8 MiB a tensor, and a step keeps a dozen.
      const engine = await openEngine({ backend: 'wasm', heapBytesMax: 2 ** 26 });
      try {
        const learnerOf = (): Learner =>
          new Learner(engine, spec, initialWeights(spec, seededRandom(1)), null);
        const step = async (learner: Learner, size: Triple, seed: number): Promise<number> =>
          Promise.resolve(learner.step([patchOf(size)], optimiser, seed));
        const untroubled = learnerOf();
        const expected = [await step(untroubled, small, 0), await step(untroubled, small, 1)];
        const held = engine.memory().tensorCount;
        untroubled.dispose();

        const learner = learnerOf();
        const losses: number[] = [];
        for (const seed of [0, 1]) {
          const refusal = await step(learner, large, seed).catch((error: unknown) => error);
          expect(refusal).instanceOf(ComputeError);
          expect((refusal as ComputeError).code).equal('heap_exhausted');
          expect((refusal as ComputeError).message).contain('use smaller patches');
          losses.push(await step(learner, small, seed));
        }
        expect(losses).deep.equal(expected);
        expect(engine.memory().tensorCount, 'tensors left over').equal(held);
        learner.dispose();
      } finally {
        engine.close();
      }
    });
  }
});
