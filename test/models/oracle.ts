/** Reading answers that other implementations gave, and turning their layout into ours. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Engine, Tensor, Tensor5D } from '../../src/compute/index.ts';
import {
  headLabel,
  parameterList,
  type HeadLabels,
  type ModelSpec,
  type ValueAndGradients,
} from '../../src/models/index.ts';
import { decodeSafetensors } from '../../src/weights/index.ts';
import { projectRoot } from '../project-root.ts';

/** Tensors of one file under the oracles, by name. */
export interface Oracle {
  readonly metadata: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  data(name: string): Float32Array;
  shape(name: string): readonly number[];
}

export function readOracle(file: string): Oracle {
  const path = join(projectRoot, '..', 'shared', 'oracles', `${file}.safetensors`);
  const bytes = readFileSync(path);
  const { tensors, metadata } = decodeSafetensors(new Uint8Array(bytes));
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const find = (name: string): (typeof tensors)[number] => {
    const tensor = byName.get(name);
    if (tensor === undefined) throw new Error(`no ${name} in ${file}`);
    return tensor;
  };
  return {
    metadata,
    names: [...byName.keys()],
    data: (name) => find(name).data as Float32Array,
    shape: (name) => find(name).shape,
  };
}

/** Weights of an oracle as tensors in the order of the model's parameter list, loaded by name. */
export function loadParameters(
  engine: Engine,
  spec: ModelSpec,
  oracle: Oracle,
): Map<string, Tensor> {
  const list = parameterList(spec);
  expect(list.map(({ name }) => name)).to.have.members(oracle.names);
  return new Map(
    list.map(({ name, shape }) => {
      expect(oracle.shape(name), name).to.deep.equal(shape);
      return [name, engine.tf.tensor(oracle.data(name), [...shape])];
    }),
  );
}

/** [b, c, d, h, w] → a tensor [b, d, h, w, c]. */
export function channelsLast(engine: Engine, oracle: Oracle, name: string): Tensor5D {
  const { tf } = engine;
  return tf.tidy(() => {
    const shape = [...oracle.shape(name)] as [number, number, number, number, number];
    return tf.transpose(tf.tensor5d(oracle.data(name), shape), [0, 2, 3, 4, 1]);
  });
}

/** Label maps by head. */
export function readLabels(oracle: Oracle, nameOf: Readonly<Record<string, string>>): HeadLabels {
  return Object.fromEntries(
    Object.entries(nameOf).map(([head, name]) => {
      const shape = [...oracle.shape(name)] as [number, number, number, number];
      return [head, headLabel(Int32Array.from(oracle.data(name)), shape)];
    }),
  );
}

export function maxAbsDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).to.equal(b.length);
  let max = 0;
  // A NaN anywhere must not hide.
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= max)) max = difference;
  }
  return max;
}

export function relativeDifference(value: number, expected: number): number {
  return Math.abs(value - expected) / Math.abs(expected);
}

/**
 * A loss and each gradient's norm against the oracle's, the norms to `errorMax` of themselves. The oracles are in single
 * precision; where their own rounding is more than that, `exact` has the same network's norms in double precision, and a
 * gradient near either is right.
 */
export async function checkGradients(
  { value, gradients }: ValueAndGradients,
  io: Oracle,
  errorMax = 1e-3,
  exact: Readonly<Record<string, number>> = {},
): Promise<void> {
  expect(relativeDifference(await value, io.data('loss')[0]!), 'loss').to.be.at.most(1e-5);
  const expected = io.names.filter((name) => name.startsWith('gradnorm.'));
  expect([...gradients.keys()].map((name) => `gradnorm.${name}`)).to.have.members(expected);
  const largest = Math.max(...expected.map((name) => io.data(name)[0]!));
  for (const [name, gradient] of gradients) {
    const values = await gradient.data<'float32'>();
    const norm = Math.sqrt(values.reduce((sum, entry) => sum + entry * entry, 0));
    const want = io.data(`gradnorm.${name}`)[0]!;
    // A bias before an instance norm has no gradient but rounding.
    const wanted = [want, ...(exact[name] === undefined ? [] : [exact[name]])];
    const nearest = Math.min(...wanted.map((one) => relativeDifference(norm, one)));
    const difference = want < 1e-5 * largest ? norm / largest : nearest;
    expect(difference, `${name}: ${norm} for ${want}`).to.be.at.most(errorMax);
  }
}
