/** Weights files as MONAI, nnU-Net and their wrappers write them, made from weights that we know. */
import { expect } from 'chai';

import { seededRandom, utf8 } from '../../src/base/index.ts';
import {
  InteropError,
  importWeights,
  type ImportOptions,
  type ImportReport,
} from '../../src/interop/index.ts';
import {
  initialWeights,
  type ModelSpec,
  type SwinUnetrSpec,
  type UNetSpec,
  type UnetrSpec,
} from '../../src/models/index.ts';
import {
  encodeSafetensors,
  modelDigest,
  type ModelWeights,
  type SafeTensor,
} from '../../src/weights/index.ts';

const swin: SwinUnetrSpec = {
  kind: 'swin-unetr',
  inChannels: 1,
  featureSize: 6,
  depths: [1, 2],
  numHeads: [2, 3],
  window: 3,
  heads: { calc: 2, hps: 6 },
};
const unet: UNetSpec = {
  kind: 'unet',
  inChannels: 1,
  features: [4, 6, 8, 10, 12],
  strides: [1, 2, 2, [1, 2, 2], 2],
  convsPerStage: 2,
  heads: { calc: 2 },
  deepSupervision: true,
  dropoutMilli: 200,
};
const unetr: UnetrSpec = {
  kind: 'unetr',
  inChannels: 2,
  imageSize: [32, 16, 16],
  featureSize: 2,
  hiddenSize: 6,
  mlpDim: 8,
  numHeads: 2,
  numLayers: 4,
  heads: { calc: 2, hps: 6 },
};
const usual: ImportOptions = { freshHeads: false, seed: 1 };

/** Weights unlike those that fill what is missing. */
function known(spec: ModelSpec): ModelWeights {
  const random = seededRandom('known');
  return initialWeights(spec, random).map((tensor) => ({
    ...tensor,
    data: tensor.data.map(() => Math.fround(random.normal())),
  }));
}

function take(
  tensors: readonly SafeTensor[],
  spec: ModelSpec,
  options: Partial<ImportOptions> = {},
): { weights: ModelWeights; report: ImportReport } {
  return importWeights(encodeSafetensors(tensors), 'c.safetensors', spec, {
    ...usual,
    ...options,
  });
}

const renamed = (weights: ModelWeights, rename: (name: string) => string | null): SafeTensor[] =>
  weights.flatMap((tensor) => {
    const name = rename(tensor.name);
    return name === null ? [] : [{ ...tensor, name }];
  });

/** Everything but heads is as in `expected`. */
function expectBackbone(weights: ModelWeights, expected: ModelWeights): void {
  for (const [index, { name, data }] of weights.entries()) {
    if (/outs|seg_layers/.test(name)) continue;
    expect(data, name).deep.equal(expected[index]!.data);
  }
}

const zeros = (name: string, shape: readonly number[]): SafeTensor => ({
  name,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

describe('a weights file', () => {
  for (const spec of [swin, unet, unetr]) {
    it(`of our own ${spec.kind} comes back with its digest, whole`, () => {
      const weights = known(spec);
      const { weights: back, report } = take(weights, spec);
      expect(modelDigest(back)).equal(modelDigest(weights));
      expect(report).deep.include({ skipped: [], missing: [], share: 1 });
      expect(report.prefix).deep.equal({ theirs: '', ours: '' });
    });
  }

  it("of MONAI's SwinUNETR in a wrapper gives the backbone, and says what it left and lacked", () => {
    const weights = known(swin);
    const tensors = [
      ...renamed(weights, (name) =>
        name.startsWith('outs') ? null : name.replace('swin_unetr.', 'state_dict.module.'),
      ),
      zeros('state_dict.module.out.conv.conv.weight', [14, 6, 1, 1, 1]),
      {
        name: 'state_dict.module.swinViT.layers1.0.blocks.0.attn.relative_position_index',
        shape: [27, 27],
        data: new Int32Array(27 * 27),
      },
      { name: 'epoch', shape: [], data: Int32Array.of(5000) },
    ];
    const { weights: back, report } = take(tensors, swin);
    expectBackbone(back, weights);
    expect(report.prefix).deep.equal({ theirs: 'state_dict.module.', ours: 'swin_unetr.' });
    expect(
      report.skipped.map(({ from, reason }) => [from.split('.').at(-2) ?? '', reason]),
    ).deep.equal([
      ['conv', 'a head of another task'],
      ['attn', 'a table that follows from the window'],
      ['', 'this model has no such parameter'],
    ]);
    expect(report.missing.map(({ name }) => name)).deep.equal([
      'outs.calc.conv.conv.weight',
      'outs.calc.conv.conv.bias',
      'outs.hps.conv.conv.weight',
      'outs.hps.conv.conv.bias',
    ]);
    // Fresh heads begin with 5 for the background (decision 008).
    expect([...back.at(-1)!.data]).deep.equal([5, 0, 0, 0, 0, 0]);
  });

  it("of MONAI's self-supervised transformer gives the transformer, by its old names", () => {
    const weights = known(swin);
    const tensors = [
      ...renamed(weights, (name) =>
        name.startsWith('swin_unetr.swinViT.')
          ? name.replace('swin_unetr.swinViT.', 'module.').replace('mlp.linear', 'mlp.fc')
          : null,
      ),
      zeros('module.rotation_head.weight', [4, 24]),
    ];
    const { weights: back, report } = take(tensors, swin);
    expect(report.prefix).deep.equal({ theirs: 'module.', ours: 'swin_unetr.swinViT.' });
    const taken = back.filter(({ name }) => name.includes('swinViT'));
    expect(taken).deep.equal(weights.filter(({ name }) => name.includes('swinViT')));
    expect(report.missing.every(({ name }) => !name.includes('swinViT'))).equal(true);
    expect(report.skipped.map(({ reason }) => reason)).deep.equal(['a head of another task']);
  });

  it("of MONAI's UNETR gives the backbone, also from a patch embedding that is a linear layer", () => {
    const weights = known(unetr);
    const embedding = 'vit.patch_embedding.patch_embeddings';
    const tensors = renamed(weights, (name) =>
      name.startsWith('outs') ? null : name.replace('unetr.', 'model.'),
    );
    const more = [
      zeros('model.out.conv.conv.weight', [14, 2, 1, 1, 1]),
      // MONAI 1.4 makes them and never runs them.
      zeros('model.vit.blocks.0.norm_cross_attn.weight', [6]),
      zeros('model.vit.blocks.3.cross_attn.to_q.weight', [6, 6]),
    ];
    const first = take([...tensors, ...more], unetr);
    expectBackbone(first.weights, weights);
    expect(first.report.prefix).deep.equal({ theirs: 'model.', ours: 'unetr.' });
    expect(first.report.skipped.map(({ reason }) => reason)).deep.equal([
      'a head of another task',
      'never run: MONAI 1.4 stores it all the same',
      'never run: MONAI 1.4 stores it all the same',
    ]);
    expect(first.report.missing.every(({ name }) => name.startsWith('outs.'))).equal(true);

    // Its axes are (p1 p2 p3 c): of voxel v and channel c place 2 v + c, which in a kernel is 4096 c + v.
    const linear = tensors.map((tensor) => {
      if (tensor.name !== `model.${embedding}.weight`) {
        return { ...tensor, name: tensor.name.replace('embeddings.bias', 'embeddings.1.bias') };
      }
      const data = Float32Array.from({ length: 6 * 8192 }, (_, at) => {
        const [output, place] = [Math.floor(at / 8192), at % 8192];
        return tensor.data[8192 * output + 4096 * (place % 2) + Math.floor(place / 2)]!;
      });
      return { name: `model.${embedding}.1.weight`, shape: [6, 8192], data };
    });
    const second = take(linear, unetr);
    expectBackbone(second.weights, weights);
    expect(second.report.loaded.flatMap(({ change }) => change ?? [])).deep.equal([
      'a linear layer as a convolution',
    ]);
  });

  it("of MONAI's vision transformer gives the transformer of a UNETR, without the places of another size", () => {
    const weights = known({ ...unetr, imageSize: [32, 32, 32] });
    const tensors = renamed(weights, (name) =>
      name.startsWith('unetr.vit.') ? name.replace('unetr.vit.', '') : null,
    );
    const { weights: back, report } = take(tensors, unetr);
    expect(report.prefix).deep.equal({ theirs: '', ours: 'unetr.vit.' });
    const blocksOf = (all: ModelWeights): ModelWeights =>
      all.filter(({ name }) => name.startsWith('unetr.vit.blocks.'));
    expect(blocksOf(back)).deep.equal(blocksOf(weights));
    expect(report.skipped.map(({ reason }) => reason)).deep.equal([
      'its shape is [1, 8, 6], here it is [1, 2, 6]',
    ]);
  });

  it('of nnU-Net gives the backbone once, though its parts are there several times', () => {
    const weights = known(unet);
    const plain = renamed(weights, (name) =>
      name.includes('seg_layers') ? null : `network.${name}`,
    );
    const again = plain
      .filter(({ name }) => name.includes('.encoder.'))
      .map((tensor) => ({ ...tensor, name: tensor.name.replace('encoder.', 'decoder.encoder.') }));
    const third = plain.map((tensor) => ({
      ...tensor,
      // With dropout between them.
      name: tensor.name
        .replace(/(convs\.\d)\.conv/, '$1.all_modules.0')
        .replace(/(convs\.\d)\.norm/, '$1.all_modules.2'),
    }));
    const heads = [0, 1, 2, 3].map((stage) =>
      zeros(`network.decoder.seg_layers.${stage}.weight`, [5, unet.features[3 - stage]!, 1, 1, 1]),
    );
    const distinct = third.filter(({ name }) => name.includes('all_modules'));
    const { weights: back, report } = take([...plain, ...again, ...distinct, ...heads], unet);
    expectBackbone(back, weights);
    expect(report.loaded).length(plain.length);
    const reasons = report.skipped.map(({ reason }) => reason.split(' ').slice(0, 3).join(' '));
    expect(new Set(reasons)).deep.equal(new Set(['a second copy', 'a head of']));
    // The same from the copies alone.
    const alone = take(
      [...distinct, ...plain.filter(({ name }) => name.includes('transpconvs'))],
      unet,
    );
    expectBackbone(alone.weights, weights);
  });

  it('of the first nnU-Net gives the backbone, whose transposed convolutions have no bias', () => {
    const weights = known(unet).map((tensor) =>
      /transpconvs.*bias/.test(tensor.name)
        ? { ...tensor, data: tensor.data.map(() => 0) }
        : tensor,
    );
    // `Generic_UNet`: the deepest stage and each of the decoder's is a sequence of stacks.
    const tensors = renamed(weights, (name) => {
      if (/seg_layers|transpconvs.*bias/.test(name)) return null;
      return name
        .replace(/^encoder\.stages\.4\.0\.convs\.(\d)/, 'conv_blocks_context.4.$1.blocks.0')
        .replace(/^encoder\.stages\.(\d)\.0\.convs\.(\d)/, 'conv_blocks_context.$1.blocks.$2')
        .replace(/^decoder\.stages\.(\d)\.convs\.(\d)/, 'conv_blocks_localization.$1.$2.blocks.0')
        .replace('decoder.transpconvs.', 'tu.')
        .replace('.norm.', '.instnorm.');
    });
    const { weights: back, report } = take(tensors, unet);
    expectBackbone(back, weights);
    expect(report.missing.every(({ name }) => /seg_layers|transpconvs.*bias/.test(name))).equal(
      true,
    );
  });

  it('takes a head of the same name and shape, or none when asked', () => {
    const weights = known(swin);
    const { weights: back, report } = take(weights, swin, { freshHeads: true });
    expectBackbone(back, weights);
    expect(report.missing).length(4);
    expect(new Set(report.skipped.map(({ reason }) => reason))).deep.equal(
      new Set(['heads begin anew']),
    );
  });

  it('leaves a head with other channels', () => {
    const weights = known({ ...swin, heads: { calc: 2, hps: 9 } });
    const { report } = take(weights, swin);
    expect(report.skipped.map(({ from, reason }) => `${from}: ${reason}`)).deep.equal([
      'outs.hps.conv.conv.weight: a head of another task: its shape is [9, 6, 1, 1, 1], here it is [6, 6, 1, 1, 1]',
      'outs.hps.conv.conv.bias: a head of another task: its shape is [9], here it is [6]',
    ]);
  });

  it('in half precision becomes float32', () => {
    const weights = known(unet);
    // The upper halves of the numbers, which bfloat16 keeps.
    const cut = weights.map((tensor) => {
      const halves = new Uint16Array(tensor.data.buffer).filter((_, i) => i % 2 === 1);
      return { ...tensor, data: halves };
    });
    const file = Buffer.from(encodeSafetensors(cut));
    const header = file.subarray(0, 8 + Number(file.readBigUInt64LE()));
    const text = header.subarray(8).toString().replaceAll('"U16"', '"BF16"').trimEnd();
    const json = Buffer.from(text);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    const bytes = Buffer.concat([length, json, file.subarray(header.length)]);
    const { weights: back, report } = importWeights(bytes, 'half', unet, usual);
    expect(new Set(report.loaded.map(({ dtype }) => dtype))).deep.equal(new Set(['BF16']));
    for (const [index, { data }] of weights.entries()) {
      data.forEach((value, i) => {
        // Seven bits of fraction.
        expect(Math.abs(back[index]!.data[i]! - value)).at.most(Math.abs(value) / 128);
      });
    }
    const doubles = weights.map((tensor) => ({ ...tensor, data: Float64Array.from(tensor.data) }));
    expect(modelDigest(take(doubles, unet).weights)).equal(modelDigest(weights));
  });

  it('of four input channels is summed to one, and one of fewer gets zeros', () => {
    const name = 'encoder.stages.0.0.convs.0.conv.weight';
    const kernelOf = (weights: ModelWeights): Float32Array =>
      weights.find((tensor) => tensor.name === name)!.data;
    const four = known({ ...unet, inChannels: 4 });
    const one = take(four, unet);
    expect(one.report.loaded.filter(({ change }) => change !== null)).deep.equal([
      { name, from: name, dtype: 'F32', change: 'input channels summed from 4 to 1' },
    ]);
    const [stored, summed] = [kernelOf(four), kernelOf(one.weights)];
    for (const [output, tap] of [
      [0, 0],
      [3, 26],
    ] as const) {
      const sum = [0, 1, 2, 3].reduce(
        (total, c) => total + stored[(output * 4 + c) * 27 + tap]!,
        0,
      );
      expect(summed[output * 27 + tap]).closeTo(sum, 1e-6);
    }
    const two = take(known(unet), { ...unet, inChannels: 2 });
    const widened = kernelOf(two.weights);
    expect(widened.subarray(0, 27)).deep.equal(kernelOf(known(unet)).subarray(0, 27));
    expect([...widened.subarray(27, 54)].every((value) => value === 0)).equal(true);
  });
});

describe('a weights file is refused in one line', () => {
  const good = known(unet);
  const [first, ...rest] = good as [ModelWeights[number], ...ModelWeights];
  const bytes = encodeSafetensors(good);
  const withValue = (value: number): SafeTensor[] => [
    { ...first, data: first.data.map((old, i) => (i === 5 ? value : old)) },
    ...rest,
  ];
  const huge = new Uint8Array(16);
  huge.fill(255, 0, 7);
  const table: readonly (readonly [string, Uint8Array, string, RegExp])[] = [
    [
      'cut short',
      bytes.slice(0, -1),
      'bad_weights',
      /the tensor .*data up to byte \d+ of the file, got a file of \d+: it is cut short/,
    ],
    ['empty', new Uint8Array(0), 'bad_weights', /a header length/],
    [
      'with a header of petabytes',
      huge,
      'bad_weights',
      // 2^56 - 1
      /at most \d+ bytes of header .*, got 72057594037927935$/,
    ],
    [
      'a Git LFS pointer',
      utf8('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 475000\n'),
      'bad_weights',
      /a Git LFS pointer.*git lfs pull/,
    ],
    [
      'with 3e38',
      encodeSafetensors(withValue(3e38)),
      'bad_tensor',
      /got 3\.00e\+38 at 5.*no trained/,
    ],
    ['with a NaN', encodeSafetensors(withValue(NaN)), 'bad_tensor', /got NaN at 5/],
    [
      'with an infinity',
      encodeSafetensors(withValue(-Infinity)),
      'bad_tensor',
      /got -Infinity at 5/,
    ],
    [
      'with a number beyond float32',
      encodeSafetensors([
        { ...first, data: new Float64Array(first.data.length).fill(1e39) },
        ...rest,
      ]),
      'bad_tensor',
      /got Infinity at 0/,
    ],
    [
      'of whole numbers',
      encodeSafetensors([{ ...first, data: new Int32Array(first.data.length) }, ...rest]),
      'bad_tensor',
      /convs\.0\.conv\.weight: expected F64, F32, F16 or BF16, got I32/,
    ],
    [
      'of another network',
      encodeSafetensors(known(swin)),
      'other_model',
      /none of its \d+ tensors \(swin_unetr.* is a parameter of this unet, such as encoder\.stages/,
    ],
    [
      'of a wider network',
      encodeSafetensors(known({ ...unet, features: [3, 5, 7, 9, 11] })),
      'other_model',
      /its shape is \[3, 1, 3, 3, 3\], here it is \[4, 1, 3, 3, 3\]/,
    ],
    ['without tensors', encodeSafetensors([]), 'other_model', /none of its 0 tensors/],
    [
      "that is PyTorch's zip",
      Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 8, 8),
      'pickle',
      /convert it to safetensors/,
    ],
    [
      "that is PyTorch's pickle of old",
      // The magic number that begins every file of torch.save before 1.6.
      Uint8Array.of(0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20),
      'pickle',
      /convert it to safetensors/,
    ],
  ];
  for (const [what, file, code, message] of table) {
    it(what, () => {
      try {
        importWeights(file, 'c.safetensors', unet, usual);
      } catch (error) {
        expect(error).instanceOf(InteropError);
        const { code: got, message: text } = error as InteropError;
        expect(got, text).equal(code);
        expect(text)
          .match(message)
          .and.match(/^c\.safetensors: /)
          .and.not.match(/\n/);
        return;
      }
      expect.fail('it was accepted');
    });
  }
});
