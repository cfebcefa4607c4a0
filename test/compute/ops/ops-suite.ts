/**
 * What every implementation of `Ops` must give: values computed here by plain loops in float64, gradients
 * by central differences of those loops. Odd sizes, one channel, batches, strides and negative values.
 */
import { expect } from 'chai';
import type { Scalar, Tensor, Tensor4D, Tensor5D, Variable } from '@tensorflow/tfjs';

import { seededRandom } from '../../../src/base/index.ts';
import { differentiate, type Engine, type Ops } from '../../../src/compute/index.ts';
import { opCases } from './op-cases.ts';
import { transformerCases } from './transformer-cases.ts';

/** One operation on given inputs, with the loops that say what it should be. */
export interface OpCase {
  readonly title: string;
  /** Shapes of the differentiable inputs. */
  readonly shapes: readonly (readonly number[])[];
  run(ops: Ops, inputs: Tensor[], engine: Engine): Tensor;
  expected(inputs: Float64Array[]): Float64Array;
}

const relativeErrorMax = 1e-4;
// Central differences in float64: truncation about h², rounding about 1e-16 / h.
const stepSize = 1e-5;
const gradientSamples = 24;

/** Declares the suite; `open` is called once and the engine closed at the end. */
export function opsSuite(name: string, open: () => Promise<Engine>): void {
  describe(`operations on ${name}`, () => {
    let engine: Engine;
    before(async () => {
      engine = await open();
    });
    after(() => {
      engine.close();
    });

    for (const opCase of [...opCases, ...transformerCases]) {
      it(`gives the values and gradients of ${opCase.title}`, async () => {
        await checkCase(engine, opCase);
      });
    }

    it('takes AdamW steps as the formula says, and leaves what shared the values alone', async () => {
      await checkAdamW(engine);
    });

    it('takes steps of gradient descent with Nesterov momentum as PyTorch does', async () => {
      await checkSgd(engine);
    });

    it('drops whole channels of a sample out, fixed by the seed, and scales the rest', async () => {
      await checkDropout(engine);
    });

    it('gives the same bytes twice and holds no more after 50 steps than after 10', async () => {
      await checkTraining(engine);
    });
  });
}

/** Two steps on five values against float64; m and v start from one shared tensor of zeros. */
async function checkAdamW(engine: Engine): Promise<void> {
  const { tf, ops } = engine;
  const before = engine.memory().tensorCount;
  const start = [1, -2, 0.5, 3, -0.25];
  const gradients = [
    [0.1, -0.2, 3, 0, 1e-3],
    [-0.3, -0.2, 1, 0.5, 2e-3],
  ];
  const settings = { lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 };
  const origin = tf.tensor1d(start);
  const zeros = tf.zeros([5]);
  const p: Variable = tf.variable(origin);
  const m: Variable = tf.variable(zeros);
  const v: Variable = tf.variable(zeros);
  const [wanted, mean, square] = [[...start], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]];
  gradients.forEach((gradient, index) => {
    const step = index + 1;
    const g = tf.tensor1d(gradient);
    ops.adamW([p], [g], [m], [v], { ...settings, step });
    g.dispose();
    gradient.forEach((value, i) => {
      mean[i] = 0.9 * mean[i]! + 0.1 * value;
      square[i] = 0.99 * square[i]! + 0.01 * value ** 2;
      const deviation = Math.sqrt(square[i] / (1 - 0.99 ** step)) + 1e-8;
      const move = (0.01 * mean[i]) / (1 - 0.9 ** step) / deviation;
      wanted[i] = wanted[i]! * (1 - 0.01 * 0.1) - move;
    });
  });
  compare(await p.data(), wanted, 'parameters');
  compare(await m.data(), mean, 'first moment');
  compare(await v.data(), square, 'second moment');
  expect([...(await zeros.data())], 'the shared zeros').deep.equal([0, 0, 0, 0, 0]);
  expect([...(await origin.data())], 'the tensor it began as').deep.equal(start);
  tf.dispose([p, m, v, origin, zeros]);
  expect(engine.memory().tensorCount, 'tensors left over').equal(before);
}

/**
 * Three steps on five values. The first has no decay to look at: p = 1 and gradients of 1 at lr 0.1, momentum 0.5 give
 * v = 1, 1.5, 1.75 and p = 1 - 0.1·1.5, then - 0.1·1.75, then - 0.1·1.875 = 0.4875. The others are of float64.
 */
async function checkSgd(engine: Engine): Promise<void> {
  const { tf, ops } = engine;
  const before = engine.memory().tensorCount;
  for (const weightDecay of [0, 0.1]) {
    const origin = tf.tensor1d([1, -2, 0.5, 3, -0.25]);
    const zeros = tf.zeros([5]);
    const p: Variable = tf.variable(origin);
    const v: Variable = tf.variable(zeros);
    const [wanted, velocity] = [
      [1, -2, 0.5, 3, -0.25],
      [0, 0, 0, 0, 0],
    ];
    for (const gradient of [
      [1, -0.2, 3, 0, 1e-3],
      [1, -0.2, 1, 0.5, 2e-3],
      [1, 0.4, -1, 0.5, 3e-3],
    ]) {
      const g = tf.tensor1d(gradient);
      ops.sgd([p], [g], [v], { lr: 0.1, momentum: 0.5, weightDecay });
      g.dispose();
      gradient.forEach((value, i) => {
        const down = value + weightDecay * wanted[i]!;
        velocity[i] = 0.5 * velocity[i]! + down;
        wanted[i] = wanted[i]! - 0.1 * (down + 0.5 * velocity[i]);
      });
    }
    if (weightDecay === 0) expect(wanted[0]).closeTo(0.4875, 1e-12);
    compare(await p.data(), wanted, `parameters at decay ${weightDecay}`);
    compare(await v.data(), velocity, `velocity at decay ${weightDecay}`);
    expect([...(await zeros.data())], 'the shared zeros').deep.equal([0, 0, 0, 0, 0]);
    expect([...(await origin.data())], 'the tensor it began as').deep.equal([1, -2, 0.5, 3, -0.25]);
    tf.dispose([p, v, origin, zeros]);
  }
  expect(engine.memory().tensorCount, 'tensors left over').equal(before);
}

/** Two samples of 64 channels at a rate of 1/4: values, and the gradient of their sum, which is the mask itself. */
async function checkDropout(engine: Engine): Promise<void> {
  const { tf, ops } = engine;
  const before = engine.memory().tensorCount;
  const shape: Tensor5D['shape'] = [2, 2, 3, 2, 64];
  const x: Tensor5D = tf.randomUniform(shape, 1, 2, 'float32', 5);
  const run = (seed: number): Tensor5D => ops.dropout(x, 0.25, seed);
  const [first, again, other] = [run(7), run(7), run(8)];
  const gradient = tf.grad((input: Tensor) => tf.sum(ops.dropout(input as Tensor5D, 0.25, 7)))(x);
  const [values, input, slopes] = [await first.data(), await x.data(), await gradient.data()];
  const dropped = new Set<string>();
  values.forEach((value, i) => {
    const place = `${Math.floor(i / (12 * 64))}/${i % 64}`;
    const isDropped = value === 0;
    // The first voxel of a sample's channel decides for the eleven others.
    if (Math.floor(i / 64) % 12 === 0) {
      if (isDropped) dropped.add(place);
    }
    expect(isDropped, `value ${i}`).equal(dropped.has(place));
    expect(value, `value ${i}`).closeTo(isDropped ? 0 : input[i]! / 0.75, 1e-5);
    expect(slopes[i], `gradient ${i}`).closeTo(isDropped ? 0 : 1 / 0.75, 1e-5);
  });
  // Of 128 channels 32, with a deviation of √(128 · 0.25 · 0.75) = 4.9.
  expect(dropped.size).within(32 - 20, 32 + 20);
  const ofSample = (sample: number): string =>
    [...dropped]
      .filter((place) => place.startsWith(`${sample}/`))
      .join()
      .replaceAll(`${sample}/`, '');
  expect(ofSample(0), 'masks of two samples').not.equal(ofSample(1));
  expect([...(await again.data())], 'the same seed').deep.equal([...values]);
  expect([...(await other.data())], 'another seed').not.deep.equal([...values]);
  tf.dispose([x, first, again, other, gradient]);
  expect(engine.memory().tensorCount, 'tensors left over').equal(before);
}

/** A net of two levels, trained twice from the same start. */
async function checkTraining(engine: Engine): Promise<void> {
  const first = await trainSmallNet(engine);
  const second = await trainSmallNet(engine);
  expect(first.loss).below(first.lossAtStart - 0.1);
  expect(Buffer.from(first.weights.buffer).equals(Buffer.from(second.weights.buffer)), 'same bytes')
    .true;
}

async function trainSmallNet(engine: Engine): Promise<{
  lossAtStart: number;
  loss: number;
  weights: Float32Array;
}> {
  const { tf, ops } = engine;
  const random = seededRandom('small net');
  const draw = (shape: number[], deviation: number): Tensor =>
    tf.tensor(
      Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * deviation),
      shape,
    );
  const shapes = [
    [4, 1, 3, 3, 3],
    [6, 4, 3, 3, 3],
    [6, 4, 2, 2, 2],
    [3, 8, 1, 1, 1],
  ];
  const params = shapes.map((shape) => tf.variable(draw(shape, 0.3)));
  const m: Variable[] = params.map((p) => tf.variable(tf.zerosLike(p)));
  const v: Variable[] = params.map((p) => tf.variable(tf.zerosLike(p)));
  const x = draw([1, 6, 6, 6, 1], 1) as Tensor5D;
  const labels = tf.tidy(() => tf.cast(tf.squeeze<Tensor4D>(tf.greater(x, 0.5), [4]), 'int32'));
  const net = (): Scalar => {
    const [w0, w1, w2, w3] = params as unknown as Tensor5D[];
    const top = ops.instanceNorm(ops.conv3d(x, w0!, null, { stride: 1 }), null, null, {
      slope: 0.01,
    });
    const low = ops.leakyRelu(ops.conv3d(top, w1!, null, { stride: 2 }), 0.01);
    const joined = ops.concat(ops.convTranspose3d(low, w2!, null), top);
    return ops.crossEntropyDice(ops.conv3d(joined, w3!, null, { stride: 1 }), labels).loss;
  };
  const losses: number[] = [];
  const held: { tensorCount: number; heapBytes: number }[] = [];
  for (let step = 1; step <= 50; step++) {
    const { value, gradients } = differentiate(engine, net, params);
    const ordered = gradients as Tensor[];
    const settings = { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, step };
    ops.adamW(params, ordered, m, v, settings);
    losses.push((await value.data())[0]!);
    tf.dispose([value, ordered]);
    held.push(engine.memory());
  }
  expect(held[49], 'memory after 50 steps').deep.equal(held[9]);
  const values = await Promise.all(params.map((p) => p.data()));
  const weights = Float32Array.from(values.flatMap((data) => [...data]));
  tf.dispose([params, m, v, x, labels]);
  return { lossAtStart: losses[0]!, loss: losses[49]!, weights };
}

async function checkCase(engine: Engine, opCase: OpCase): Promise<void> {
  const { tf, ops } = engine;
  const random = seededRandom(opCase.title);
  const values = opCase.shapes.map((shape) =>
    Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random.normal())),
  );
  const before = engine.memory().tensorCount;
  const inputs = values.map((data, i) =>
    tf.tensor(Float32Array.from(data), [...(opCase.shapes[i] ?? [])]),
  );
  const y = opCase.run(ops, inputs, engine);
  const wanted = opCase.expected(values);
  compare(await y.data(), wanted, `${opCase.title}: values`);

  // The gradient of Σ weight · y for random weights.
  const weights = Float64Array.from(wanted, () => Math.fround(random.normal()));
  const dy = tf.tensor(Float32Array.from(weights), y.shape);
  const gradients = tf.grads((...args: Tensor[]) => opCase.run(ops, args, engine))(inputs, dy);
  for (const [k, gradient] of gradients.entries()) {
    const input = values[k] ?? new Float64Array();
    expect(gradient.shape, 'shape of a gradient').deep.equal(inputs[k]?.shape);
    const data = await gradient.data();
    const stride = Math.max(1, Math.floor(input.length / gradientSamples));
    const picked = [...input.keys()].filter((i) => i % stride === 0);
    const numeric = picked.map((i) => {
      const original = input[i] ?? 0;
      const at = (value: number): number => {
        input[i] = value;
        const out = opCase.expected(values);
        return out.reduce((sum, v, j) => sum + v * (weights[j] ?? 0), 0);
      };
      const slope = (at(original + stepSize) - at(original - stepSize)) / (2 * stepSize);
      input[i] = original;
      return slope;
    });
    const got = picked.map((i) => data[i] ?? NaN);
    compare(got, numeric, `${opCase.title}: gradient of input ${k}`);
  }
  tf.dispose([...inputs, y, dy, ...gradients]);
  expect(engine.memory().tensorCount, 'tensors left over').equal(before);
}

function compare(got: ArrayLike<number>, wanted: ArrayLike<number>, what: string): void {
  expect(got.length, `${what}: length`).equal(wanted.length);
  const largest = Array.from(wanted).reduce((max, value) => Math.max(max, Math.abs(value)), 1e-2);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs((got[i] ?? NaN) - (wanted[i] ?? 0)) / largest;
    if (!(error <= relativeErrorMax)) {
      expect.fail(`${what}: element ${i} is ${got[i] ?? NaN}, expected ${wanted[i] ?? 0}`);
    }
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
