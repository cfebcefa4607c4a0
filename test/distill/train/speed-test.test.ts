import { expect } from 'chai';
import { openEngine, type Engine } from '../../../src/compute/index.ts';
import { adamWDefaults, testSpeed, type SpeedTest } from '../../../src/distill/index.ts';
import { readModelSpec } from '../../../src/models/index.ts';

const spec = readModelSpec({
  ...{ kind: 'unet', inChannels: 1, features: [2, 4], strides: [1, 2], convsPerStage: 1 },
  ...{ heads: { hps: 3 }, deepSupervision: true, dropoutMilli: 0 },
});

describe('the speed test', () => {
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'wasm' });
  });
  after(() => {
    engine.close();
  });

  /** A clock that goes on by a millisecond each time somebody looks. */
  function test(budgetMs: number): SpeedTest {
    let time = 0;
    const nowMs = (): number => (time += 1);
    const optimiser = { ...adamWDefaults, lr: 0.01, weightDecay: 0 };
    return { spec, patch: [8, 8, 8], batch: 2, optimiser, budgetMs, nowMs };
  }

  it('divides operations by time', async () => {
    const { convGflops, stepMs, loss } = await testSpeed(engine, test(0));
    // 3 passes · 2 · 27 taps · 16 · 16 channels · 32³ voxels in 1 ms
    expect(convGflops).closeTo(1358.95, 0.01);
    expect(stepMs).equal(1);
    expect(loss).within(-2, 10);
  });

  it('finds the same loss again, and leaves nothing behind', async () => {
    const before = engine.memory().tensorCount;
    const { loss } = await testSpeed(engine, test(40));
    expect((await testSpeed(engine, test(0))).loss).equal(loss);
    expect(engine.memory().tensorCount).equal(before);
  });
});
