import { expect } from 'chai';

import { InvariantError } from '../../../src/base/index.ts';
import { openEngine, type Engine, type Variable } from '../../../src/compute/index.ts';
import { adamWDefaults, Optimiser, type OptimiserSettings } from '../../../src/distill/index.ts';

const adamW: OptimiserSettings = { ...adamWDefaults, lr: 0.1, weightDecay: 0 };
const sgd: OptimiserSettings = {
  ...{ kind: 'sgd', lr: 0.1, momentum: 0.5, weightDecay: 0, clipNorm: 0, proxMu: 0 },
};

describe('Optimiser', () => {
  let engine: Engine;
  let tensorsBefore: number;
  const parameters = new Map<string, Variable>();
  let optimiser: Optimiser;

  before(async () => {
    engine = await openEngine({ backend: 'wasm' });
  });
  beforeEach(() => {
    tensorsBefore = engine.tf.memory().numTensors;
    optimiser = new Optimiser(engine, null);
  });
  afterEach(() => {
    optimiser.dispose();
    engine.tf.dispose([...parameters.values()]);
    parameters.clear();
    expect(engine.tf.memory().numTensors, 'tensors left over').equal(tensorsBefore);
  });
  after(() => {
    engine.close();
  });

  function parameter(name: string, ...values: number[]): void {
    parameters.set(
      name,
      engine.tf.tidy(() => engine.tf.variable(engine.tf.tensor1d(values))),
    );
  }

  /** A step on the named parameters with these gradients. */
  function step(gradients: Record<string, number[]>, settings: OptimiserSettings): void {
    const { tf } = engine;
    tf.tidy(() => {
      const all = Object.entries(gradients).map(([name, values]) => ({
        name,
        variable: parameters.get(name)!,
        gradient: tf.tensor1d(values),
      }));
      optimiser.step(all, settings);
    });
  }

  async function valuesOf(name: string): Promise<number[]> {
    return [...(await parameters.get(name)!.data())];
  }

  function expectClose(actual: readonly number[], wanted: readonly number[]): void {
    expect(actual.length).equal(wanted.length);
    actual.forEach((value, i) => {
      expect(value, `value ${i}`).closeTo(wanted[i]!, 1e-6);
    });
  }

  it('counts AdamW steps for each parameter: the first step of a head is a first step', async () => {
    parameter('backbone', 1);
    parameter('head', 1);
    for (let i = 0; i < 9; i++) step({ backbone: [1] }, adamW);
    // m = 0.1·2, v = 0.001·4, each divided by its bias correction of step 1: 2 / √4, so a move of lr. With the
    // backbone's count of 10 it would be 0.2/0.651 · √(0.00996/0.004) = 0.485 of lr.
    step({ backbone: [1], head: [2] }, adamW);
    expectClose(await valuesOf('head'), [0.9]);
    const memory = await optimiser.state();
    expect(memory.map(({ name, steps }) => [name, steps])).deep.equal([
      ['backbone', 10],
      ['head', 1],
    ]);
  });

  it('descends with Nesterov momentum, and goes on from what it remembered', async () => {
    // v = 1, 1.5, 1.75; p = 1 - 0.1·(1 + 0.5·1), then - 0.1·(1 + 0.5·1.5), then - 0.1·(1 + 0.5·1.75).
    parameter('w', 1);
    step({ w: [1] }, sgd);
    expectClose(await valuesOf('w'), [0.85]);
    step({ w: [1] }, sgd);
    expectClose(await valuesOf('w'), [0.675]);
    const memory = structuredClone(await optimiser.state());
    expect(memory.map(({ buffers }) => buffers.map((data) => [...data]))).deep.equal([[[1.5]]]);
    optimiser.dispose();
    optimiser = new Optimiser(engine, memory);
    step({ w: [1] }, sgd);
    expectClose(await valuesOf('w'), [0.4875]);
  });

  it('shrinks gradients together to the norm they may have, and leaves smaller ones alone', async () => {
    // ‖(3, 0, 4)‖ = 5; at most 1 leaves (0.6, 0, 0.8). Momentum 0: p = -lr · g.
    const plain: OptimiserSettings = { ...sgd, momentum: 0, lr: 1, clipNorm: 1 };
    parameter('a', 0, 0);
    parameter('b', 0);
    step({ a: [3, 0], b: [4] }, plain);
    expectClose([...(await valuesOf('a')), ...(await valuesOf('b'))], [-0.6, 0, -0.8]);
    step({ a: [0.3, 0], b: [0.4] }, plain);
    expectClose([...(await valuesOf('a')), ...(await valuesOf('b'))], [-0.9, 0, -1.2]);
    step({ a: [30, 0], b: [40] }, { ...plain, clipNorm: 0 });
    expectClose([...(await valuesOf('a')), ...(await valuesOf('b'))], [-30.9, 0, -41.2]);
  });

  it('measures the norm of many values', async () => {
    // A million gradients of 0.01: a norm of 10, so each becomes 0.001 at a norm of 1.
    const { tf } = engine;
    const variable: Variable = tf.tidy(() => tf.variable(tf.zeros([1000, 10, 100])));
    parameters.set('w', variable);
    tf.tidy(() => {
      const gradient = tf.fill([1000, 10, 100], 0.01);
      optimiser.step([{ name: 'w', variable, gradient }], {
        ...sgd,
        momentum: 0,
        lr: 1,
        clipNorm: 1,
      });
    });
    expect((await valuesOf('w'))[999_999]).closeTo(-0.001, 1e-7);
  });

  it('pulls back to where the round began by μ times the distance: FedProx', async () => {
    // lr 0.5, μ 0.2, gradients 1, 1, 0 from 2. p = 1.5; then g = 1 + 0.2·(1.5 - 2) = 0.9, p = 1.05;
    // then g = 0 + 0.2·(1.05 - 2) = -0.19, p = 1.145.
    const prox: OptimiserSettings = { ...sgd, momentum: 0, lr: 0.5, proxMu: 0.2 };
    parameter('w', 2);
    for (const [gradient, wanted] of [
      [1, 1.5],
      [1, 1.05],
      [0, 1.145],
    ] as const) {
      step({ w: [gradient] }, prox);
      expectClose(await valuesOf('w'), [wanted]);
    }
  });

  it('takes the start of a head from its own first step, which finds it untouched', async () => {
    const prox: OptimiserSettings = { ...sgd, momentum: 0, lr: 0.5, proxMu: 0.2 };
    parameter('backbone', 0);
    parameter('head', 2);
    step({ backbone: [1] }, prox);
    step({ backbone: [1], head: [1] }, prox);
    step({ backbone: [1], head: [1] }, prox);
    expectClose(await valuesOf('head'), [1.05]);
  });

  it('refuses the memory of another optimiser or of another model', () => {
    parameter('w', 1);
    step({ w: [1] }, sgd);
    expect(() => {
      step({ w: [1] }, adamW);
    }).throws(InvariantError);
    optimiser.dispose();
    const buffers = [new Float32Array(2)];
    optimiser = new Optimiser(engine, [{ name: 'w', steps: 1, buffers }]);
    expect(() => {
      step({ w: [1] }, sgd);
    }).throws(InvariantError);
  });
});
