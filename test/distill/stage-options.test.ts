import { expect } from 'chai';

import {
  optimiserOf,
  readStageOptions,
  samplingDefaults,
  stageOptions,
  type StageTraining,
} from '../../src/distill/index.ts';

const training: StageTraining = {
  patch: [32, 48, 64],
  batch: 3,
  weightDecay: 0.012345,
  sampling: { ...samplingDefaults, rotationDegMax: 12.5, noiseStdDevMax: 0.07 },
};

describe('stage options', () => {
  it('come back as they went', () => {
    expect(readStageOptions(stageOptions(training))).deep.equal(training);
  });

  it('are whole numbers with names that the plan takes', () => {
    const options = stageOptions(training);
    for (const [name, value] of Object.entries(options)) {
      expect(name).match(/^[a-zA-Z][a-zA-Z0-9]{0,31}$/);
      expect(Number.isSafeInteger(value), name).equal(true);
    }
    expect(options).include({ patchW: 64, weightDecayMicro: 12345, rotationDegMaxMicro: 12500000 });
  });

  it('read what is missing as 0', () => {
    const { patch, batch, sampling } = readStageOptions({});
    const shares: number[] = Object.values(sampling as unknown as Record<string, number>);
    expect([...patch, batch, ...shares]).deep.equal(Array<number>(10).fill(0));
  });

  it("give AdamW the round's learning rate and the usual moments", () => {
    const hp = { ...stageOptions(training), lrMicro: 1500 };
    expect(optimiserOf(hp)).deep.equal({
      lr: 0.0015,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 0.012345,
    });
  });
});
