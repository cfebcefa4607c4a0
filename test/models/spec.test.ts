/** Reading model specifications: a good one of each kind, and every way to be wrong. */
import { expect } from 'chai';

import { ModelsError, readModelSpec } from '../../src/models/index.ts';

const unet = {
  kind: 'unet',
  inChannels: 2,
  features: [8, 16, 32],
  strides: [1, 2, [2, 2, 1]],
  convsPerStage: 2,
  heads: { hps: 6 },
  deepSupervision: true,
  dropoutMilli: 200,
};
const swin = {
  kind: 'swin-unetr',
  inChannels: 1,
  featureSize: 12,
  depths: [2, 2, 2],
  numHeads: [3, 6, 12],
  window: 7,
  heads: { ms: 3, hps: 6 },
};
const unetr = {
  kind: 'unetr',
  inChannels: 1,
  imageSize: [96, 96, 128],
  featureSize: 16,
  hiddenSize: 768,
  mlpDim: 3072,
  numHeads: 12,
  numLayers: 12,
  heads: { ms: 3, hps: 6 },
};

describe('a model specification', () => {
  it('is read as it stands', () => {
    expect(readModelSpec(JSON.parse(JSON.stringify(unet)))).to.deep.equal(unet);
    expect(readModelSpec(JSON.parse(JSON.stringify(swin)))).to.deep.equal(swin);
    expect(readModelSpec(JSON.parse(JSON.stringify(unetr)))).to.deep.equal(unetr);
  });

  const wrong: [change: object, path: string][] = [
    [{ kind: 'vit' }, 'kind'],
    [{ kind: undefined }, 'kind'],
    [{ inChannels: 0 }, 'inChannels'],
    [{ inChannels: 1.5 }, 'inChannels'],
    [{ inChannels: '2' }, 'inChannels'],
    [{ inChannels: NaN }, 'inChannels'],
    [{ features: [8] }, 'features'],
    [{ features: 8 }, 'features'],
    [{ features: [8, 16, 0] }, 'features[2]'],
    [{ features: [8, 16, 1e9] }, 'features[2]'],
    [{ strides: [1, 2] }, 'strides'],
    [{ strides: [1, 2, 3] }, 'strides[2]'],
    [{ strides: [1, 2, [2, 2]] }, 'strides[2]'],
    [{ strides: [1, 2, [2, 2, 0]] }, 'strides[2][2]'],
    [{ convsPerStage: 0 }, 'convsPerStage'],
    [{ heads: {} }, 'heads'],
    [{ heads: [6] }, 'heads'],
    [{ heads: null }, 'heads'],
    [{ heads: { hps: 1 } }, 'heads.hps'],
    [{ heads: { 'h.p': 2 } }, 'heads'],
    [{ heads: JSON.parse('{"__proto__":2}') as object }, 'heads'],
    [{ deepSupervision: 1 }, 'deepSupervision'],
    [{ dropoutMilli: 1000 }, 'dropoutMilli'],
    [{ dropoutMilli: undefined }, 'dropoutMilli'],
    [{ window: 7 }, 'spec'],
  ];
  for (const [change, path] of wrong) {
    it(`of a U-Net is refused with ${JSON.stringify(change)}`, () => {
      expectRefused({ ...unet, ...change }, path);
    });
  }

  const wrongSwin: [change: object, path: string][] = [
    [{ featureSize: 0 }, 'featureSize'],
    [{ depths: [2] }, 'depths'],
    [{ depths: [2, 2, 2, 2, 2] }, 'depths'],
    [{ depths: [2, 0, 2] }, 'depths[1]'],
    [{ numHeads: [3, 6] }, 'numHeads'],
    [{ numHeads: [3, 6, 7] }, 'numHeads[2]'],
    [{ window: 1 }, 'window'],
    [{ window: 17 }, 'window'],
    [{ heads: { hps: 65 } }, 'heads.hps'],
    [{ features: [8, 16] }, 'spec'],
  ];
  for (const [change, path] of wrongSwin) {
    it(`of a transformer is refused with ${JSON.stringify(change)}`, () => {
      expectRefused({ ...swin, ...change }, path);
    });
  }

  const wrongUnetr: [change: object, path: string][] = [
    [{ imageSize: undefined }, 'imageSize'],
    [{ imageSize: 96 }, 'imageSize'],
    [{ imageSize: [96, 96] }, 'imageSize'],
    [{ imageSize: [96, 96, 100] }, 'imageSize[2]'],
    [{ imageSize: [0, 96, 96] }, 'imageSize[0]'],
    [{ imageSize: [96, 272, 96] }, 'imageSize[1]'],
    [{ featureSize: 257 }, 'featureSize'],
    [{ hiddenSize: 2049 }, 'hiddenSize'],
    [{ hiddenSize: 770 }, 'numHeads'],
    [{ mlpDim: 0 }, 'mlpDim'],
    [{ numHeads: [12] }, 'numHeads'],
    [{ numHeads: 65 }, 'numHeads'],
    [{ numLayers: 3 }, 'numLayers'],
    [{ numLayers: 10 }, 'numLayers'],
    [{ numLayers: 52 }, 'numLayers'],
    [{ heads: {} }, 'heads'],
    [{ window: 7 }, 'spec'],
  ];
  for (const [change, path] of wrongUnetr) {
    it(`of a plain transformer is refused with ${JSON.stringify(change)}`, () => {
      expectRefused({ ...unetr, ...change }, path);
    });
  }

  it('is refused when it is no object', () => {
    for (const value of [null, 3, 'unet', [unet]]) expectRefused(value, 'spec');
  });
});

function expectRefused(value: unknown, path: string): void {
  try {
    readModelSpec(value);
  } catch (error) {
    expect(error).to.be.instanceOf(ModelsError);
    expect((error as ModelsError).facts).to.include({ code: 'bad_spec', path });
    return;
  }
  expect.fail(`read ${JSON.stringify(value)}`);
}
