/** ONNX files that we write, read by ONNX's own checker and run by ONNX Runtime. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import * as ort from 'onnxruntime-web';

import { openEngine, type Engine } from '../../src/compute/index.ts';
import { intensityDefaults, type StudentPackage } from '../../src/distill/index.ts';
import { encodeOnnx } from '../../src/interop/index.ts';
import { parameterList } from '../../src/models/index.ts';
import { modelDigest } from '../../src/weights/index.ts';
import { projectRoot } from '../project-root.ts';
import { maxAbsDifference, ourAnswers } from './our-answers.ts';
import { python, type TorchCase } from './torch.ts';
import { forwardCases, gradientCases } from './torch-cases.ts';

ort.env.logLevel = 'error';
ort.env.wasm.numThreads = 1;

/** A file is for one window: a batch of two is not asked for. */
const cases = Object.entries({ ...gradientCases, ...forwardCases }).filter(
  ([, { size }]) => size[0] === 1,
);

function studentOf({ spec, weights, size: [, ...window] }: TorchCase): StudentPackage {
  const digest = modelDigest(weights);
  return { spec, weights, digest, window, intensity: intensityDefaults, spacingMm: [3, 2, 1] };
}

describe('an ONNX file', function () {
  this.timeout(120_000);
  let engine: Engine;
  before(async () => {
    engine = await openEngine({ backend: 'wasm' });
  });
  after(() => {
    engine.close();
  });

  it("passes ONNX's checker, with its inputs, outputs, parameters and properties", () => {
    const folder = mkdtempSync(join(tmpdir(), 'annulus-onnx-'));
    try {
      const files = cases.map(([, drawn], index) => {
        const file = join(folder, `${index}.onnx`);
        writeFileSync(file, encodeOnnx(studentOf(drawn)));
        return file;
      });
      const script = join(projectRoot, 'test/interop/check_onnx.py');
      const done = spawnSync(python, [script, ...files], { encoding: 'utf8', maxBuffer: 2 ** 26 });
      expect(done.status, `this test needs ${python} with python3-onnx: ${done.stderr}`).equal(0);
      const told = done.stdout.trim().split('\n');
      expect(told).length(cases.length);
      told.forEach((line, index) => {
        const [name, { spec, size, weights }] = cases[index]!;
        const { opset, shapes, properties, parameters } = JSON.parse(line) as {
          opset: number[];
          shapes: Record<string, number[]>;
          properties: Record<string, string>;
          parameters: Record<string, readonly number[]>;
        };
        const grid = size.slice(1);
        const outputs = Object.entries(spec.heads).map(([head, k]) => [head, [1, k, ...grid]]);
        expect(opset, name).deep.equal([17]);
        expect(shapes, name).deep.equal({
          image: [1, spec.inChannels, ...grid],
          ...(Object.fromEntries(outputs) as object),
        });
        expect(properties.digest, name).equal(modelDigest(weights));
        expect(JSON.parse(properties.spec!), name).deep.equal(spec);
        expect(JSON.parse(properties.spacingMm!), name).deep.equal([3, 2, 1]);
        expect(JSON.parse(properties.intensity!), name).deep.equal(intensityDefaults);
        // Outputs of training alone are not there.
        const coarse = /seg_layers\.(\d)\./;
        const finest = spec.kind === 'unet' ? String(spec.features.length - 2) : '';
        const wanted = parameterList(spec)
          .filter((one) => (coarse.exec(one.name)?.[1] ?? finest) === finest)
          .map((one) => [one.name, one.shape]);
        expect(parameters, name).deep.equal(Object.fromEntries(wanted));
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const [name, drawn] of cases) {
    it(`gives the logits of ${name} when ONNX Runtime runs it`, async () => {
      const session = await ort.InferenceSession.create(encodeOnnx(studentOf(drawn)));
      const image = new ort.Tensor('float32', drawn.x.data, [...drawn.x.shape]);
      const outputs = await session.run({ image });
      const ours = await ourAnswers(engine, drawn, { withGradients: false });
      expect(Object.keys(outputs).sort()).deep.equal(Object.keys(drawn.spec.heads).sort());
      for (const [head, { data }] of Object.entries(outputs)) {
        const difference = maxAbsDifference(data as Float32Array, ours.get(`out.${head}`)!.data);
        expect(difference, head).at.most(1e-4);
      }
      await session.release();
    });
  }

  it('is refused by ONNX Runtime when it is cut short', async () => {
    const bytes = encodeOnnx(studentOf(cases[0]![1])).slice(0, -9);
    const caught = await ort.InferenceSession.create(bytes).catch((error: unknown) => error);
    expect(caught).instanceOf(Error);
  });
});
