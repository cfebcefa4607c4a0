/** The heart's segmentation on its way: onto a model's grid, into patches, through training, out of a package. */
import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import { openEngine, type Engine } from '../../src/compute/index.ts';
import {
  annotatorDefaults,
  phantomDefaults,
  rasAffine,
  respacedGeometry,
  scannerDefaults,
  type Volume,
} from '../../src/data/index.ts';
import {
  CaseStore,
  decodeStudent,
  distillationDefaults,
  drawPatch,
  encodeStudent,
  HospitalJobs,
  intensityDefaults,
  predictCt,
  samplingDefaults,
  trainRound,
  type DistillError,
  type HeartUse,
  type RoundTraining,
  type TrainingCase,
} from '../../src/distill/index.ts';
import { predictionFiles } from '../../src/prediction/index.ts';
import { heartOnto } from '../../src/distill/heart-map.ts';
import type { UNetSpec } from '../../src/models/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import {
  adamW,
  ballCase,
  tinySize,
  tinySpec,
  tinyWeights,
  trainingCase,
  undisturbed,
} from './training-cases.ts';

const specs: Readonly<Record<HeartUse, UNetSpec>> = {
  none: { ...tinySpec, heads: { calc: 2 } },
  condition: { ...tinySpec, inChannels: 2, heads: { calc: 2 } },
  head: { ...tinySpec, heads: { calc: 2, heart: 8 } },
};

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return (error as DistillError).code;
  }
  return 'nothing thrown';
}

describe('a segmentation of the heart', () => {
  /** 4 x 4 x 4 voxels of 1 mm; each of the eight octants has another label. */
  const octants: Volume = {
    shape: [4, 4, 4],
    affine: rasAffine([1, 1, 1], [10, 20, 30]),
    data: Float32Array.from(
      { length: 64 },
      (_, n) => 4 * (n >> 5) + 2 * ((n >> 3) & 1) + ((n >> 1) & 1),
    ),
  };

  it('comes onto the grid of a model voxel by voxel, never mixed', () => {
    const grid = respacedGeometry(octants, [2, 2, 2]);
    expect([...heartOnto(octants, octants, grid)]).deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('may lie a rounding beside the CT', () => {
    const beside = { ...octants, affine: rasAffine([1, 1, 1], [10.01, 20, 30]) };
    expect(heartOnto(beside, octants, octants).length).equal(64);
  });

  const table: readonly (readonly [string, Volume, RegExp])[] = [
    [
      'of another shape',
      { ...octants, shape: [4, 4, 2], data: new Float32Array(32) },
      /4 x 4 x 4 voxels, got 4 x 4 x 2/,
    ],
    [
      'in another place',
      { ...octants, affine: rasAffine([1, 1, 1], [11, 20, 30]) },
      /got another place/,
    ],
    [
      'of other voxels',
      { ...octants, affine: rasAffine([1, 1, 1.2], [10, 20, 30]) },
      /got another place/,
    ],
    ['with label 8', { ...octants, data: octants.data.map((v) => (v === 7 ? 8 : v)) }, /got 8/],
    ['with half a label', { ...octants, data: octants.data.map((v) => v / 2) }, /got 0.5/],
    ['with a label below 0', { ...octants, data: octants.data.map((v) => -v) }, /got -1/],
  ];
  for (const [what, heart, message] of table) {
    it(`${what} is refused`, () => {
      expect(() => heartOnto(heart, octants, octants))
        .throws(message)
        .with.property('code', 'bad_heart');
    });
  }
});

describe('a patch of the heart', () => {
  // Calcium and structure 3 are the same block, so each says where the other must be.
  const inBlock = (d: number, h: number, w: number): number =>
    d > 4 && d < 12 && h > 3 && h < 11 && w > 6 && w < 13 ? 1 : 0;
  const plain = trainingCase([18, 18, 18], inBlock, { calc: inBlock });
  const held: TrainingCase = { ...plain, heart: plain.labels.get('calc')!.map((v) => 3 * v) };
  const turned = { rotationDegMax: 45, scaleDownShareMax: 0.5, scaleUpShareMax: 0.5 };
  const ways = [
    ['cropped', { rotationProbability: 0, scaleProbability: 0 }],
    ['turned', turned],
  ] as const;
  const draw = (
    source: TrainingCase,
    use: HeartUse,
    settings: object,
    seed: string,
  ): ReturnType<typeof drawPatch> =>
    drawPatch(
      ...([{ source, about: null }, ['calc'], [12, 20, 12], seededRandom(seed)] as const),
      ...([{ ...undisturbed, ...settings }, use] as const),
    );

  for (const [way, settings] of ways) {
    it(`lies on the image and the labels, ${way}, with none beyond the volume`, () => {
      let seen = 0;
      for (let n = 0; n < 10; n++) {
        const { labels, heart } = draw(held, 'condition', settings, `${way} ${n}`);
        const calcium = labels.get('calc')!;
        seen += calcium.filter((label) => label === 1).length;
        const wanted = Float32Array.from(calcium, (label) => (3 * label) / 7);
        expect(heart, `draw ${n}`).deep.equal(wanted);
        const taught = draw(held, 'head', settings, `${way} ${n}`).labels.get('heart');
        expect(taught, `head, draw ${n}`).deep.equal(calcium.map((label) => 3 * label));
      }
      expect(seen).greaterThan(100);
    });
  }

  it('changes nothing of the image and the other labels', () => {
    for (const use of ['condition', 'head'] as const) {
      const [one, other] = [draw(held, 'none', turned, 'a'), draw(held, use, turned, 'a')];
      expect(other.image, use).deep.equal(one.image);
      expect(other.labels.get('calc'), use).deep.equal(one.labels.get('calc'));
      expect([...one.labels.keys(), one.heart], 'none').deep.equal(['calc', undefined]);
    }
  });

  it('is not there where nobody segmented it', () => {
    const { labels, heart } = draw(plain, 'head', turned, 'a');
    expect([[...labels.keys()], heart]).deep.equal([['calc'], undefined]);
  });
});

describe('training with the heart', () => {
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'wasm' });
  });
  after(() => {
    engine.close();
  });

  const bare = ballCase(['calc']);
  const segmented = { ...bare, heart: bare.labels.get('calc')!.map((v) => 6 * v) };
  const round = (use: HeartUse, changes: Partial<RoundTraining> = {}): RoundTraining => ({
    ...{ spec: specs[use], tasks: ['calc'], weights: tinyWeights(specs[use]), state: null },
    ...{ steps: 4, batch: 1, patch: tinySize, optimiser: adamW, sampling: undisturbed, seed: 's' },
    ...changes,
  });
  /** Whether a parameter of the heart's head is other than it was. */
  const isTaught = ({ weights }: Awaited<ReturnType<typeof trainRound>>): boolean =>
    tinyWeights(specs.head).some(
      ({ name, data }, n) => name.includes('.heart.') && data.join() !== weights[n]?.data.join(),
    );

  it('teaches the head from cases with a heart map, and counts them', async () => {
    const trained = await trainRound(engine, [bare, segmented], round('head'), () => undefined);
    expect(trained.heads).deep.equal({ calc: 2, heart: 1 });
    expect(trained.samples).equal(2);
    expect(isTaught(trained)).equal(true);
  });

  it('leaves the head as it was where no case has one', async () => {
    const trained = await trainRound(engine, [bare, bare], round('head'), () => undefined);
    expect(trained.heads).deep.equal({ calc: 2, heart: 0 });
    expect(isTaught(trained)).equal(false);
  });

  it('learns from the second input what the image does not show', async () => {
    // Calcium here and there in the dark: the place tells nothing either.
    const random = seededRandom('dark');
    const held = trainingCase(tinySize, () => 0, { calc: () => random.integer(2) });
    const dark = { ...held, heart: held.labels.get('calc')!.map((v) => 7 * v) };
    const long = round('condition', { steps: 60 });
    const losses: number[] = [];
    await trainRound(engine, [dark], long, (_, loss) => losses.push(loss));
    const blind: number[] = [];
    await trainRound(engine, [dark], round('none', { steps: 60 }), (_, loss) => blind.push(loss));
    // A perfect answer has cross-entropy 0 and Dice -1; calcium everywhere, which is right of a half, ln 2 and -2/3.
    expect(losses.at(-1)).below(-0.5);
    expect(blind.at(-1)).above(-0.3);
  });

  it('is refused of a case without a heart map when models are conditioned on it', async () => {
    const before = engine.tf.memory().numTensors;
    const train = (): unknown => trainRound(engine, [bare], round('condition'), () => undefined);
    expect(await codeOf(train)).equal('no_heart');
    expect(engine.tf.memory().numTensors).equal(before);
  });
});

describe('a hospital with the heart', () => {
  const at = { folder: 'L1', intensity: intensityDefaults, generation: 'expert' };
  const phantom = { ...phantomDefaults, shape: [16, 16, 16], spacingMm: [6, 6, 6] } as const;
  const hospital = {
    id: 'L1',
    cases: { hps: 1, ms: 0, calc: 1, unlabelled: 0, test: 1 },
    scanner: scannerDefaults,
    annotator: annotatorDefaults,
  };
  const window = [16, 16, 16] as const;
  const silent = (): void => undefined;
  const open = async (heart: boolean): Promise<{ jobs: HospitalJobs; caseStore: CaseStore }> => {
    const store = new MemoryStore();
    const jobs = new HospitalJobs(() => store, { backend: 'wasm' });
    const cases = { hospital, from: 0, to: 2, seed: 1, phantom, pointRadiusMm: 9, heart };
    await jobs.makeCases({ ...at, ...cases }, silent);
    return { jobs, caseStore: new CaseStore(store, intensityDefaults) };
  };

  it('has the true one in its cases where it was asked for, and the same cases else', async () => {
    const [one, other] = [await open(true), await open(false)];
    const { heart, ...rest } = await one.caseStore.read('test', 'L1-0001');
    expect(heart).deep.equal((await one.caseStore.readTruth('L1-0001'))!.heart);
    expect(rest).deep.equal(await other.caseStore.read('test', 'L1-0001'));
    const train = await one.caseStore.read('train', 'L1-0000');
    expect(new Set(train.heart).size).greaterThan(4);
  });

  for (const use of ['condition', 'head'] as const) {
    it(`trains, scores and checks a model, whose package predicts: ${use}`, async () => {
      const { jobs, caseStore } = await open(true);
      const spec: UNetSpec =
        use === 'head'
          ? { ...tinySpec, heads: { ...tinySpec.heads, heart: 8 } }
          : { ...tinySpec, inChannels: 2 };
      const tasks = ['hps', 'calc'] as const;
      const model = { ...at, spec, tasks };
      const { weights } = await jobs.train(
        {
          ...{ ...model, origins: ['expert'], weights: tinyWeights(spec), state: null },
          ...{ steps: 2, batch: 1, patch: tinySize, optimiser: adamW, seed: 's' },
          ...{ sampling: samplingDefaults, distillation: distillationDefaults },
        },
        silent,
      );
      const check = { ...model, weights, patch: tinySize, sampling: samplingDefaults };
      expect(await jobs.check(check)).a('number');
      const inference = { window, overlap: 0.5, batch: 1 };
      const [scored] = await jobs.evaluate({ ...model, weights, inference }, silent);
      const ofHeart = scored!.scores.filter(({ task }) => task === 'heart');
      expect(ofHeart.map(({ dice }) => dice !== null)).deep.equal(use === 'head' ? [true] : []);
      await jobs.close();

      const parts = { spec, weights, intensity: intensityDefaults, spacingMm: phantom.spacingMm };
      const student = decodeStudent(encodeStudent({ ...parts, window }));
      const { image, heart } = await caseStore.read('test', 'L1-0001');
      const options = { engine: { backend: 'wasm' }, onProgress: silent } as const;
      const given = { heart: { ...image, data: Float32Array.from(heart!) } };
      const predicted = await predictCt(student, image, { ...options, ...given });
      expect(predicted.labels.length).equal(16 ** 3);
      const files = [...predictionFiles(predicted, image).keys()];
      expect(files.includes('heart.nii.gz')).equal(use === 'head');
      expect(predicted.heart?.length).equal(use === 'head' ? 16 ** 3 : undefined);
      const without = await codeOf(() => predictCt(student, image, options));
      expect(without).equal(use === 'head' ? 'nothing thrown' : 'no_heart');
    });
  }

  it('that has no heart maps cannot train a model that needs them', async () => {
    const { jobs } = await open(false);
    const spec = specs.condition;
    const inference = { window, overlap: 0.5, batch: 1 };
    const args = { ...at, spec, weights: tinyWeights(spec), tasks: ['calc'] as const, inference };
    expect(await codeOf(() => jobs.evaluate(args, silent))).equal('no_heart');
    await jobs.close();
  });
});
