/**
 * A patch too large for the heap: its blocks run twice, or, where that does not help, it is refused in words in the
 * middle of a step, with nothing lost but that step.
 */
import { expect } from 'chai';

import { ComputeError, openEngine, type Engine } from '../../../src/compute/index.ts';
import { adamWDefaults, Learner, type Patch } from '../../../src/distill/index.ts';
import {
  initialWeights,
  readModelSpec,
  type ModelSpec,
  type Triple,
} from '../../../src/models/index.ts';
import { seededRandom } from '../../../src/base/index.ts';

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
/** Does not fit unless blocks are run twice. */
const tight: Triple = [56, 56, 56];
const large: Triple = [96, 96, 96];
const heapBytesMax = 2 ** 26;
const optimiser = { ...adamWDefaults, lr: 0.01, weightDecay: 0.01 };

function patchOf(size: Triple): Patch {
  const random = seededRandom('too large');
  const length = size[0] * size[1] * size[2];
  const image = Float32Array.from({ length }, () => random.normal());
  const labels = new Map([['hps', Int32Array.from(image, (v) => (v > 1 ? 1 : 0))]]);
  return { size, image, labels };
}

function learnerOf(engine: Engine, spec: ModelSpec): Learner {
  return new Learner(engine, spec, initialWeights(spec, seededRandom(1)), null);
}

async function step(learner: Learner, size: Triple, seed: number): Promise<number> {
  return Promise.resolve(learner.step([patchOf(size)], optimiser, seed));
}

describe('a patch too large for the heap', () => {
  for (const [name, { spec, small }] of Object.entries(specs)) {
    it(`is refused to the ${name}, which then goes on as if nothing had been`, async () => {
      const engine = await openEngine({ backend: 'wasm', heapBytesMax });
      try {
        const untroubled = learnerOf(engine, spec);
        const expected = [await step(untroubled, small, 0), await step(untroubled, small, 1)];
        const held = engine.memory().tensorCount;
        untroubled.dispose();

        const learner = learnerOf(engine, spec);
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

    it(`is no hindrance to the ${name} if its blocks fit one by one, and changes no byte`, async () => {
      const losses: number[][] = [];
      for (const bytes of [2 ** 28, heapBytesMax]) {
        const engine = await openEngine({ backend: 'wasm', heapBytesMax: bytes });
        try {
          const learner = learnerOf(engine, spec);
          const first = await step(learner, tight, 0);
          const before = engine.memory().tensorCount;
          losses.push([first, await step(learner, tight, 1)]);
          expect(engine.memory().tensorCount, 'tensors left over').equal(before);
          const isRoomy = bytes > heapBytesMax;
          expect(engine.memory().heapBytes > heapBytesMax, 'takes more if it can').equal(isRoomy);
          learner.dispose();
        } finally {
          engine.close();
        }
      }
      expect(losses[1]).deep.equal(losses[0]);
    });
  }
});
