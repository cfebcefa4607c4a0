/** A UNETR as a student: rounds of training, then a search in volumes larger than its one size. */
import { expect } from 'chai';

import { seededRandom } from '../../../src/base/index.ts';
import { openEngine, type Engine } from '../../../src/compute/index.ts';
import { LoadedModel, predictLabelMaps, trainRound } from '../../../src/distill/index.ts';
import { initialWeights, ModelsError, type UnetrSpec } from '../../../src/models/index.ts';
import { adamW, trainingCase, undisturbed } from '../training-cases.ts';

const spec: UnetrSpec = {
  kind: 'unetr',
  inChannels: 1,
  imageSize: [16, 16, 16],
  featureSize: 4,
  hiddenSize: 16,
  mlpDim: 32,
  numHeads: 2,
  numLayers: 4,
  heads: { calc: 2, hps: 6 },
};

/** Calcium where it is bright: a slab in each volume. */
const held = [
  [16, 18, 16],
  [20, 16, 24],
].map((shape) =>
  trainingCase(shape as [number, number, number], (d, h) => (h % 8 < 3 ? 1 : -1) + d / 100, {
    calc: (_, h) => (h % 8 < 3 ? 1 : 0),
  }),
);
const round = {
  ...{ spec, tasks: ['calc'] as const, weights: initialWeights(spec, seededRandom('unetr')) },
  ...{ state: null, steps: 12, batch: 2, optimiser: adamW, seed: 's' },
  sampling: { ...undisturbed, foregroundShare: 0.5 },
};

describe('a student that is a UNETR', function () {
  this.timeout(120_000);
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'wasm' });
  });
  after(() => {
    engine.close();
  });

  it('learns in a round, leaves the heads without labels, and finds what it learnt in any volume', async () => {
    const { tensorCount } = engine.memory();
    const losses: number[] = [];
    const given = { ...round, patch: spec.imageSize };
    const { weights } = await trainRound(engine, held, given, (_, loss) => losses.push(loss));
    expect(losses.at(-1)!).below(losses[0]! - 0.3);
    const same = weights.filter(({ data }, i) => data.join() === round.weights[i]!.data.join());
    expect(same.map(({ name }) => name)).deep.equal([
      'outs.hps.conv.conv.weight',
      'outs.hps.conv.conv.bias',
    ]);
    const loaded = new LoadedModel(engine, spec, weights);
    for (const { image, shape, labels } of held) {
      const settings = { window: spec.imageSize, overlap: 0.5, batch: 2 };
      const maps = await predictLabelMaps(
        ...([engine, loaded, { data: image, shape, channels: 1 }, settings] as const),
        () => undefined,
      );
      const [found, truth] = [maps.get('calc')!, labels.get('calc')!];
      const right = truth.filter((label, voxel) => found[voxel] === label).length;
      expect(right / truth.length, shape.join()).above(0.9);
    }
    loaded.dispose();
    expect(engine.memory().tensorCount).equal(tensorCount);
  });

  it('cannot be trained on volumes as they are', async () => {
    const whole = { ...round, patch: 'whole' as const };
    const trained = await trainRound(engine, held, whole, () => undefined).catch(
      (error: unknown) => error,
    );
    expect(trained).instanceOf(ModelsError).with.property('code', 'bad_input');
  });
});
