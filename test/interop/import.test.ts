/** `annulus import` as typed, from files that `annulus export` or another program wrote. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { seededRandom } from '../../src/base/index.ts';
import { loadArchitecture, modelSpecFor } from '../../src/config/index.ts';
import { encodeStudent, intensityDefaults } from '../../src/distill/index.ts';
import type { ImportReport } from '../../src/interop/index.ts';
import { initialWeights } from '../../src/models/index.ts';
import { encodeSafetensors, modelDigest } from '../../src/weights/index.ts';
import { projectRoot } from '../project-root.ts';
import { runTyped } from '../cli/typed.ts';

const network = readFileSync(join(projectRoot, 'config/models/small-swin-unetr.yaml'), 'utf8');
const spec = modelSpecFor(loadArchitecture(network, 'small'), ['hps', 'ms', 'calc']);
const weights = initialWeights(spec, seededRandom('import'));

describe('annulus import', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-import-'));
  const at = (name: string): string => join(folder, name);
  const modelOf = (name: string): string[] => [
    ...[at(name), '--model', 'small-swin-unetr', '--output'],
  ];

  before(() => {
    mkdirSync(at('model'));
    const student = {
      ...{ spec, weights, intensity: intensityDefaults },
      spacingMm: [3, 3, 3],
      window: [32, 32, 32],
    } as const;
    for (const [name, bytes] of encodeStudent(student)) writeFileSync(at(`model/${name}`), bytes);
    const foreign = weights
      .filter(({ name }) => name.includes('swinViT'))
      .map((tensor) => ({ ...tensor, name: tensor.name.replace('swin_unetr.', 'module.') }));
    const out = {
      name: 'module.out.conv.conv.bias\u001b[2J',
      shape: [14],
      data: new Float32Array(14),
    };
    writeFileSync(at('foreign.safetensors'), encodeSafetensors([...foreign, out]));
    writeFileSync(at('page.safetensors'), '<!doctype html>');
    writeFileSync(at('c.pth'), Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 8, 8));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('gives the digest of what was exported', async () => {
    const exported = [
      '--model',
      at('model'),
      '--format',
      'safetensors',
      '--output',
      at('exported'),
    ];
    expect((await runTyped(['export', ...exported])).code).equal(0);
    const told = await runTyped([
      ...['import', ...modelOf('exported/model.safetensors'), at('back')],
      ...['--spacing', '3,3,3', '--window', '32,32,32'],
    ]);
    expect([told.code, told.err]).deep.equal([0, '']);
    expect(told.out)
      .contain(`digest ${modelDigest(weights)}`)
      .and.contain('100.0 % of the numbers');
    for (const name of ['model.json', 'model.safetensors']) {
      expect(readFileSync(at(`back/${name}`)), name).deep.equal(readFileSync(at(`model/${name}`)));
    }
  });

  it('says what it took, left and lacked, in text without what a name could do to a terminal', async () => {
    const { code, out } = await runTyped(['import', ...modelOf('foreign.safetensors'), at('text')]);
    expect(code).equal(0);
    expect(out).match(/^loaded {4}\d+ of \d+ parameters, \d+\.\d % of the numbers, from F32$/m);
    expect(out).contain('names     module. read as swin_unetr.\n');
    expect(out).contain('module.out.conv.conv.bias\\u001b[2J [14]: a head of another task\n');
    expect(out).match(/^missing {3}swin_unetr\.encoder1.* and \d+ more: begin anew$/m);
  });

  it('says the same in one JSON document', async () => {
    const args = ['import', ...modelOf('foreign.safetensors'), at('json'), '--format', 'json'];
    const { out } = await runTyped(args);
    const told = JSON.parse(out) as ImportReport & { readonly folder: string };
    expect(told.folder).equal(at('json'));
    expect(told.loaded.length + told.missing.length).equal(weights.length);
    expect(told.skipped.map(({ shape }) => shape)).deep.equal([[14]]);
  });

  it('shows how to convert a pickle, and tells who brings one', async () => {
    const help = await runTyped(['import', '--help']);
    expect(help.out).contain('save_file(').and.contain('weights_only=True');
  });

  const mistakes: readonly (readonly [string, string[], RegExp])[] = [
    ['a pickle', [...modelOf('c.pth'), at('a')], /c\.pth: this is a PyTorch pickle/],
    [
      'a file of another kind',
      [...modelOf('page.safetensors'), at('a')],
      /page\.safetensors: .*expected a \.safetensors file, got a web page/,
    ],
    ['no file', [...modelOf('none'), at('a')], /no such file/],
    [
      'an unknown network',
      [at('c.pth'), '--model', 'small-swin-unet', '--output', at('a')],
      /did you mean small-swin-unetr/,
    ],
    [
      'an unknown task',
      [...modelOf('foreign.safetensors'), at('a'), '--tasks', 'hps,heart'],
      /--tasks: expected some of hps,ms,calc/,
    ],
    [
      'a window of two sides',
      [...modelOf('foreign.safetensors'), at('a'), '--window', '8,8'],
      /--window: expected 3 numbers/,
    ],
    [
      'a window that cannot be halved',
      [...modelOf('foreign.safetensors'), at('a'), '--window', '20,16,16'],
      /multiples of 8/,
    ],
    [
      'a spacing out of range',
      [...modelOf('foreign.safetensors'), at('a'), '--spacing', '1,1,99'],
      /spacingMm/,
    ],
    ['a full folder', [...modelOf('foreign.safetensors'), folder], /not empty/],
  ];
  for (const [what, args, message] of mistakes) {
    it(`refuses ${what} in one line, with nothing written`, async () => {
      const names = readdirSync(folder);
      const { code, err } = await runTyped(['import', ...args]);
      expect(code).equal(2);
      expect(err)
        .match(message)
        .and.match(/^annulus: .*\n$/);
      expect(readdirSync(folder)).deep.equal(names);
    });
  }
});
