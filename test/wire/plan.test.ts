import { expect } from 'chai';

import {
  hyperparametersOf,
  learningRateMicro,
  readHyperparameters,
  readImages,
  readRule,
  readTraining,
  schedules,
  WireError,
  type Schedule,
} from '../../src/wire/index.ts';
import type { NodeId } from '../../src/base/index.ts';
import {
  plainImages,
  plainRule,
  sampleStage,
  studentTraining,
  teacherTraining,
} from './sample-stage.ts';

const ten = { rounds: 10, learningRateMicro: 10_000 };
const ratesOf = (
  of: { rounds: number; learningRateMicro: number; schedule: Schedule },
  ...rounds: number[]
): number[] => rounds.map((k) => learningRateMicro(of, k));

/** Null when `value` is read as it is, else the place that the error names. */
function placeRefused(read: (value: unknown) => unknown, value: unknown): string | null {
  try {
    expect(read(value)).to.deep.equal(value);
    return null;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.message;
  }
}

/** `value` with what stands at `path` replaced; `undefined` removes it. */
function changed(value: object, path: string, to: unknown): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = copy;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (to === undefined) Reflect.deleteProperty(at, last);
  else at[last] = to;
  return copy;
}

/** Paths to every number, text and truth in `value`. */
function leavesOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, item]) =>
    leavesOf(item, path === '' ? key : `${path}.${key}`),
  );
}

describe('the learning rate of a round', () => {
  it('follows the schedule that the plan names', () => {
    // 0.5^0.9 = 0.535886731…, 0.1^0.9 = 0.125892541…; (1 + cos 36°)/2 = 0.904508497…, at 90° 1/2,
    // (1 + cos 162°)/2 = 0.024471741….
    const rates: Record<Schedule, number[]> = {
      constant: ratesOf({ ...ten, schedule: 'constant' }, 0, 5, 9),
      poly: ratesOf({ ...ten, schedule: 'poly' }, 0, 5, 9),
      cosine: ratesOf({ ...ten, schedule: 'cosine' }, 0, 2, 5, 9),
    };
    expect(rates).to.deep.equal({
      constant: [10_000, 10_000, 10_000],
      poly: [10_000, 5359, 1259],
      cosine: [10_000, 9045, 5000, 245],
    });
  });

  it("falls as nnU-Net's", () => {
    // PolyLRScheduler(0.01, 1000): epochs 0, 1, 500 and 999 at 0.01 · (1 - e/1000)^0.9; 0.999^0.9 = 0.99909995…,
    // 0.001^0.9 = 0.00199526….
    const thousand = { rounds: 1000, learningRateMicro: 10_000, schedule: 'poly' } as const;
    expect(ratesOf(thousand, 0, 1, 500, 999)).to.deep.equal([10_000, 9991, 5359, 20]);
  });

  it('is never nothing', () => {
    for (const schedule of schedules) {
      expect(ratesOf({ ...ten, learningRateMicro: 1, schedule }, 9), schedule).to.deep.equal([1]);
    }
  });
});

describe('the hyper-parameters of a round', () => {
  it("are the stage's training, its steps, the rate of the round and the plan's seed", () => {
    const stage = sampleStage({
      ...{ id: 'student', participants: ['L1' as NodeId], rounds: 2, stepsPerRound: 30 },
    });
    // 1000 · 0.5^0.9 = 535.9.
    const hp = hyperparametersOf({ seed: 7 }, stage, 1);
    expect(hp).to.deep.equal({ ...studentTraining, seed: 7, steps: 30, lrMicro: 536 });
    expect(placeRefused(readHyperparameters, hp)).to.equal(null);
  });

  it('are refused when one is missing, unknown or of another kind', () => {
    const hp = { ...studentTraining, seed: 7, steps: 30, lrMicro: 536 };
    for (const path of leavesOf(hp)) {
      for (const to of [undefined, -1, 0.5, 'x', null, [], {}, 2 ** 53]) {
        const reason = placeRefused(readHyperparameters, changed(hp, path, to));
        expect(reason, `${path} = ${JSON.stringify(to)}`).to.include('$');
      }
    }
    for (const path of ['note', 'sampling.note', 'optimiser.note', 'distillation.note']) {
      const reason = placeRefused(readHyperparameters, changed(hp, path, 1));
      expect(reason, path).to.include('no unknown keys');
    }
  });
});

describe('the training of a stage', () => {
  it('is read with either optimiser, with whole volumes, with and without distillation', () => {
    const sgd = { kind: 'sgd', weightDecayMicro: 30, momentumMicro: 990_000 };
    for (const training of [
      teacherTraining,
      studentTraining,
      { ...teacherTraining, optimiser: sgd },
      { ...teacherTraining, patch: 'whole' },
      { ...teacherTraining, patch: [8, 96, 256] },
    ]) {
      expect(placeRefused(readTraining, training), JSON.stringify(training)).to.equal(null);
    }
  });

  const refused: [string, unknown][] = [
    ['optimiser.kind', 'adagrad'],
    ['optimiser', { kind: 'sgd', weightDecayMicro: 0 }],
    ['optimiser', { kind: 'adamw', weightDecayMicro: 0, momentumMicro: 0 }],
    ['optimiser.weightDecayMicro', 1_000_001],
    ['batch', 0],
    ['batch', 65],
    ['patch', [8, 8]],
    ['patch', [8, 8, 7]],
    ['patch', [0, 0, 0]],
    ['patch', [8, 8, 257]],
    ['clipNormMicro', 1e12 + 1],
    ['proxMuMicro', 100_000_001],
    ['resetOptimiser', 1],
    ['sampling.foregroundShareMicro', 1_000_001],
    ['sampling.rotationDegMaxMicro', 45_000_001],
    ['sampling.lowResolutionMinMicro', 99_999],
    // The greatest is 0.
    ['sampling.blurSigmaMinMicro', 1],
    ['distillation.passes', 65],
    ['distillation.targets', 'firm'],
    ['distillation.temperatureMicro', 249_999],
  ];
  for (const [path, to] of refused) {
    it(`is refused with ${path} ${JSON.stringify(to)}`, () => {
      expect(placeRefused(readTraining, changed(studentTraining, path, to))).to.include('$');
    });
  }
});

describe('the rule of a round', () => {
  const rows: [Record<string, unknown>, boolean][] = [
    [{}, true],
    [{ samplesCap: 100 }, true],
    [{ samplesCap: 101 }, false],
    [{ samplesCap: 0 }, false],
    [{ weightMax: 2 ** 31 }, false],
    [{ clampMicro: 64_000_000 }, true],
    [{ clampMicro: 64_000_001 }, false],
    [{ clampMicro: 0 }, false],
    [{ outerRateMicro: 1 }, true],
    [{ outerRateMicro: 10_000_000 }, true],
    [{ outerRateMicro: 0 }, false],
    [{ outerRateMicro: -1 }, false],
    [{ outerRateMicro: 10_000_001 }, false],
    [{ outerRateMicro: 'fast' }, false],
    [{ outerMomentumMicro: 999_999 }, true],
    [{ outerMomentumMicro: 1_000_000 }, false],
    [{ outerMomentumMicro: -1 }, false],
    [{ kind: 'median' }, false],
    [{ note: 1 }, false],
  ];
  for (const [change, isRead] of rows) {
    it(`is ${isRead ? 'read' : 'refused'} with ${JSON.stringify(change)}`, () => {
      const reason = placeRefused(readRule, { ...plainRule, ...change });
      if (isRead) expect(reason).to.equal(null);
      else expect(reason).to.include('$');
    });
  }

  it('is refused when an entry is missing', () => {
    for (const key of Object.keys(plainRule)) {
      expect(placeRefused(readRule, changed(plainRule, key, undefined)), key).to.include(key);
    }
  });
});

describe('the images of a plan', () => {
  it('are read as they are', () => {
    expect(placeRefused(readImages, plainImages)).to.equal(null);
    const heads = { ...plainImages, heart: 'head', spacingMmMicro: [6_000_000, 300_000, 300_000] };
    expect(placeRefused(readImages, heads)).to.equal(null);
  });

  it('lack nothing', () => {
    const fields = ['spacingMmMicro', 'pointRadiusMmMicro', 'heart', 'intensity'];
    for (const path of [...fields, 'intensity.stdHuMicro', 'intensity.meanHuMicro']) {
      const place = placeRefused(readImages, changed(plainImages, path, undefined));
      expect(place, path).to.contain(path.split('.').at(-1));
    }
    expect(placeRefused(readImages, { ...plainImages, more: 1 })).to.contain('unknown');
  });

  it('have no value out of its range', () => {
    const refused: readonly [string, unknown][] = [
      ['spacingMmMicro', [3_000_000, 3_000_000]],
      ['spacingMmMicro', [299_999, 3_000_000, 3_000_000]],
      ['spacingMmMicro', [3_000_000, 3_000_000, 6_000_001]],
      ['spacingMmMicro', [3_000_000, 3_000_000.5, 3_000_000]],
      ['pointRadiusMmMicro', 999_999],
      ['pointRadiusMmMicro', 20_000_001],
      ['heart', 'both'],
      ['intensity.stdHuMicro', 0],
      ['intensity.clipLowHuMicro', -32_768_000_001],
      // As high as the upper end: nothing would be left between.
      ['intensity.clipLowHuMicro', 1_000_000_000],
    ];
    for (const [path, value] of refused) {
      const place = placeRefused(readImages, changed(plainImages, path, value));
      expect(place, `${path} ${String(value)}`).to.be.a('string');
    }
  });
});
