/** Parameter lists, initial weights and digests; the oracle tests hold the names. */
import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import {
  architectureDigest,
  checkWeights,
  initialWeights,
  ModelsError,
  parameterList,
  type SwinUnetrSpec,
  type UNetSpec,
  type UnetrSpec,
} from '../../src/models/index.ts';
import { headOf } from '../../src/gossip/index.ts';
import { readOracle } from './oracle.ts';

const unet: UNetSpec = {
  kind: 'unet',
  inChannels: 2,
  features: [8, 16, 32],
  strides: [1, 2, 2],
  convsPerStage: 2,
  heads: { hps: 6 },
  deepSupervision: true,
  dropoutMilli: 0,
};
const swin: SwinUnetrSpec = {
  kind: 'swin-unetr',
  inChannels: 2,
  featureSize: 12,
  depths: [2, 2, 2, 2],
  numHeads: [3, 6, 12, 24],
  window: 7,
  heads: { hps: 6, ms: 3, calc: 2 },
};
const unetr: UnetrSpec = {
  kind: 'unetr',
  inChannels: 1,
  imageSize: [96, 96, 96],
  featureSize: 16,
  hiddenSize: 768,
  mlpDim: 3072,
  numHeads: 12,
  numLayers: 12,
  heads: { organs: 14 },
};

describe('the parameters of a model', () => {
  for (const [file, spec] of [
    ['unet_8_16_32.weights', unet],
    ['swin_fs12_32x64x32.weights', swin],
  ] as const) {
    it(`are named and shaped as in ${file}`, () => {
      const oracle = readOracle(file);
      const list = parameterList(spec);
      expect(list.map(({ name }) => name)).to.have.members(oracle.names);
      for (const { name, shape } of list) expect(shape, name).to.deep.equal(oracle.shape(name));
    });
  }

  it('of a UNETR are as many as published', () => {
    const list = parameterList(unetr);
    const countOf = (prefix: string): number =>
      list
        .filter(({ name }) => name.startsWith(prefix))
        .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    // qkv 768 · 2304; projection 768² + 768; two norms 4 · 768; perceptron 2 · 768 · 3072 + 3072 + 768.
    expect(countOf('unetr.vit.blocks.11.')).to.equal(1769472 + 590592 + 3072 + 4722432);
    // 16³ · 768 + 768 for the cubes, 6³ · 768 for the places.
    expect(countOf('unetr.vit.patch_embedding.')).to.equal(3146496 + 165888);
    // 768 · 32 · 8; two times 32² · 8 + 2 · 27 · 32².
    expect(countOf('unetr.encoder2.')).to.equal(196608 + 2 * (8192 + 55296));
    // 768 · 128 · 8; 27 · 256 · 128 + 27 · 128² + 256 · 128.
    expect(countOf('unetr.decoder5.')).to.equal(786432 + 884736 + 442368 + 32768);
    // Lee et al. 2023, "3D UX-Net": 92.8 million, with one channel in and 14 classes out.
    expect((countOf('') / 1e6).toFixed(1)).to.equal('92.8');
  });

  it("of a UNETR have MONAI's names and shapes", () => {
    const shapes = Object.fromEntries(parameterList(unetr).map(({ name, shape }) => [name, shape]));
    const block = 'unetr.vit.blocks.7';
    expect(Object.keys(shapes).filter((name) => name.startsWith(`${block}.`))).to.have.members(
      ['mlp.linear1', 'mlp.linear2', 'norm1', 'attn.out_proj', 'norm2']
        .flatMap((layer) => [`${block}.${layer}.weight`, `${block}.${layer}.bias`])
        .concat(`${block}.attn.qkv.weight`),
    );
    expect(shapes).to.deep.include({
      'unetr.vit.patch_embedding.position_embeddings': [1, 216, 768],
      'unetr.vit.patch_embedding.patch_embeddings.weight': [768, 1, 16, 16, 16],
      'unetr.vit.norm.bias': [768],
      'unetr.encoder1.layer.conv3.conv.weight': [16, 1, 1, 1, 1],
      'unetr.encoder2.transp_conv_init.conv.weight': [768, 32, 2, 2, 2],
      'unetr.encoder2.blocks.1.0.conv.weight': [32, 32, 2, 2, 2],
      'unetr.encoder2.blocks.1.1.conv2.conv.weight': [32, 32, 3, 3, 3],
      'unetr.encoder3.blocks.0.1.conv1.conv.weight': [64, 64, 3, 3, 3],
      'unetr.encoder4.transp_conv_init.conv.weight': [768, 128, 2, 2, 2],
      'unetr.decoder5.transp_conv.conv.weight': [768, 128, 2, 2, 2],
      'unetr.decoder2.conv_block.conv3.conv.weight': [16, 32, 1, 1, 1],
      'outs.organs.conv.conv.weight': [14, 16, 1, 1, 1],
    });
    const names = Object.keys(shapes).join('\n');
    expect(names).to.not.match(/encoder4\.blocks|encoder2\.blocks\.2|decoder[16]|norm[123]\.conv/);
  });

  it('without deep supervision have the finest output layer only', () => {
    const names = parameterList({ ...unet, deepSupervision: false }).map(({ name }) => name);
    expect(names.filter((name) => name.includes('seg_layers'))).to.deep.equal([
      'decoder.seg_layers.1.weight',
      'decoder.seg_layers.1.bias',
    ]);
  });

  it('of six stages have three outputs, and several heads their own layers', () => {
    const spec: UNetSpec = {
      ...unet,
      features: [4, 4, 4, 4, 4, 4],
      strides: [1, 2, 2, 2, 2, [2, 2, 1]],
      heads: { ms: 3, hps: 6 },
    };
    const list = parameterList(spec);
    const layers = list.filter(({ name }) => /seg_layers.*weight/.test(name));
    expect(layers.map(({ name, shape }) => `${name} ${shape[0]!}`)).to.deep.equal([
      'decoder.heads.hps.seg_layers.4.weight 6',
      'decoder.heads.hps.seg_layers.3.weight 6',
      'decoder.heads.hps.seg_layers.2.weight 6',
      'decoder.heads.ms.seg_layers.4.weight 3',
      'decoder.heads.ms.seg_layers.3.weight 3',
      'decoder.heads.ms.seg_layers.2.weight 3',
    ]);
    const deepest = list.find(({ name }) => name === 'decoder.transpconvs.0.weight');
    expect(deepest!.shape).to.deep.equal([4, 4, 2, 2, 1]);
  });

  it('tell by their names which head they belong to', () => {
    const heads = { calc: 2, hps: 6, ms: 3 };
    // Output layers have a weight and a bias: one of a SwinUNETR, two in a U-Net of three stages.
    for (const [spec, layers] of [
      [swin, 1],
      [{ ...unet, heads }, 2],
    ] as const) {
      const names = parameterList(spec).map(({ name }) => name);
      for (const head of Object.keys(heads)) {
        const own = names.filter((name) => headOf(name) === head);
        expect(own.length, `${spec.kind} ${head}`).to.equal(2 * layers);
        for (const name of own)
          expect(name)
            .to.contain(`.${head}.`)
            .and.match(/conv|seg_layers/);
      }
      const shared = names.filter((name) => headOf(name) === null);
      expect(shared.length, spec.kind).to.equal(names.length - 6 * layers);
    }
    // A U-Net of one head has nnU-Net's names, in which none is written.
    expect(parameterList(unet).every(({ name }) => headOf(name) === null)).to.equal(true);
  });

  it('do not depend on the order in which heads are written', () => {
    const turned = { ...swin, heads: { calc: 2, ms: 3, hps: 6 } };
    expect(parameterList(turned)).to.deep.equal(parameterList(swin));
    expect(architectureDigest(turned)).to.equal(architectureDigest(swin));
  });
});

describe('initial weights', () => {
  it('are the same for the same seed and others for another', () => {
    const a = initialWeights(unet, seededRandom(1));
    expect(initialWeights(unet, seededRandom(1))).to.deep.equal(a);
    expect(initialWeights(unet, seededRandom(2))).to.not.deep.equal(a);
  });

  it('have the variance of He for convolutions, and zero biases', () => {
    const weights = initialWeights(unet, seededRandom(3));
    const find = (name: string): Float32Array =>
      weights.find((tensor) => tensor.name === name)!.data;
    // [32, 32, 3, 3, 3]: fan-in 864, 27,648 draws: the sample variance is within 3 % (4 deviations).
    const data = find('encoder.stages.2.0.convs.1.conv.weight');
    const variance = data.reduce((sum, value) => sum + value ** 2, 0) / data.length;
    expect(variance).to.be.closeTo(2 / (1.0001 * 864), (0.035 * 2) / 864);
    expect(find('encoder.stages.2.0.convs.1.conv.bias').every((value) => value === 0)).to.equal(
      true,
    );
    expect(find('encoder.stages.2.0.convs.1.norm.weight').every((v) => v === 1)).to.equal(true);
  });

  it('have the variance of He by the fan-in of every kernel, transposed and 1x1x1 ones too', () => {
    const wide: UNetSpec = { ...unet, features: [64, 64, 128], heads: { hps: 60 } };
    const weights = initialWeights(wide, seededRandom(5));
    // PyTorch's fan-in is the second axis times the kernel: of a transposed kernel [in, out, …] its outputs.
    const fanIns = {
      'encoder.stages.0.0.convs.0.conv.weight': 2 * 27, // [64, 2, 3, 3, 3], 3,456 draws
      'encoder.stages.1.0.convs.0.conv.weight': 64 * 27, // 110,592 draws
      'decoder.transpconvs.0.weight': 64 * 8, // [128, 64, 2, 2, 2], 65,536 draws
      'decoder.seg_layers.1.weight': 64, // [60, 64, 1, 1, 1], 3,840 draws
    };
    for (const [name, fanIn] of Object.entries(fanIns)) {
      const { data } = weights.find((tensor) => tensor.name === name)!;
      const variance = data.reduce((sum, value) => sum + value ** 2, 0) / data.length;
      // kaiming_normal_(a = 0.01): 2 / ((1 + 0.01²) · fan-in); a sample variance deviates by √(2/n) of it.
      const ratio = (variance * 1.0001 * fanIn) / 2;
      expect(ratio, name).to.be.closeTo(1, 4 * Math.sqrt(2 / data.length));
    }
  });

  it('of a transformer have the variance of a normal cut at two deviations, and of He for convolutions', () => {
    const weights = initialWeights(swin, seededRandom(6));
    const varianceOf = (name: string): { variance: number; count: number } => {
      const { data } = weights.find((tensor) => tensor.name === name)!;
      const squares = data.reduce((sum, value) => sum + value ** 2, 0);
      return { variance: squares / data.length, count: data.length };
    };
    // 1 - 2·2·φ(2) / (Φ(2) - Φ(-2)) = 1 - 4 · 0.0539909665 / 0.9544997361 = 0.7737413.
    const linear = varianceOf('swin_unetr.swinViT.layers4.0.blocks.0.mlp.linear1.weight');
    expect(linear.variance / (0.7737413 * 0.02 ** 2)).to.be.closeTo(1, 0.03);
    const conv = varianceOf('swin_unetr.encoder10.layer.conv1.conv.weight'); // [192, 192, 3, 3, 3]
    expect((conv.variance * 1.0001 * 192 * 27) / 2).to.be.closeTo(1, 4 * Math.sqrt(2 / conv.count));
  });

  it('of linear layers and bias tables stay within two deviations of 0.02', () => {
    const weights = initialWeights(swin, seededRandom(4));
    const prefix = 'swin_unetr.swinViT.layers1.0.blocks.0.attn';
    for (const name of [`${prefix}.qkv.weight`, `${prefix}.relative_position_bias_table`]) {
      const { data } = weights.find((tensor) => tensor.name === name)!;
      const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      expect(largest, name).to.be.within(0.03, 0.04 + 1e-9);
    }
  });
});

describe('the digest of an architecture', () => {
  it('is one for one specification and differs with any field', () => {
    const digest = architectureDigest(unet);
    expect(digest).to.match(/^[0-9a-f]{64}$/);
    for (const other of [
      { ...unet, inChannels: 1 },
      { ...unet, features: [8, 16, 33] },
      { ...unet, heads: { ms: 6 } },
      swin,
    ]) {
      expect(architectureDigest(other)).to.not.equal(digest);
    }
  });
});

describe('weights from outside', () => {
  const weights = initialWeights(unet, seededRandom(1));

  it('are taken when they are this model’s', () => {
    expect(() => {
      checkWeights(unet, weights);
    }).to.not.throw();
  });

  it('are refused when one is missing, added, renamed or reshaped', () => {
    const [first, ...rest] = weights;
    const cases: [string, typeof weights][] = [
      ['missing', rest],
      ['added', [...weights, { name: 'more', shape: [1], data: new Float32Array(1) }]],
      ['renamed', [{ ...first!, name: 'other' }, ...rest]],
      ['reshaped', [{ ...first!, shape: [first!.data.length] }, ...rest]],
    ];
    for (const [what, wrong] of cases) {
      expect(() => {
        checkWeights(unet, wrong);
      }, what).to.throw(ModelsError, 'another architecture');
    }
  });
});
