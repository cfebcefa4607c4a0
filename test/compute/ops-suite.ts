/**
 * What every implementation of `Ops` must give: values computed here by plain loops in float64, gradients
 * by central differences of those loops. Odd sizes, one channel, batches, strides and negative values.
 */
import { expect } from 'chai';
import type { Tensor } from '@tensorflow/tfjs';

import { seededRandom } from '../../src/base/index.ts';
import type { Engine, Ops } from '../../src/compute/index.ts';
import { opCases } from './op-cases.ts';

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

    for (const opCase of opCases) {
      it(`gives the values and gradients of ${opCase.title}`, () => {
        checkCase(engine, opCase);
      });
    }
  });
}

function checkCase(engine: Engine, opCase: OpCase): void {
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
  compare(y.dataSync(), wanted, `${opCase.title}: values`);

  // The gradient of Σ weight · y for random weights.
  const weights = Float64Array.from(wanted, () => Math.fround(random.normal()));
  const dy = tf.tensor(Float32Array.from(weights), y.shape);
  const gradients = tf.grads((...args: Tensor[]) => opCase.run(ops, args, engine))(inputs, dy);
  gradients.forEach((gradient, k) => {
    const input = values[k] ?? new Float64Array();
    expect(gradient.shape, 'shape of a gradient').deep.equal(inputs[k]?.shape);
    const data = gradient.dataSync();
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
  });
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
