import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readingDefaults } from '../../src/data/index.ts';
import type { TakeCaseArgs } from '../../src/distill/index.ts';
import { HostError } from '../../src/host/index.ts';
import { OwnCaseBook, expertGeneration } from '../../src/hospital/index.ts';

const intensity = { clipLowHu: -300, clipHighHu: 1000, meanHu: 100, stdHu: 200 };
const now = (work: () => Promise<void>): Promise<void> => work();

describe("the book of a hospital's own cases", () => {
  let root: string;
  let own: string;
  let store: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'annulus-book-'));
    own = join(root, 'own');
    store = join(root, 'store');
    for (const [split, name] of [
      ['train', 'Smith'],
      ['train', 'Jones'],
      ['test', 'Brown'],
    ] as const) {
      mkdirSync(join(own, split, name), { recursive: true });
      writeFileSync(join(own, split, name, 'ct.nii'), name);
    }
    writeFileSync(join(own, 'train', 'Jones', 'hps.mrk.json'), 'points');
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  /** Takes by writing the text of the CT; a CT of the text `bad` is refused. */
  const taken: string[] = [];
  const pool = {
    size: 2,
    run: (method: string, args: unknown): Promise<unknown> => {
      expect(method).equal('takeCase');
      const { folder, split, id, files } = args as TakeCaseArgs;
      const text = new TextDecoder().decode(files.ct);
      taken.push(`${id} ${text}`);
      if (text === 'bad') return Promise.resolve({ problem: 'ct: expected a NIfTI', notes: [] });
      mkdirSync(join(folder, split), { recursive: true });
      writeFileSync(join(folder, split, `${id}.case`), text);
      return Promise.resolve({ problem: null, notes: [] });
    },
  };
  const bookOf = (pointRadiusMm = 6): OwnCaseBook => {
    taken.length = 0;
    return new OwnCaseBook({
      ...{ hospital: 'L1', folder: own, pool, reading: readingDefaults },
      at: { folder: store, intensity, generation: expertGeneration },
      images: { spacingMm: [3, 3, 3], pointRadiusMm, heart: 'none' },
    });
  };
  const held = (split: string): string[] => readdirSync(join(store, split)).sort();

  it('takes all cases under pseudonyms in the order of their names, and counts their labels', async () => {
    const report = await bookOf().look(now);
    expect([held('train'), held('test')]).deep.equal([
      ['L1-0000.case', 'L1-0001.case'],
      ['L1-0002.case'],
    ]);
    expect(taken.sort()).deep.equal(['L1-0000 Jones', 'L1-0001 Smith', 'L1-0002 Brown']);
    expect(report).deep.equal({
      counts: { hps: 1, ms: 0, calc: 0, unlabelled: 1, test: 1 },
      ...{ taken: 3, removed: 0, setAside: [] },
    });
  });

  it('takes nothing twice, also after a restart', async () => {
    await bookOf().look(now);
    const report = await bookOf().look(now);
    expect(taken).deep.equal([]);
    expect(report).deep.include({ taken: 0, removed: 0 });
    expect(report.counts).deep.equal({ hps: 1, ms: 0, calc: 0, unlabelled: 1, test: 1 });
  });

  it('takes what came, takes again what changed and removes what is gone, under the same pseudonyms', async () => {
    await bookOf().look(now);
    const book = bookOf();
    mkdirSync(join(own, 'train', 'Adams'));
    writeFileSync(join(own, 'train', 'Adams', 'ct.nii'), 'Adams');
    writeFileSync(join(own, 'train', 'Smith', 'ct.nii'), 'Smith again');
    rmSync(join(own, 'train', 'Jones'), { recursive: true });
    const report = await book.look(now);
    expect(taken.sort()).deep.equal(['L1-0001 Smith again', 'L1-0003 Adams']);
    expect(held('train')).deep.equal(['L1-0001.case', 'L1-0003.case']);
    expect(report).deep.include({ taken: 2, removed: 1 });
  });

  it('sets aside what cannot be used and says why; what was taken of it before is gone', async () => {
    await bookOf().look(now);
    const book = bookOf();
    writeFileSync(join(own, 'train', 'Smith', 'ct.nii'), 'bad');
    mkdirSync(join(own, 'train', 'Empty'));
    const report = await book.look(now);
    expect(held('train')).deep.equal(['L1-0000.case']);
    expect(report.setAside.map(({ name }) => name)).deep.equal(['train/Empty', 'train/Smith']);
    expect(report.setAside[1]!.problem).equal('ct: expected a NIfTI');
    expect(report.counts.unlabelled).equal(0);
    // Not asked again until its files change.
    taken.length = 0;
    expect((await book.look(now)).setAside.length).equal(2);
    expect(taken).deep.equal([]);
    writeFileSync(join(own, 'train', 'Smith', 'ct.nii'), 'well');
    utimesSync(join(own, 'train', 'Smith', 'ct.nii'), 1, 1);
    expect((await book.look(now)).taken).equal(1);
  });

  it('takes all again when the plan sees images otherwise', async () => {
    await bookOf(6).look(now);
    expect((await bookOf(7).look(now)).taken).equal(3);
    expect(taken.length).equal(3);
  });

  it('keeps what it has while the folder is away', async () => {
    await bookOf().look(now);
    rmSync(own, { recursive: true });
    const error = await bookOf()
      .look(now)
      .catch((thrown: unknown) => thrown);
    expect(error).instanceOf(HostError);
    expect((error as HostError).code).equal('bad_cases');
    expect(held('train').length).equal(2);
  });

  it('removes a case that no book knows: a crash left it', async () => {
    mkdirSync(join(store, 'train'), { recursive: true });
    writeFileSync(join(store, 'train', 'L1-0099.case'), 'left');
    await bookOf().look(now);
    expect(held('train')).deep.equal(['L1-0000.case', 'L1-0001.case']);
  });
});
