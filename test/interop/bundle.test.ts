/** A bundle for MONAI, read by PyTorch: the weights, the network and the cuts that its configuration names. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { expect } from 'chai';
import { unzipSync } from 'fflate';

import { fromUtf8, seededRandom } from '../../src/base/index.ts';
import { intensityDefaults, type StudentPackage } from '../../src/distill/index.ts';
import { encodeBundle, encodeTorchFile } from '../../src/interop/index.ts';
import { initialWeights, type ModelSpec } from '../../src/models/index.ts';
import { modelDigest } from '../../src/weights/index.ts';
import { smallSpec } from '../distill/small-student.ts';
import { projectRoot } from '../project-root.ts';
import { python } from './torch.ts';

const companions = {
  loader: readFileSync(join(projectRoot, 'python/load_student.py')),
  license: readFileSync(join(projectRoot, 'LICENSE')),
};

/** Heads in another order than the bundle's. */
const spec: ModelSpec = { ...smallSpec, heads: { ms: 3, calc: 2, hps: 6 } };
const unetr: ModelSpec = {
  ...{ kind: 'unetr', inChannels: 1, imageSize: [16, 16, 32], featureSize: 2, hiddenSize: 8 },
  ...{ mlpDim: 12, numHeads: 2, numLayers: 4, heads: spec.heads },
};

function studentOf(of: ModelSpec): StudentPackage {
  const weights = initialWeights(of, seededRandom('bundle'));
  const intensity = {
    ...intensityDefaults,
    clipLowHu: -100,
    clipHighHu: 500,
    meanHu: 50,
    stdHu: 150,
  };
  const digest = modelDigest(weights);
  const window = of.kind === 'unetr' ? of.imageSize : ([16, 16, 24] as const);
  return { spec: of, weights, digest, intensity, spacingMm: [3, 2.5, 2], window };
}

interface Config {
  readonly [key: string]: unknown;
  readonly preprocessing: { readonly transforms: readonly Record<string, unknown>[] };
}

describe('a bundle', function () {
  this.timeout(60_000);
  const student = studentOf(spec);
  const files = encodeBundle(student, companions);
  const json = (name: string): unknown => JSON.parse(fromUtf8(files.get(name)!));

  it('has the files of the specification', () => {
    expect([...files.keys()].sort()).deep.equal([
      'LICENSE',
      'configs/inference.json',
      'configs/metadata.json',
      'docs/README.md',
      'models/model.pt',
      'scripts/__init__.py',
      'scripts/load_student.py',
    ]);
  });

  for (const taught of [student, studentOf(unetr)]) {
    it(`of a ${taught.spec.kind} gives PyTorch every parameter to the bit, and cuts the joined output into the heads`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'annulus-bundle-'));
      try {
        for (const [name, bytes] of encodeBundle(taught, companions)) {
          mkdirSync(dirname(join(folder, name)), { recursive: true });
          writeFileSync(join(folder, name), bytes);
        }
        const out = join(folder, 'state.npz');
        const script = join(projectRoot, 'test/interop/read_bundle.py');
        const done = spawnSync(python, ['-B', script, folder, out], { encoding: 'utf8' });
        expect(done.status, `this test needs ${python} with python3-torch: ${done.stderr}`).equal(
          0,
        );
        const told = JSON.parse(done.stdout) as Record<'kinds' | 'order' | 'joined', unknown>;
        expect(told.joined).deep.equal([1, 11, ...taught.window]);
        expect(told.order).deep.equal(taught.weights.map(({ name }) => name));
        const kinds = taught.weights.map(({ name, shape }) => [
          name,
          ['torch.float32', shape, true],
        ]);
        expect(told.kinds).deep.equal(Object.fromEntries(kinds));
        const state = unzipSync(readFileSync(out));
        for (const { name, data } of taught.weights) {
          // An .npy ends with the numbers.
          const npy = Buffer.from(state[`${name}.npy`]!);
          const numbers = npy.subarray(npy.length - data.byteLength);
          const ours = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
          expect(numbers.equals(ours), name).equal(true);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it('scales intensities as the student was taught them', () => {
    const { preprocessing } = json('configs/inference.json') as Config;
    const scaling = preprocessing.transforms.find((t) => t._target_ === 'ScaleIntensityRanged');
    // (-100 - 50) / 150 and (500 - 50) / 150.
    expect(scaling).include({ a_min: -100, a_max: 500, b_min: -1, b_max: 3, clip: true });
  });

  it('refers to nothing that is not there', () => {
    const config = json('configs/inference.json') as Config;
    const known = [...Object.keys(config)];
    const text = JSON.stringify(config);
    const referred = [...text.matchAll(/@(\w+)/g)].map(([, name]) => name);
    expect(referred).not.deep.equal([]);
    for (const name of referred) expect(known).contain(name);
  });

  it('describes each channel', () => {
    const { network_data_format: format } = json('configs/metadata.json') as {
      network_data_format: { outputs: { pred: { num_channels: number; channel_def: unknown } } };
    };
    expect(format.outputs.pred.num_channels).equal(11);
    // Heads by name: calc has 2 channels, hps 6, ms 3.
    expect(format.outputs.pred.channel_def).include({
      0: 'calc background',
      1: 'calc calcium',
      2: 'hps background',
      3: 'hps RCC',
      8: 'ms background',
      10: 'ms MS2',
    });
  });

  it('has the same bytes each time', () => {
    expect(encodeTorchFile(student.weights)).deep.equal(encodeTorchFile(student.weights));
  });

  it('is refused for a model with a second input', () => {
    const two = studentOf({ ...spec, inChannels: 2 });
    expect(() => encodeBundle(two, companions)).throw('needs a second input');
  });
});
