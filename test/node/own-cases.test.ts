import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { countOwnCases, listOwnCases, NodeError, readCaseFiles } from '../../src/node/index.ts';

describe('a folder of own cases', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-own-'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  const put = async (...names: string[]): Promise<void> => {
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), name);
    }
  };
  const refusal = async (): Promise<unknown> =>
    listOwnCases(folder).then(
      () => null,
      (error: unknown) => error,
    );

  it('gives the cases to train on before those held out, by name, and counts labels', async () => {
    await put('train/b/ct.nii', 'train/b/hps.mrk.json', 'train/b/calc.nii.gz');
    await put('train/a/ct.nii.gz', 'train/c/ct.nii.gz', 'train/c/ms.mrk.json', 'train/d/ct.nii');
    await put('test/x y/ct.nii.gz', 'test/x y/hps.mrk.json', 'train/.DS_Store', '.git/config');
    const cases = await listOwnCases(folder);
    expect(cases.map(({ shelf, name }) => [shelf, name])).deep.equal([
      ['train', 'train/a'],
      ['train', 'train/b'],
      ['train', 'train/c'],
      ['train', 'train/d'],
      ['test', 'test/x y'],
    ]);
    // Labels are not nested: one of hps and calc, another of ms; four to train on.
    expect(countOwnCases(cases)).deep.equal({ hps: 1, ms: 1, calc: 1, unlabelled: 3, test: 1 });
    const read = await readCaseFiles(cases[1]!);
    expect(Object.keys(read).sort()).deep.equal(['calc', 'ct', 'hps']);
    expect(new TextDecoder().decode(read.calc)).equal('train/b/calc.nii.gz');
  });

  for (const [title, names, path, said] of [
    [
      'a label under another name',
      ['train/a/ct.nii', 'train/a/hsp.mrk.json'],
      'train/a/hsp.mrk.json',
      'hps.mrk.json',
    ],
    ['a case without a CT', ['train/a/hps.mrk.json'], 'train/a', 'ct.nii.gz'],
    ['a case with two CTs', ['train/a/ct.nii', 'train/a/ct.nii.gz'], 'train/a', 'two'],
    [
      'a file beside the cases',
      ['train/a/ct.nii', 'train/list.csv'],
      'train/list.csv',
      'got a file',
    ],
    ['a shelf of another name', ['train/a/ct.nii', 'val/a/ct.nii'], 'val', 'train and test'],
    ['nothing to train on', ['test/a/ct.nii'], '', 'train has none'],
    ['nothing at all', [], '', 'train and test'],
  ] as const) {
    it(`refuses ${title}, naming the place`, async () => {
      await put(...names);
      const error = await refusal();
      expect(error).instanceOf(NodeError);
      const { facts, message } = error as NodeError;
      expect(facts).include({ code: 'bad_cases', path: join(folder, path) });
      expect(message).contain(said);
    });
  }

  it('refuses a folder that is not there', async () => {
    const there = folder;
    folder = join(there, 'gone');
    const error = await refusal();
    folder = there;
    expect(error).instanceOf(NodeError).and.have.property('code', 'bad_cases');
  });
});
