/** Which weights a stage takes over from a model that it begins from. */
import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import {
  initialWeights,
  ModelsError,
  startingWeights,
  type ModelSpec,
  type SwinUnetrSpec,
  type UNetSpec,
  type UnetrSpec,
} from '../../src/models/index.ts';
import type { ModelWeights } from '../../src/weights/index.ts';

const unet: UNetSpec = {
  kind: 'unet',
  inChannels: 1,
  features: [2, 3],
  strides: [1, 2],
  convsPerStage: 1,
  heads: { calc: 2, hps: 6 },
  deepSupervision: true,
  dropoutMilli: 0,
};
const swin: SwinUnetrSpec = {
  kind: 'swin-unetr',
  inChannels: 1,
  featureSize: 2,
  depths: [1, 1],
  numHeads: [1, 1],
  window: 2,
  heads: { calc: 2, hps: 6 },
};
const unetr: UnetrSpec = {
  kind: 'unetr',
  inChannels: 1,
  imageSize: [16, 16, 32],
  featureSize: 2,
  hiddenSize: 2,
  mlpDim: 2,
  numHeads: 1,
  numLayers: 4,
  heads: { calc: 2, hps: 6 },
};

const filled = (spec: ModelSpec, value: number): ModelWeights =>
  initialWeights(spec, seededRandom(1)).map((tensor) => ({
    ...tensor,
    data: tensor.data.map(() => value),
  }));
/** Names of parameters that are 1, what the start holds, and not 0. */
const taken = (spec: ModelSpec, start: ModelSpec): string[] => {
  const weights = startingWeights(spec, filled(spec, 0), {
    spec: start,
    weights: filled(start, 1),
  });
  expect(weights.map(({ name }) => name)).deep.equal(filled(spec, 0).map(({ name }) => name));
  return weights.filter(({ data }) => data.every((value) => value === 1)).map(({ name }) => name);
};

describe('weights to start from', () => {
  it('are all of a model of the same tasks', () => {
    for (const spec of [unet, swin, unetr]) {
      expect(taken(spec, spec)).length(filled(spec, 0).length);
    }
  });

  it('have the heads of the tasks that both know, and no other', () => {
    const heads = { calc: 2, ms: 3 };
    for (const spec of [unet, swin, unetr]) {
      const left = filled({ ...spec, heads }, 0)
        .map(({ name }) => name)
        .filter((name) => !taken({ ...spec, heads }, spec).includes(name));
      expect(left.length).equal(2);
      expect(left.every((name) => name.includes('.ms.'))).equal(true);
    }
  });

  it('find the head of a U-Net of one task, which has another name, and only that task', () => {
    const one = { ...unet, heads: { hps: 6 } };
    expect(taken(one, unet)).include('decoder.seg_layers.0.weight');
    expect(taken(unet, one)).include('decoder.heads.hps.seg_layers.0.weight');
    const other = { ...unet, heads: { ms: 3 } };
    expect(taken(one, other)).not.include('decoder.seg_layers.0.weight');
    expect(taken({ ...unet, heads: { hps: 7 } }, one)).not.include('decoder.seg_layers.0.weight');
  });

  it('do not mind how a stride is written, nor what acts in training alone', () => {
    expect(taken({ ...unet, strides: [1, [2, 2, 2]] }, unet).length).equal(filled(unet, 0).length);
    expect(taken({ ...unet, dropoutMilli: 200, deepSupervision: false }, unet).length).greaterThan(
      10,
    );
  });

  it('are refused from another network, naming what differs', () => {
    const table: readonly (readonly [ModelSpec, ModelSpec, string])[] = [
      [unet, swin, 'kind'],
      [{ ...unet, features: [2, 4] }, unet, 'features'],
      [{ ...unet, strides: [1, [2, 2, 1]] }, unet, 'strides'],
      [{ ...swin, numHeads: [1, 2] }, swin, 'numHeads'],
      [{ ...swin, inChannels: 2 }, swin, 'inChannels'],
      [{ ...unetr, imageSize: [16, 16, 48] }, unetr, 'imageSize'],
    ];
    for (const [spec, start, path] of table) {
      expect(() => taken(spec, start), path)
        .throw(ModelsError, `${path} must be`)
        .with.property('code', 'bad_spec');
    }
  });
});
