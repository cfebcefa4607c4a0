import { expect } from 'chai';

import { seededRandom } from '../../../src/base/index.ts';
import { openEngine, type Engine } from '../../../src/compute/index.ts';
import { phantomDefaults, scannerDefaults, annotatorDefaults } from '../../../src/data/index.ts';
import {
  DistillError,
  HospitalJobs,
  intensityDefaults,
  Probe,
  type TransferArgs,
} from '../../../src/distill/index.ts';
import { featureModel } from '../../../src/distill/probe/probe.ts';
import { buildModel, initialWeights, type ModelSpec } from '../../../src/models/index.ts';
import { modelDigest, type ModelWeights } from '../../../src/weights/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';
import {
  adamW,
  ballCase,
  tinySize,
  tinySpec,
  tinyWeights,
  undisturbed,
} from '../training-cases.ts';

const swinSpec: ModelSpec = {
  kind: 'swin-unetr',
  inChannels: 1,
  featureSize: 4,
  depths: [1, 1],
  numHeads: [2, 2],
  window: 4,
  heads: { calc: 2, hps: 6 },
};
const unetrSpec: ModelSpec = {
  ...{ kind: 'unetr', inChannels: 1, imageSize: [16, 16, 16], featureSize: 4, hiddenSize: 8 },
  ...{ mlpDim: 8, numHeads: 2, numLayers: 4, heads: { calc: 2, hps: 6 } },
};

describe('a probe', () => {
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'cpu' });
  });
  after(() => {
    engine.close();
  });

  const settings = { spec: tinySpec, weights: tinyWeights(), head: 'ball', classes: 2 };
  const training = { patch: tinySize, optimiser: adamW, sampling: undisturbed, seed: 'seed' };

  for (const spec of [tinySpec, swinSpec, unetrSpec]) {
    it(`reads what the heads of a ${spec.kind} read`, async () => {
      // A head is a 1×1×1 convolution: its logits are weight · features + bias, voxel by voxel.
      const weights = initialWeights(spec, seededRandom('features'));
      const image = Float32Array.from({ length: 16 ** 3 }, () => seededRandom('image').normal());
      const forward = async (
        one: ModelSpec,
        values: ModelWeights,
      ): Promise<Map<string, Float32Array>> => {
        const { tf } = engine;
        const params = new Map(
          values.map(({ name, shape, data }) => [name, tf.tensor(data, [...shape])]),
        );
        const x = tf.tensor5d(image, [1, 16, 16, 16, 1]);
        const outputs = buildModel(engine, one).forward(params, x, { training: false });
        const read = new Map<string, Float32Array>();
        for (const [head, [finest]] of Object.entries(outputs)) {
          read.set(head, new Float32Array(await finest!.data<'float32'>()));
        }
        tf.dispose([x, ...params.values(), ...Object.values(outputs).flat()]);
        return read;
      };
      const own = await forward(spec, weights);
      const reading = featureModel({ spec, weights });
      const features = (await forward(reading.spec, reading.weights)).get('features')!;
      const dataOf = (end: string): Float32Array =>
        weights.find(({ name }) => name.includes('.hps.') && name.endsWith(end))!.data;
      const [weight, bias] = [dataOf('weight'), dataOf('bias')];
      const logits = own.get('hps')!;
      const width = features.length / 16 ** 3;
      for (const voxel of [0, 1234, 4095]) {
        for (let c = 0; c < 6; c++) {
          let sum = bias[c]!;
          for (let i = 0; i < width; i++)
            sum += weight[c * width + i]! * features[voxel * width + i]!;
          expect(logits[voxel * 6 + c], `voxel ${voxel}, class ${c}`).closeTo(sum, 1e-4);
        }
      }
    });
  }

  it('learns while the backbone stays, and leaves no tensors', async () => {
    const { tensorCount } = engine.memory();
    const digest = modelDigest(settings.weights);
    const losses: number[] = [];
    const head = new Probe(engine, settings, 'first weights');
    const ball = ballCase(['hps']);
    const labels = new Map([['ball', ball.labels.get('hps')!]]);
    const foreground = new Map([['ball', ball.foreground.get('hps')!]]);
    const cases = [{ ...ball, labels, foreground }];
    await head.train(cases, { ...training, steps: 25 }, (_, loss) => losses.push(loss));
    head.dispose();
    expect(engine.memory().tensorCount).equal(tensorCount);
    expect(modelDigest(settings.weights)).equal(digest);
    // Cross-entropy and Dice of a bright ball: from about 1 at the start to near -1.
    expect(losses.at(-1)).below(losses[0]! - 0.5);
  });

  it('is not trained without a case', async () => {
    const head = new Probe(engine, settings, 'first weights');
    try {
      await head.train([], { ...training, steps: 1 }, () => undefined);
      expect.fail('trained');
    } catch (error) {
      expect(error).instanceOf(DistillError).with.property('code', 'no_cases');
    } finally {
      head.dispose();
    }
  });
});

describe('a landmark that no task taught', () => {
  it('is searched in the cases that did not train its head', async () => {
    const store = new MemoryStore();
    const jobs = new HospitalJobs(() => store, { backend: 'cpu' });
    const at = { folder: 'D', intensity: intensityDefaults, generation: 'expert' };
    const phantom = { ...phantomDefaults, shape: [16, 16, 16], spacingMm: [6, 6, 6] } as const;
    const hospital = {
      id: 'D',
      cases: { hps: 0, ms: 0, calc: 0, unlabelled: 0, test: 4 },
      scanner: scannerDefaults,
      annotator: annotatorDefaults,
    };
    const made = { hospital, from: 0, to: 4, seed: 1, phantom };
    const cases = { ...made, pointRadiusMm: 9, heart: false };
    await jobs.makeCases({ ...at, ...cases }, () => undefined);
    const args: TransferArgs = {
      ...at,
      ...{ spec: tinySpec, weights: tinyWeights(), landmark: 'STJ', trainingCount: 2 },
      training: {
        ...{ steps: 0, patch: tinySize, optimiser: adamW, sampling: undisturbed, seed: 'seed' },
      },
      pointRadiusMm: 9,
      inference: { window: [16, 16, 16], overlap: 0, batch: 1 },
    };
    const steps: number[] = [];
    const found = await jobs.transfer(args, ({ done }) => steps.push(done));
    expect(found.map(({ id }) => id)).deep.equal(['D-0002', 'D-0003']);
    // Nobody is farther than the picture's diagonal: 16 · 6 mm · √3.
    for (const { errorMm } of found) expect(errorMm ?? 0).within(0, 167);
    expect(steps).deep.equal([1, 2]);
    await jobs.close();
  });
});
