import { expect } from 'chai';

import {
  DistillError,
  optimiserOf,
  readStageOptions,
  samplingDefaults,
  stageOptions,
  type StageTraining,
} from '../../src/distill/index.ts';

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

describe('stage options', () => {
  it('come back as they went', () => {
    expect(readStageOptions(stageOptions(training))).deep.equal(training);
  });

  it('are whole numbers and short texts with names that the plan takes', () => {
    const options = stageOptions(training);
    const { optimiser, ...numbers } = options;
    expect(optimiser).equal('sgd');
    for (const [name, value] of Object.entries(numbers)) {
      expect(name).match(/^[a-zA-Z][a-zA-Z0-9]{0,31}$/);
      expect(Number.isSafeInteger(value), name).equal(true);
    }
    expect(options).include({ patchW: 64, weightDecayMicro: 12345, rotationDegMaxMicro: 12500000 });
  });

  it('carry whole volumes as patches of no voxels', () => {
    const whole: StageTraining = { ...training, patch: 'whole' };
    expect(stageOptions(whole)).include({ patchD: 0, patchH: 0, patchW: 0 });
    expect(readStageOptions(stageOptions(whole))).deep.equal(whole);
  });

  it('read what is missing as 0, and so a patch as whole', () => {
    const { patch, batch, sampling } = readStageOptions({});
    expect({ patch, batch }).deep.equal({ patch: 'whole', batch: 0 });
    const zeros = Object.fromEntries(Object.keys(samplingDefaults).map((key) => [key, 0]));
    expect(sampling).deep.equal(zeros);
  });

  it("give AdamW the round's learning rate and the usual moments", () => {
    const hp = { ...stageOptions({ ...training, optimiser: 'adamw' }), lrMicro: 1500 };
    expect(optimiserOf(hp)).deep.equal({
      ...{ kind: 'adamw', lr: 0.0015, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
      ...{ weightDecay: 0.012345, clipNorm: 12, proxMu: 0.01 },
    });
  });

  it('give gradient descent its momentum', () => {
    // nnU-Net's: Nesterov momentum 0.99, weight decay 3e-5, a rate of 1e-2, gradients of at most 12.
    const hp = { ...stageOptions({ ...training, weightDecay: 3e-5 }), lrMicro: 10_000 };
    expect(optimiserOf(hp)).deep.equal({
      ...{ kind: 'sgd', lr: 0.01, momentum: 0.99, weightDecay: 3e-5, clipNorm: 12, proxMu: 0.01 },
    });
  });

  it('are refused with an optimiser that nobody knows, and mean AdamW without one', () => {
    expect(() => readStageOptions({ optimiser: 'adagrad' }))
      .throws(DistillError)
      .with.property('code', 'bad_options');
    expect(readStageOptions({}).optimiser).equal('adamw');
  });
});
