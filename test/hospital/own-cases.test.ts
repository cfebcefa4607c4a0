import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { countOwnCases, listOwnCases, readCaseFiles, trying } from '../../src/hospital/index.ts';
import { HostError } from '../../src/host/index.ts';

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
    const { cases, setAside, passedOver } = await listOwnCases(folder);
    expect(cases.map(({ split, name }) => [split, name])).deep.equal([
      ['train', 'train/a'],
      ['train', 'train/b'],
      ['train', 'train/c'],
      ['train', 'train/d'],
      ['test', 'test/x y'],
    ]);
    expect([setAside, passedOver]).deep.equal([[], 2]);
    // Labels are not nested: one of hps and calc, another of ms; four to train on.
    expect(countOwnCases(cases)).deep.equal({ hps: 1, ms: 1, calc: 1, unlabelled: 3, test: 1 });
    const read = await readCaseFiles(cases[1]!, 1000);
    expect(Object.keys(read).sort()).deep.equal(['calc', 'ct', 'hps']);
    expect(new TextDecoder().decode(read.calc)).equal('train/b/calc.nii.gz');
  });

  /** What else a case's folder may hold, where it is named, and words of the reason. */
  const odd: readonly (readonly [title: string, make: () => Promise<unknown>, name: string, said: RegExp])[] = [
    ['a label under another name', () => put('train/b/ct.nii', 'train/b/hsp.mrk.json'), 'train/b', /hsp\.mrk\.json: expected .*hps\.mrk\.json/],
    ['a case without a CT', () => put('train/b/hps.mrk.json'), 'train/b', /expected ct\.nii\.gz/],
    ['a case with two CTs', () => put('train/b/ct.nii', 'train/b/ct.nii.gz'), 'train/b', /one file of ct, got two/],
    ['a case with CT.NII.GZ beside ct.nii.gz', () => put('train/b/ct.nii.gz', 'train/b/CT.NII.GZ'), 'train/b', /one file of ct, got two/],
    ['a file beside the cases', () => put('train/b.csv'), 'train/b.csv', /got a file/],
    ['a folder of another name', () => put('val/b/ct.nii'), 'val', /train and test/],
    ['a folder in the place of a CT', () => put('train/b/ct.nii.gz/x'), 'train/b', /expected a file, got a folder/],
    ['a pipe in the place of a CT', async () => pipe('train/b', 'ct.nii.gz'), 'train/b', /expected a file, got a pipe/],
    ['a pipe in the place of a case', async () => pipe('train', 'b'), 'train/b', /a folder for each case, got a pipe/],
    ['a link to nothing in the place of a CT', async () => link('gone', 'train/b', 'ct.nii.gz'), 'train/b', /a link to nothing/],
    ['a link to nothing in the place of a case', async () => link('gone', 'train', 'b'), 'train/b', /a link to nothing/],
    ['a link to itself', async () => link('b', 'train', 'b'), 'train/b', /a circle of links/],
    ['a device in the place of a CT', async () => link('/dev/null', 'train/b', 'ct.nii'), 'train/b', /a device/],
    ['a download that was not finished', () => put('train/b/ct.nii.gz.part'), 'train/b', /ct\.nii\.gz\.part/],
    ['an empty folder', async () => mkdir(join(folder, 'train/b'), { recursive: true }), 'train/b', /ct\.nii\.gz/],
  ]; // prettier-ignore
  const pipe = async (at: string, name: string): Promise<void> => {
    await mkdir(join(folder, at), { recursive: true });
    execFileSync('mkfifo', [join(folder, at, name)]);
  };
  const link = async (to: string, at: string, name: string): Promise<void> => {
    await mkdir(join(folder, at), { recursive: true });
    await symlink(to, join(folder, at, name));
  };
  for (const [title, make, name, said] of odd) {
    it(`sets ${title} aside by name, and goes on with the rest`, async () => {
      await put('train/a/ct.nii', 'train/c/ct.nii', 'test/d/ct.nii');
      await make();
      const { cases, setAside } = await listOwnCases(folder);
      expect(cases.map((one) => one.name)).deep.equal(['train/a', 'train/c', 'test/d']);
      expect(setAside.map((one) => one.name)).deep.equal([name]);
      expect(setAside[0]?.problem).match(said);
    });
  }

  it('passes over and counts what systems leave behind, and reads names in capitals', async () => {
    await put('train/a/CT.NII.GZ', 'train/a/HPS.MRK.JSON', 'train/a/Thumbs.db', 'train/a/._ct.nii');
    await put('train/desktop.ini', 'train/.DS_Store', 'Thumbs.db', '__MACOSX/train/a/._ct.nii');
    await put('train/a/@eaDir/x', '$RECYCLE.BIN/x');
    const { cases, setAside, passedOver } = await listOwnCases(folder);
    expect(setAside).deep.equal([]);
    // Two and @eaDir in the case, two in train, three at the top.
    expect(passedOver).equal(8);
    expect(Object.keys(cases[0]?.files ?? {}).sort()).deep.equal(['ct', 'hps']);
  });

  it('does not wait for a pipe that took the place of a file since, nor read more than it may', async () => {
    await put('train/a/ct.nii');
    const [one] = (await listOwnCases(folder)).cases;
    const problem = async (bytesMax: number): Promise<unknown> =>
      trying(() => readCaseFiles(one!, bytesMax));
    // 'train/a/ct.nii' has 14 characters.
    expect(await problem(14)).property('made');
    expect(await problem(13))
      .property('problem')
      .match(/at most 13 bytes, got 14/);
    await rm(join(folder, 'train/a/ct.nii'));
    await pipe('train/a', 'ct.nii');
    expect(await problem(14))
      .property('problem')
      .match(/expected a file/);
  });

  for (const [title, names, said] of [
    ['nothing at all', [], 'train and test'],
    ['neither train nor test', ['val/a/ct.nii'], 'train and test'],
  ] as const) {
    it(`refuses ${title}`, async () => {
      await put(...names);
      const error = await refusal();
      expect(error).instanceOf(HostError);
      const { facts, message } = error as HostError;
      expect(facts).include({ code: 'bad_cases', path: folder });
      expect(message).contain(said);
    });
  }

  it('refuses a folder that is not there', async () => {
    const there = folder;
    folder = join(there, 'gone');
    const error = await refusal();
    folder = there;
    expect(error).instanceOf(HostError).and.have.property('code', 'bad_cases');
  });
});
