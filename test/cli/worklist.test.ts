/** `annulus predict --worklist`: one bad CT does not stop the others, and a run that was stopped goes on. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunPredict } from '../../src/cli/world.ts';
import { DataError } from '../../src/data/index.ts';
import { encodeStudent, intensityDefaults } from '../../src/distill/index.ts';
import { tinySize, tinySpec, tinyWeights } from '../distill/training-cases.ts';
import { runTyped, type Told } from './typed.ts';

interface Summary {
  readonly counts: Readonly<Record<string, number>>;
  readonly studies: readonly { readonly id: string; readonly status: string; readonly error: string | null }[]; // prettier-ignore
}

describe('annulus predict --worklist', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-worklist-'));
  const at = (...parts: string[]): string => join(folder, ...parts);
  /** Names of the CTs that were predicted since it was emptied. */
  const predicted: string[] = [];
  /** One that is no CT, until it is mended; and one whose disk is full. */
  let [bad, full] = ['', ''];
  const predict: RunPredict = ({ image, onNote }) => {
    predicted.push(image.name);
    if (image.name === bad) {
      throw new DataError({ code: 'bad_field', field: 'voxels' }, 'ct.nii: expected HU');
    }
    if (image.name === full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    onNote('a note');
    const isOdd = image.name.endsWith('b.nii');
    return Promise.resolve({
      files: new Map([['measures.json', new Uint8Array([123, 125])]]),
      ...{ lines: [], document: {}, warning: isOdd ? ['IMPLAUSIBLE because'] : [] },
      measures: [
        {
          ...{ id: 'annulus_diameter', title: 'annulus', unit: 'mm', value: 23.4, reason: null },
          flag: { verdict: 'plausible', range: null, text: null },
        },
      ],
    });
  };
  const run = (output: string, list: string, flags: readonly string[] = []): Promise<Told> => {
    predicted.length = 0;
    const paths = ['--model', at('model'), '--worklist', list, '--output', output];
    return runTyped(['predict', ...paths, ...flags], { predict: () => Promise.resolve(predict) });
  };
  const summaryOf = (output: string): Summary =>
    JSON.parse(readFileSync(join(output, 'summary.json'), 'utf8')) as Summary;

  before(() => {
    mkdirSync(at('model'));
    const parts = { weights: tinyWeights(tinySpec), intensity: intensityDefaults };
    const student = { spec: tinySpec, ...parts, spacingMm: [6, 6, 6], window: tinySize } as const;
    for (const [name, bytes] of encodeStudent(student)) writeFileSync(at('model', name), bytes);
    mkdirSync(at('cts'));
    for (const name of ['a.nii', 'b.nii', 'c.nii', 'notes.txt', '.hidden.nii']) {
      writeFileSync(at('cts', name), 'x');
    }
    writeFileSync(at('list.csv'), 'id,input\nP1,cts/a.nii\nP2,cts/b.nii\nP3,cts/c.nii\n');
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    [bad, full] = ['', ''];
  });

  it('gives each CT a folder, and a line in the summary; paths count from the list', async () => {
    const { code, out, err } = await run(at('out'), at('list.csv'));
    expect(code, err).equal(0);
    expect(predicted).deep.equal(['a', 'b', 'c'].map((name) => at('cts', `${name}.nii`)));
    expect(readdirSync(at('out')).sort()).deep.equal(['P1', 'P2', 'P3', 'summary.csv', 'summary.json', 'worklist.json']); // prettier-ignore
    expect(readdirSync(at('out', 'P1')).sort()).deep.equal(['measures.json', 'result.json']);
    expect(out).contain('P1  plausible    annulus 23.4 mm\n');
    expect(out).contain('3 of 3 done, 1 of them implausible, 0 failed\n');
    expect(err).contain('P1: a note\n');
    expect(summaryOf(at('out')).counts).deep.equal({ done: 3, implausible: 1, failed: 0, waiting: 0 }); // prettier-ignore
  });

  it('does nothing again when all is done, and exits with 1 if strict and one is implausible', async () => {
    expect((await run(at('out'), at('list.csv'))).code).equal(0);
    expect(predicted).deep.equal([]);
    expect((await run(at('out'), at('list.csv'), ['--strict'])).code).equal(1);
    expect(predicted).deep.equal([]);
  });

  it('goes on past a CT that fails, exits with 1, and tries it again the next time', async () => {
    bad = at('cts', 'b.nii');
    const first = await run(at('mended'), at('list.csv'));
    expect(first.code).equal(1);
    expect(predicted.length).equal(3);
    expect(first.out).contain('P2  failed: ct.nii: expected HU\n');
    expect(summaryOf(at('mended')).studies[1]).deep.include({ id: 'P2', status: 'failed', error: 'ct.nii: expected HU' }); // prettier-ignore
    bad = '';
    expect((await run(at('mended'), at('list.csv'))).code).equal(0);
    expect(predicted).deep.equal([at('cts', 'b.nii')]);
    expect(summaryOf(at('mended')).counts).deep.include({ done: 3, failed: 0 });
  });

  it('stops where every other CT would fail too, and goes on from there', async () => {
    full = at('cts', 'b.nii');
    const stopped = await run(at('stopped'), at('list.csv'));
    expect(stopped.code).equal(3);
    expect(stopped.err).contain('the disk is full');
    expect(summaryOf(at('stopped')).studies.map(({ status }) => status)).deep.equal(['done', 'waiting', 'waiting']); // prettier-ignore
    // As a kill in the middle of writing would leave it.
    mkdirSync(at('stopped', 'P2.part'));
    writeFileSync(at('stopped', 'P2.part', 'half'), 'x');
    full = '';
    expect((await run(at('stopped'), at('list.csv'))).code).equal(0);
    expect(predicted.length).equal(2);
    expect(readdirSync(at('stopped', 'P2')).sort()).deep.equal(['measures.json', 'result.json']);
  });

  it('takes what is in a folder, numbered, and says it as data', async () => {
    const { code, out } = await run(at('from-folder'), at('cts'), ['--format', 'json']);
    expect(code).equal(0);
    const told = JSON.parse(out) as Summary;
    expect(told.studies.map(({ id }) => id)).deep.equal(['case-0001', 'case-0002', 'case-0003']);
    // Paths may hold names: they stand in the list alone.
    expect(out).not.contain('cts');
    expect(readFileSync(at('from-folder', 'worklist.json'), 'utf8')).contain(at('cts', 'a.nii'));
  });

  it('refuses results of another list, a folder of something else, and flags of one CT', async () => {
    writeFileSync(at('other.csv'), 'id,input\nP1,cts/b.nii\n');
    const other = await run(at('out'), at('other.csv'));
    expect(other.code).equal(2);
    expect(other.err).contain('expected results of the same worklist and the same model');
    expect((await run(at('cts'), at('list.csv'))).err).contain('the output folder is not empty');
    mkdirSync(at('empty'));
    expect((await run(at('o'), at('empty'))).err).contain('folders of DICOM files, got none');
    expect((await run(at('o'), at('none.csv'))).err).contain('no such file');
    const both = await run(at('o'), at('list.csv'), ['--series', 'ct-00000000']);
    expect(both.code).equal(2);
    expect(both.err).contain('--series is of one CT: in a worklist it is the column series');
    expect((await run(at('o'), at('list.csv'), ['--input', at('cts', 'a.nii')])).code).equal(2);
    expect(predicted).deep.equal([]);
  });
});
