import { expect } from 'chai';

import { seededRandom } from '../../../src/base/index.ts';
import { openEngine } from '../../../src/compute/index.ts';
import {
  drawPatch,
  LoadedModel,
  predictLabelMaps,
  sizeFor,
  trainRound,
} from '../../../src/distill/index.ts';
import { checkInput, type ModelSpec, type UNetSpec } from '../../../src/models/index.ts';
import { adamW, tinySpec, tinyWeights, trainingCase, undisturbed } from '../training-cases.ts';

const flat: UNetSpec = { ...tinySpec, features: [4, 8, 8], strides: [1, 2, [1, 2, 2]] };
const swin: ModelSpec = {
  ...{ kind: 'swin-unetr', inChannels: 1, featureSize: 6, depths: [1, 1], numHeads: [2, 2] },
  ...{ window: 4, heads: { calc: 2 } },
};

describe('the size of a patch', () => {
  it('is what the plan says, whatever the volume', () => {
    expect(sizeFor([8, 16, 24], [100, 100, 100], tinySpec)).deep.equal([8, 16, 24]);
  });

  it('of a whole volume is the least that holds it and that the model can halve', () => {
    // Divisors: 2 of two stages, (2, 4, 4) with a flat stride, 8 of a transformer of two stages.
    const sizes = [
      [tinySpec, [7, 8, 9], [8, 8, 10]],
      [flat, [7, 8, 9], [8, 8, 12]],
      [swin, [7, 8, 9], [8, 8, 16]],
      [swin, [5, 8, 8], [8, 8, 16]], // a single voxel in the deepest stage has no deviation
    ] as const;
    for (const [spec, shape, wanted] of sizes) {
      const size = sizeFor('whole', shape, spec);
      expect(size, shape.join()).deep.equal(wanted);
      expect(() => {
        checkInput(spec, [1, ...size, 1]);
      }).not.throw();
    }
  });

  it('lets a volume lie in the middle of its darkest value, labelled as nothing', () => {
    const held = trainingCase([3, 4, 5], (d, h, w) => 5 + d + h + w, { calc: () => 1 });
    const size = sizeFor('whole', held.shape, tinySpec);
    const { image, labels } = drawPatch(
      { source: held, about: null },
      ['calc'],
      size,
      seededRandom('w'),
      {
        ...{ ...undisturbed, rotationProbability: 0, scaleProbability: 0 },
      },
    );
    const map = labels.get('calc')!;
    const inside = [...map.keys()].filter((i) => map[i] === 1);
    expect(size).deep.equal([4, 4, 6]);
    expect(inside.map((i) => image[i])).deep.equal([...held.image]);
    const outside = [...map.keys()].filter((i) => map[i] === 0);
    expect(new Set(outside.map((i) => image[i]))).deep.equal(new Set([5]));
    expect(inside.length + outside.length).equal(4 * 4 * 6);
  });
});

describe('whole volumes', () => {
  it('of different shapes are trained on together, and searched in one window each', async () => {
    const engine = await openEngine({ backend: 'wasm' });
    try {
      const cases = [
        [7, 8, 9],
        [10, 6, 8],
      ] as const;
      const held = cases.map((shape, n) =>
        trainingCase(shape, (d, h, w) => (d + h + w + n) % 3, {
          calc: (d, h, w) => ((d + h + w) % 3 === 0 ? 1 : 0),
        }),
      );
      const spec = { ...tinySpec, heads: { calc: 2 } };
      const round = {
        ...{ spec, tasks: ['calc'] as const, weights: tinyWeights(spec), state: null },
        ...{ steps: 3, batch: 2, patch: 'whole' as const, optimiser: adamW, seed: 'w' },
        sampling: { ...undisturbed, foregroundShare: 0.5, rotationDegMax: 10 },
      };
      const { weights, heads } = await trainRound(engine, held, round, () => undefined);
      expect(heads).deep.equal({ calc: 2 });
      const loaded = new LoadedModel(engine, spec, weights);
      let windows = 0;
      for (const { image, shape } of held) {
        const settings = { window: 'whole' as const, overlap: 0.5, batch: 1 };
        const maps = await predictLabelMaps(
          ...([engine, loaded, { data: image, shape, channels: 1 }, settings] as const),
          (_, total) => {
            windows += total;
          },
        );
        expect(maps.get('calc')?.length).equal(image.length);
      }
      expect(windows).equal(2);
      loaded.dispose();
    } finally {
      engine.close();
    }
  });
});
