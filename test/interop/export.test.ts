/** `annulus export` as typed, and what PyTorch makes of the folder. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { decodeStudent, encodeStudent } from '../../src/distill/index.ts';
import { smallStudent as student } from '../distill/small-student.ts';
import { runTyped, type Told } from '../cli/typed.ts';
import { python } from './torch.ts';

describe('annulus export', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-export-'));
  const model = join(folder, 'model');

  before(() => {
    mkdirSync(model);
    mkdirSync(join(folder, 'bare'));
    for (const [name, bytes] of encodeStudent(student)) writeFileSync(join(model, name), bytes);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const typed = (format: string, output: string, from = model): Promise<Told> =>
    runTyped(['export', '--model', from, '--format', format, '--output', output]);

  it('says what the formats are', async () => {
    const { code, out } = await runTyped(['export', '--help']);
    expect(code).equal(0);
    expect(out).contain('--format safetensors --output');
  });

  describe('for PyTorch', () => {
    const output = join(folder, 'torch');
    before(async () => {
      expect(await typed('safetensors', output)).deep.include({ code: 0, err: '' });
    });

    it('writes the model as it is, and a loader', () => {
      const names = readdirSync(output).sort();
      expect(names).deep.equal(['load_student.py', 'model.json', 'model.safetensors']);
      const files = new Map(names.map((name) => [name, readFileSync(join(output, name))]));
      expect(decodeStudent(files).weights).deep.equal(student.weights);
    });

    it('is read and run by the loader in it', () => {
      const done = spawnSync(python, ['-B', join(output, 'load_student.py'), output], {
        encoding: 'utf8',
      });
      expect(done.status, `this test needs ${python} with python3-torch: ${done.stderr}`).equal(0);
      const count = student.weights.reduce((sum, { data }) => sum + data.length, 0);
      expect(done.stdout).contain(`swin-unetr of ${count} parameters`);
      expect(done.stdout).contain('window of (16, 16, 24) voxels of (3, 2.5, 2) mm');
      expect(done.stdout).match(/^hps \(1, 6, 16, 16, 24\) from /m);
    });

    it('is refused by the loader when a weight was changed', () => {
      const bytes = readFileSync(join(output, 'model.safetensors'));
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(join(output, 'model.safetensors'), bytes);
      const done = spawnSync(python, ['-B', join(output, 'load_student.py'), output], {
        encoding: 'utf8',
      });
      expect(done.status).equal(1);
      expect(done.stderr).contain('its SHA-256 is not the digest of model.json');
    });
  });

  it('writes a bundle in its folders', async () => {
    const output = join(folder, 'bundle');
    expect(await typed('bundle', output)).deep.include({ code: 0, err: '' });
    expect(readdirSync(output).sort()).deep.equal([
      'LICENSE',
      'configs',
      'docs',
      'models',
      'scripts',
    ]);
  });

  const mistakes: readonly (readonly [string, () => Promise<Told>, RegExp])[] = [
    ['another format', () => typed('pickle', join(folder, 'a')), /Allowed choices are safetensors/],
    ['a full folder', () => typed('safetensors', model), /the output folder is not empty/],
    [
      'no model',
      () => typed('safetensors', join(folder, 'b'), join(folder, 'bare')),
      /found 0 files/,
    ],
  ];
  for (const [what, type, message] of mistakes) {
    it(`refuses ${what} in one line, with nothing written`, async () => {
      const before = readdirSync(folder);
      const { code, err } = await type();
      expect(code).equal(2);
      expect(err)
        .match(message)
        .and.match(/^annulus: .*\n$/);
      expect(readdirSync(folder)).deep.equal(before);
    });
  }
});
