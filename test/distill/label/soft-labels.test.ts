import { expect } from 'chai';
import { openEngine, type Engine, type Tensor5D } from '../../../src/compute/index.ts';
import {
  distillationDefaults,
  predictUncertain,
  type DistillationSettings,
} from '../../../src/distill/index.ts';
import {
  softLabelOf,
  voxelWeights,
  wantsSoftLabels,
} from '../../../src/distill/label/soft-labels.ts';
import { buildModel, type HeadOutputs, type UNetSpec } from '../../../src/models/index.ts';
import { tinySpec } from '../training-cases.ts';

describe('uncertainty', () => {
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'cpu' });
  });
  after(() => {
    engine.close();
  });

  /** A teacher whose logit of calcium is `logits[pass]` everywhere; remembers how it was called. */
  function teacherOf(logits: readonly number[]): {
    readonly model: ReturnType<typeof buildModel>;
    readonly seeds: (number | undefined)[];
  } {
    const spec: UNetSpec = { ...tinySpec, heads: { calc: 2 } };
    const seeds: (number | undefined)[] = [];
    const { tf } = engine;
    const model = {
      ...buildModel(engine, spec),
      forward: (
        ...[, x, options]: Parameters<ReturnType<typeof buildModel>['forward']>
      ): HeadOutputs => {
        const value = logits[seeds.length] ?? NaN;
        seeds.push(options.training ? options.seed : undefined);
        const [b, d, h, w] = x.shape;
        const zero = tf.zeros([b, d, h, w, 1]);
        return { calc: [tf.concat([zero, tf.fill([b, d, h, w, 1], value)], 4) as Tensor5D] };
      },
    };
    return { model, seeds };
  }

  const empty = { data: new Float32Array(64), shape: [4, 4, 4], channels: 1 } as const;
  const ask = (
    logits: readonly number[],
    settings: Partial<DistillationSettings>,
  ): ReturnType<typeof predictUncertain> =>
    predictUncertain(
      ...([engine, { model: teacherOf(logits).model, tensors: new Map() }, empty] as const),
      ...([{ window: [4, 4, 4], overlap: 0.5, batch: 1 }] as const),
      ...([{ ...distillationDefaults, ...settings }, 'seed'] as const),
    );
  const logit = (p: number): number => Math.log(p / (1 - p));

  it('is the mean of p(1 - p), and the variance of p, over the passes', async () => {
    // p = 0.2, 0.4, 0.9: mean 0.5; p(1 - p) = 0.16, 0.24, 0.09: mean 0.49/3; p² mean 1.01/3.
    const still = { passes: 3, rotationDegMax: 0, scaleShareMax: 0 };
    const { mean, aleatoric, epistemic } = (await ask([0.2, 0.4, 0.9].map(logit), still)).get(
      'calc',
    )!;
    expect(mean.data[1]).closeTo(0.5, 1e-6);
    expect(mean.data[0]).closeTo(0.5, 1e-6);
    expect(aleatoric[63]).closeTo(0.49 / 3, 1e-6);
    expect(epistemic[63]).closeTo(1.01 / 3 - 0.25, 1e-6);
  });

  it('counts in each voxel the passes that saw it', async () => {
    // Rotated by up to 30 degrees and scaled, corners are seen by the first pass alone.
    const rotated = { passes: 2, rotationDegMax: 30, scaleShareMax: 0 };
    const { mean, epistemic } = (await ask([0.2, 0.6].map(logit), rotated)).get('calc')!;
    const values = new Set(Array.from({ length: 64 }, (_, n) => mean.data[2 * n + 1]!.toFixed(4)));
    expect([...values].sort()).deep.equal(['0.2000', '0.4000']);
    epistemic.forEach((value, n) => {
      const isAlone = mean.data[2 * n + 1]! < 0.3;
      expect(value, String(n)).closeTo(isAlone ? 0 : 0.04, 1e-6);
    });
  });

  it('leaves the first pass undisturbed and gives further ones dropout masks of their own', async () => {
    const { model, seeds } = teacherOf([0, 0, 0]);
    await predictUncertain(
      ...([engine, { model, tensors: new Map() }, empty] as const),
      ...([{ window: [4, 4, 4], overlap: 0.5, batch: 1 }] as const),
      ...([{ ...distillationDefaults, passes: 3 }, 'seed'] as const),
    );
    expect(seeds[0]).equal(undefined);
    expect(new Set(seeds).size).equal(3);
  });

  it('softens by temperature: logits 0 and 2 at 2 are e to 1', async () => {
    const { mean } = (await ask([2], { temperature: 2 })).get('calc')!;
    expect(mean.data[1]).closeTo(Math.E / (1 + Math.E), 1e-6);
  });

  it('weighs voxels by certainty, and not at all below the least confidence', () => {
    const shape = [1, 1, 2] as const;
    const mean = { data: Float32Array.of(0.08, 0.92, 0.45, 0.55), shape, channels: 2 };
    const unsure = {
      aleatoric: Float32Array.of(0.05, 0.2),
      epistemic: Float32Array.of(0.05, 0.01),
    };
    const softLabel = softLabelOf({ mean, ...unsure });
    expect([...softLabel.probabilities]).deep.equal([20, 235, 115, 140]);
    const weigh = (settings: Partial<DistillationSettings>): number[] | null => {
      const weights = voxelWeights(softLabel, { ...distillationDefaults, ...settings });
      return weights === null ? null : [...weights];
    };
    expect(weigh({})).equal(null);
    expect(weigh({ confidenceMin: 0.6 })).deep.equal([255, 0]);
    // (0.05 + 0.05)/0.25 = 0.4 and 0.21/0.25 = 0.84 of 255, each part rounded.
    expect(weigh({ weightByUncertainty: true })).deep.equal([255 - 51 - 51, 255 - 204 - 10]);
  });

  it('is asked for by each of the settings that need it', () => {
    const wants = (settings: Partial<DistillationSettings>): boolean =>
      wantsSoftLabels({ ...distillationDefaults, ...settings });
    expect(wants({})).equal(false);
    expect(wants({ rotationDegMax: 10, temperature: 2 }), 'of one hard pass').equal(false);
    expect(wants({ passes: 2 })).equal(true);
    expect(wants({ targets: 'soft' })).equal(true);
    expect(wants({ confidenceMin: 0.5 })).equal(true);
    expect(wants({ weightByUncertainty: true })).equal(true);
  });
});
