/** `annulus predict` from files to files: what it answers, what it doubts, what a script learns from it. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { loadPredict } from '../../src/cli/wiring.ts';
import type { RunPredict } from '../../src/cli/world.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { World } from '../../src/cli/world.ts';
import { encodeStudent, intensityDefaults } from '../../src/distill/index.ts';
import { projectRoot } from '../project-root.ts';
import { tinySize, tinySpec, tinyWeights } from '../distill/training-cases.ts';

const shared = join(projectRoot, '..', 'shared');

interface Sidecar {
  readonly plausibility: {
    readonly verdict: string;
    readonly reasons: readonly { readonly code: string; readonly text: string }[];
  };
}

describe('annulus predict', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-predict-'));
  const model = join(folder, 'model');
  before(() => {
    mkdirSync(model);
    const parts = { weights: tinyWeights(tinySpec), intensity: intensityDefaults };
    const student = { spec: tinySpec, ...parts, spacingMm: [6, 6, 6], window: tinySize } as const;
    for (const [name, bytes] of encodeStudent(student)) writeFileSync(join(model, name), bytes);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  let runs = 0;
  async function run(
    input: string,
    flags: readonly string[] = [],
    predict?: RunPredict,
    from = model,
  ): Promise<{ code: number; out: string; err: string; output: string }> {
    let [out, err] = ['', ''];
    const refuse = (): Promise<never> => Promise.reject(new Error('not asked'));
    const world: World = {
      out: (text) => (out += text),
      err: (text) => (err += text),
      erase: () => undefined,
      ...{ dateMs: () => 0, env: {}, terminal: null },
      ...{ isLive: false, columns: 100, nowMs: () => 0, signal: new AbortController().signal },
      ...{ mainJob: refuse, reproduce: refuse },
      predict: () => (predict === undefined ? loadPredict() : Promise.resolve(predict)),
    };
    const output = join(folder, `out-${(runs += 1)}`);
    const files = ['--model', from, '--input', join(shared, input), '--output', output];
    const code = await runCommandLine(['predict', ...files, '--backend', 'wasm', ...flags], world);
    return { code, out, err, output };
  }
  const sidecar = (output: string): Sidecar =>
    JSON.parse(readFileSync(join(output, 'labels.json'), 'utf8')) as Sidecar;

  // The answers in ../shared/tried/README.md, for what concerns predict.
  const refused: readonly (readonly [string, RegExp])[] = [
    ['tried/huge.nii.gz', /huge\.nii\.gz: .*HU from -32768 to 65535/],
    ['tried/oneslice.nii.gz', /less than one heart/],
    ['tried/onevoxel.nii.gz', /less than one heart/],
    ['tried/ext_size_huge.nii', /extension/],
  ];
  for (const [file, words] of refused) {
    it(`refuses ${file} in one line and writes nothing`, async () => {
      const { code, err, out, output } = await run(file);
      expect(code).equal(2);
      expect(err)
        .match(words)
        .and.match(/^[^\n]*\n$/);
      expect(out).equal('');
      expect(() => readFileSync(join(output, 'labels.json'))).throw();
    });
  }

  const doubted: readonly (readonly [string, readonly string[]])[] = [
    ['tried/const.nii.gz', ['constant', 'no_lung', 'no_contrast']],
    ['tried/u16_noint.nii.gz', ['no_lung']],
    ['data/cardiac_ct/cardiac_labels_1.5mm.nii.gz', ['label_map', 'no_lung', 'no_contrast']],
  ];
  for (const [file, codes] of doubted) {
    it(`doubts its answer for ${file} wherever it tells it, and exits with 0, with 1 if strict`, async () => {
      const { code, out, err, output } = await run(file);
      expect(code).equal(0);
      const { verdict, reasons } = sidecar(output).plausibility;
      expect(verdict).equal('implausible');
      expect(reasons.map((reason) => reason.code)).include.members([...codes]);
      expect(out).match(/^IMPLAUSIBLE because\n/);
      expect(err).match(/!{20}\nWARNING\nIMPLAUSIBLE because\n/);
      for (const { text } of reasons) {
        expect(out).contain(`  - ${text}\n`);
        expect(err).contain(`  - ${text}\n`);
      }
      const strict = await run(file, ['--strict', '--format', 'json']);
      expect(strict.code).equal(1);
      expect(strict.err).contain('WARNING');
      const told = JSON.parse(strict.out) as Sidecar & { readonly files: readonly string[] };
      expect(told.plausibility).deep.equal(sidecar(strict.output).plausibility);
      expect(told.files).contain(join(strict.output, 'labels.nii.gz'));
    });
  }

  it("finds the model in a node's home, and says when there is none yet", async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'home.json'), '{}');
    const none = await run('tried/const.nii.gz', [], undefined, home);
    expect(none.code).equal(2);
    expect(none.err).equal(
      `annulus: ${home}: this home has no model yet; its node writes one when the rounds of the student are over\n`,
    );
    cpSync(model, join(home, 'model'), { recursive: true });
    const found = await run('tried/const.nii.gz', [], undefined, home);
    expect(found.code, found.err).equal(0);
  });

  it('names the flag of a segmentation that the model sees none of, in one line', async () => {
    const { code, err } = await run('tried/const.nii.gz', [
      '--heart',
      join(shared, 'tried/const.nii.gz'),
    ]);
    expect(code).equal(2);
    expect(err).equal(
      'annulus: --heart: this model does not see a segmentation of the heart: leave it out\n',
    );
  });

  it('tells the distance between two places that a file names for one image', async () => {
    const { code, err } = await run('tried/sq_disagree.nii.gz');
    expect(code).equal(0);
    // sform x = 3i - 30, qform x = 30 - 3i: 78 mm apart at i = 23.
    expect(err).match(/78\.0 mm apart/);
  });

  it('answers for a gzip with a long extra field as for what is in it', async () => {
    const packed = await run('tried/gz_extra5k.nii.gz');
    const plain = join(folder, 'plain.nii');
    writeFileSync(plain, gunzipSync(readFileSync(join(shared, 'tried/gz_extra5k.nii.gz'))));
    const unpacked = await run(relative(shared, plain));
    expect([packed.code, unpacked.code]).deep.equal([0, 0]);
    for (const name of ['labels.nii.gz', 'labels.json', 'points.mrk.json', 'calc.nii.gz']) {
      const [one, other] = [packed, unpacked].map(({ output }) => readFileSync(join(output, name)));
      expect(one, name).deep.equal(other);
    }
  });

  it('says nothing on standard error of an answer that a heart can have, strict or not', async () => {
    const found: RunPredict = () =>
      Promise.resolve({
        files: new Map(),
        lines: ['plausible', 'RCC 1.0 2.0 3.0 mm RAS'],
        ...{ document: { points: [] }, measures: [], warning: [] },
      });
    for (const flags of [[], ['--strict']]) {
      const { code, out, err } = await run('tried/const.nii.gz', flags, found);
      expect({ code, out, err }).deep.equal({
        ...{ code: 0, err: '', out: 'plausible\nRCC 1.0 2.0 3.0 mm RAS\n' },
      });
    }
  });
});
