/** The trainable parameters of a model: names and layouts as PyTorch's, in one documented order. */
import { createHash } from 'node:crypto';

import type { Digest, Random } from '../base/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import { ModelsError } from './errors.ts';
import type { ParameterInfo, ParameterInit } from './parameter.ts';
import type { ModelSpec } from './spec.ts';
import { swinParameters } from './swin-parameters.ts';
import { unetParameters } from './unet-parameters.ts';
import { unetrParameters } from './unetr-parameters.ts';

/** All parameters in order of the network's forward pass, heads last and by name. */
export function parameterList(spec: ModelSpec): readonly ParameterInfo[] {
  switch (spec.kind) {
    case 'unet':
      return unetParameters(spec);
    case 'swin-unetr':
      return swinParameters(spec);
    case 'unetr':
      return unetrParameters(spec);
  }
}

/** Fresh weights of a model. */
export function initialWeights(spec: ModelSpec, random: Random): ModelWeights {
  return freshParameters(parameterList(spec), random);
}

/** Fresh values. Each parameter draws from its own stream, so that adding one changes no other. */
export function freshParameters(
  parameters: readonly ParameterInfo[],
  random: Random,
): ModelWeights {
  return parameters.map(({ name, shape, init }) => {
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    fill(data, shape, init, random.fork(name));
    return { name, shape, data };
  });
}

/** SHA-256 over the specification's sorted JSON: models with equal digests can be averaged. */
export function architectureDigest(spec: ModelSpec): Digest {
  const text = `annulus/architecture/v0\n${sortedJson(spec)}`;
  return createHash('sha256').update(text).digest('hex') as Digest;
}

/**
 * Refuses weights that are not this model's: each parameter present once, in order, of its shape.
 * @throws {ModelsError} 'wrong_weights' naming the first parameter that differs.
 */
export function checkWeights(spec: ModelSpec, weights: ModelWeights): void {
  const parameters = parameterList(spec);
  parameters.forEach(({ name, shape }, i) => {
    const found = weights[i];
    if (found?.name !== name || found.shape.join() !== shape.join()) {
      const expected = `[${shape.join(', ')}] at place ${i}`;
      throw new ModelsError({ code: 'wrong_weights', name, expected });
    }
  });
  const extra = weights[parameters.length];
  if (extra !== undefined) {
    throw new ModelsError({ code: 'wrong_weights', name: extra.name, expected: 'absent' });
  }
}

function fill(
  data: Float32Array,
  shape: readonly number[],
  init: ParameterInit,
  random: Random,
): void {
  switch (init) {
    case 'zeros':
      return;
    case 'ones':
      data.fill(1);
      return;
    case 'background':
      data[0] = 5;
      return;
    case 'trunc-normal':
      for (let i = 0; i < data.length; i++) data[i] = 0.02 * truncatedNormal(random);
      return;
    case 'he': {
      // PyTorch's fan-in: second axis times kernel, for transposed convolutions too.
      const fanIn = shape.slice(1).reduce((product, n) => product * n, 1);
      const stdDev = Math.sqrt(2 / ((1 + 0.01 ** 2) * fanIn));
      for (let i = 0; i < data.length; i++) data[i] = stdDev * random.normal();
      return;
    }
  }
}

function truncatedNormal(random: Random): number {
  for (;;) {
    const value = random.normal();
    if (Math.abs(value) <= 2) return value;
  }
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
