/** Cases for PyTorch: a model with drawn weights, an input and labels; and what PyTorch says to them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import { parameterList, readModelSpec, type ModelSpec } from '../../src/models/index.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  type ModelWeights,
  type NamedTensor,
} from '../../src/weights/index.ts';
import { projectRoot } from '../project-root.ts';

/** Debian's own Python: another in the path may lack the package. */
export const python = '/usr/bin/python3';

export interface TorchCase {
  readonly spec: ModelSpec;
  /** Batch, depth, height, width. */
  readonly size: readonly [number, number, number, number];
  readonly weights: ModelWeights;
  /** [b, c, d, h, w] */
  readonly x: NamedTensor;
  /** `target.HEAD`, [b, d, h, w] whole numbers. */
  readonly targets: readonly NamedTensor[];
}

/** Weights, norms and biases too, far enough from their usual start that agreement means something. */
export function drawCase(spec: ModelSpec, size: TorchCase['size'], seed = 0): TorchCase {
  readModelSpec(JSON.parse(JSON.stringify(spec)));
  const random = seededRandom(JSON.stringify([spec, size, seed]));
  const draw = (name: string, shape: readonly number[], of: () => number): NamedTensor => {
    const length = shape.reduce((product, n) => product * n, 1);
    return { name, shape, data: Float32Array.from({ length }, of) };
  };
  const weights = parameterList(spec).map(({ name, shape }) => {
    const fanIn = shape.slice(1).reduce((product, n) => product * n, 1);
    const around = shape.length === 1 && name.endsWith('weight') ? 1 : 0;
    const spread =
      shape.length === 1
        ? 0.2
        : /(table|position_embeddings)$/.test(name)
          ? 0.5
          : (2 / fanIn) ** 0.5;
    return draw(name, shape, () => around + spread * random.normal());
  });
  const x = draw('x', [size[0], spec.inChannels, ...size.slice(1)], () => random.normal());
  const targets = Object.entries(spec.heads).map(([head, classes]) =>
    draw(`target.${head}`, size, () => Math.floor(random.uniform() * classes)),
  );
  return { spec, size, weights, x, targets };
}

/** PyTorch's answers to each case, by name. @param module the folder of load_student.py. */
export function askTorch(
  cases: readonly TorchCase[],
  module: string = join(projectRoot, 'python'),
): ReadonlyMap<string, NamedTensor>[] {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-torch-'));
  try {
    const folders = cases.map(({ spec, weights, x, targets }, index) => {
      const at = join(folder, String(index));
      mkdirSync(at);
      writeFileSync(join(at, 'spec.json'), JSON.stringify(spec));
      writeFileSync(join(at, 'case.safetensors'), encodeSafetensors([...weights, x, ...targets]));
      return at;
    });
    const script = join(projectRoot, 'test/interop/torch_answers.py');
    const done = spawnSync(python, ['-B', script, module, ...folders], { encoding: 'utf8' });
    expect(done.status, `this test needs ${python} with python3-torch: ${done.stderr}`).equal(0);
    return folders.map((at) => {
      const { tensors } = decodeSafetensors(readFileSync(join(at, 'answers.safetensors')));
      return new Map(tensors.map((tensor) => [tensor.name, tensor as NamedTensor]));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
