import { expect } from 'chai';

import { distillationDefaults, samplingDefaults } from '../../src/distill/index.ts';
import {
  distillationOf,
  optimiserOf,
  planTraining,
  samplingOf,
  type StageTraining,
} from '../../src/hospital/index.ts';
import { readTraining, type Hyperparameters } from '../../src/wire/index.ts';

const training: StageTraining = {
  patch: [32, 48, 64],
  batch: 3,
  optimiser: 'sgd',
  weightDecay: 0.012345,
  momentum: 0.99,
  clipNorm: 12,
  proxMu: 0.01,
  resetOptimiser: true,
  sampling: { ...samplingDefaults, rotationDegMax: 12.5, noiseStdDevMax: 0.07 },
};
const distillation = {
  ...{ passes: 8, rotationDegMax: 7.5, scaleShareMax: 0.04, targets: 'soft' },
  ...{ temperature: 1.5, confidenceMin: 0.7, weightByUncertainty: true },
};
const roundOf = (of: StageTraining, lrMicro: number): Hyperparameters => ({
  ...planTraining(of),
  ...{ seed: 7, steps: 5, lrMicro },
});

describe('the training of a stage', () => {
  it('stands in the plan in whole millionths that the plan takes', () => {
    const agreed = planTraining({ ...training, distillation });
    expect(readTraining(agreed)).deep.equal(agreed);
    expect(agreed).deep.include({
      ...{ patch: [32, 48, 64], batch: 3, resetOptimiser: true },
      ...{ clipNormMicro: 12_000_000, proxMuMicro: 10_000 },
      optimiser: { kind: 'sgd', weightDecayMicro: 12_345, momentumMicro: 990_000 },
    });
    expect(agreed.sampling).include({
      rotationDegMaxMicro: 12_500_000,
      noiseStdDevMaxMicro: 70_000,
      foregroundShareMicro: 700_000,
    });
  });

  it('comes back as it went', () => {
    expect(samplingOf(planTraining(training))).deep.equal(training.sampling);
    expect(distillationOf(planTraining({ ...training, distillation }))).deep.equal(distillation);
    const whole = planTraining({ ...training, patch: 'whole', distillation: distillationDefaults });
    expect(whole.patch).equal('whole');
    expect(distillationOf(whole)).deep.equal(distillationDefaults);
    expect(distillationOf(planTraining(training)), 'of a teacher').deep.equal(distillationDefaults);
  });

  it("gives AdamW the round's learning rate and the usual moments", () => {
    const hp = roundOf({ ...training, optimiser: 'adamw' }, 1500);
    expect(optimiserOf(hp)).deep.equal({
      ...{ kind: 'adamw', lr: 0.0015, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
      ...{ weightDecay: 0.012345, clipNorm: 12, proxMu: 0.01 },
    });
  });

  it('gives gradient descent its momentum', () => {
    // nnU-Net's: Nesterov momentum 0.99, weight decay 3e-5, a rate of 1e-2, gradients of at most 12.
    const hp = roundOf({ ...training, weightDecay: 3e-5 }, 10_000);
    expect(optimiserOf(hp)).deep.equal({
      ...{ kind: 'sgd', lr: 0.01, momentum: 0.99, weightDecay: 3e-5, clipNorm: 12, proxMu: 0.01 },
    });
  });
});
