/** Exports of a PACS through the command: several patients in one, labels as DICOM SEG, and what such an export has besides. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import {
  calciumWords,
  decodeNifti,
  encodeMarkups,
  encodeSegmentation,
  makePhantom,
  phantomDefaults,
  pointNames,
  readDicomSeries,
  type Volume,
} from '../../src/data/index.ts';
import { dicomCt } from '../data/dicom-ct.ts';
import { filesWith } from '../data/dicom/folders.ts';
import { runTyped } from './typed.ts';

interface Document {
  readonly ready: number;
  readonly new: number;
  readonly same: number;
  readonly cases: readonly {
    readonly name: string;
    readonly stored: string | null;
    readonly outcome: string;
    readonly state: string;
    readonly labels: readonly string[];
    readonly notes: readonly string[];
    readonly problem: { readonly rule: string; readonly text: string; readonly fix: string } | null;
  }[];
}

/** One thread: what is tried here are small volumes. */
async function json(...args: string[]): Promise<Document & { readonly code: number }> {
  const { code, out, err } = await runTyped([...args, '--format', 'json', '--workers', '1']);
  expect(err, args.join(' ')).equal('');
  return { ...(JSON.parse(out) as Document), code };
}

const { image, truth } = makePhantom(seededRandom('site exports'), {
  ...phantomDefaults,
  ...{ shape: [20, 22, 24], spacingMm: [6, 6, 6], calciumShare: 1, poseSpread: 0 },
});

/** The phantom with another value in its first voxel: another patient, as far as hashes go. */
function patient(n: number): Volume {
  const data = image.data.map(Math.round);
  data[0] = n;
  return { ...image, data };
}

const points = encodeMarkups(pointNames.map((label) => ({ label, position: truth.points[label] })));

describe('an export of a PACS', function () {
  this.timeout(300_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-export-'));
  });
  after(async () => rm(folder, { recursive: true }));

  const at = (name: string): string => join(folder, name);
  const write = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), bytes);
  };
  async function putSeries(
    name: string,
    n: number,
    facts: Omit<Parameters<typeof dicomCt>[1], 'uid'> & { readonly uid?: string },
  ): Promise<void> {
    const slices = dicomCt(patient(n), { uid: `1.2.${n}`, ...facts });
    for (const [k, bytes] of slices.entries()) await write(`${name}/IM${k}`, bytes);
  }
  /** What 3D Slicer or our own predict saves beside a series. */
  async function segmentationOf(n: number, who: string): Promise<Uint8Array> {
    const slices = dicomCt(patient(n), { uid: `1.2.${n}`, patient: who });
    const files = filesWith(new Map(slices.map((bytes, k) => [`IM${k}`, bytes])));
    const [series] = (await readDicomSeries(files)).series;
    if (series === undefined) throw new Error('expected the series');
    // The series has its rows from front to back and, as its normal points down, its slices from above: the phantom has neither.
    const [depth, height, width] = image.shape;
    const map = new Uint8Array(depth * height * width);
    truth.calcium.forEach((held, index) => {
      const [row, column] = [Math.floor(index / width) % height, index % width];
      const k = Math.floor(index / (width * height));
      map[((depth - 1 - k) * height + (height - 1 - row)) * width + column] = held;
    });
    const bytes = await encodeSegmentation({
      series,
      segments: [{ words: calciumWords, value: 1, map }],
      uids: { series: '2.25.1', instance: '2.25.2', dimension: '2.25.3', study: '', frame: '' },
      ...{ date: '20260102', time: '030405', version: '0.1.0', model: '0123abcd' },
    });
    return bytes ?? new Uint8Array(0);
  }

  it('with several patients becomes a case of each, with the labels that are its own', async () => {
    await putSeries('export/DICOM/PA0/ST0/SE0', 1, { patient: 'Ada' });
    await putSeries('export/DICOM/PA1/ST0/SE0', 2, { patient: 'Bob' });
    // Two studies of one patient, the second of which lacks a slice.
    await putSeries('export/DICOM/PA1/ST1/SE0', 3, { patient: 'Bob' });
    await rm(at('export/DICOM/PA1/ST1/SE0/IM9'));
    await write('export/DICOMDIR', 'index of the export');
    await write('export/DICOM/PA0/ST0/F.mrk.json', points);
    // Lies elsewhere, and says itself whose it is.
    await write('export/DICOM/SEG/IM0', await segmentationOf(2, 'Bob'));
    const first = await json('data', 'import', at('export'), '--into', at('store'), '--keep-implausible'); // prettier-ignore
    expect(first.cases.map(({ name, outcome, labels }) => [name, outcome, labels])).deep.equal([
      ['export#1', 'new', ['hps', 'ms']],
      ['export#2', 'new', ['calc']],
      ['export#3', 'quarantined', []],
    ]);
    expect(first.cases[0]?.notes.join()).contain('its files are below DICOM/PA0/ST0/SE0/');
    expect(first.cases[2]?.problem).include({ rule: 'missing_slices' });
    const calcium = decodeNifti(await readFile(at('store/train/case-0002/calc.nii.gz'))).volume;
    expect([...calcium.data]).deep.equal([...truth.calcium]);
    const second = await json('data', 'import', at('export'), '--into', at('store'), '--keep-implausible'); // prettier-ignore
    expect(second).include({ code: 1, new: 0, same: 2 });
    // A slice that comes later mends its case, under its own number.
    await putSeries('export/DICOM/PA1/ST1/SE0', 3, { patient: 'Bob' });
    const mended = await json('data', 'import', at('export'), '--into', at('store'), '--keep-implausible'); // prettier-ignore
    expect(mended).include({ code: 0, new: 1, same: 2 });
    expect(mended.cases[2]?.stored).equal('train/case-0003');
    const index = await readFile(at('store/.annulus/cases.json'), 'utf8');
    for (const secret of ['Ada', 'Bob', 'PA1', '1.2.']) expect(index).not.contain(secret);
  });

  it('has both studies of a patient on one side when cases are held out', async () => {
    const held = await json('data', 'import', at('export'), '--into', at('held'), '--held-out', '2', '--keep-implausible'); // prettier-ignore
    expect(held.cases.map(({ stored }) => stored)).deep.equal([
      ...['train/case-0001', 'test/case-0002', 'test/case-0003'],
    ]);
  });

  it('is the same as a ZIP, and each of its cases can be shown', async () => {
    execFileSync('/usr/bin/python3', ['-m', 'zipfile', '-c', at('a.zip'), at('export/DICOM')]);
    const { code, cases } = await json('data', 'check', at('a.zip'), '--keep-implausible');
    expect(code).equal(0);
    expect(cases.map(({ name, state, labels }) => [name, state, labels])).deep.equal([
      ['a.zip#1', 'ready', ['hps', 'ms']],
      ['a.zip#2', 'ready', ['calc']],
      ['a.zip#3', 'ready', []],
    ]);
    const flags = ['--case', 'a.zip#2', '--output', at('look')];
    const shown = await runTyped(['data', 'preview', at('a.zip'), ...flags]);
    expect([shown.code, shown.err]).deep.equal([0, '']);
    expect(shown.out).contain('1 case, 0 of them could not be shown');
  });

  it('is not taken apart where nobody can tell whose a label is', async () => {
    await write('export/calc.nii.gz', 'a map');
    const { cases } = await json('data', 'check', at('export'), '--keep-implausible');
    expect(cases.map(({ state, problem }) => [state, problem?.rule])).deep.equal([
      ['quarantined', 'whose_label'],
    ]);
    expect(cases[0]?.problem?.text).match(/calc\.nii\.gz: expected labels beside one CT, got 3/);
    await rm(at('export/calc.nii.gz'));
  });

  it('with several series in a study asks which, and takes the one that is named', async () => {
    await putSeries('phases/a', 4, { patient: 'Ada' });
    await putSeries('phases/b', 5, { uid: '1.2.4', patient: 'Ada', series: 3 });
    // As an export that is one case: with its index.
    await write('phases/DICOMDIR', '');
    const asked = await json('data', 'check', at('phases'));
    const [one] = asked.cases;
    expect([one?.name, one?.state, one?.problem?.rule]).deep.equal(['phases', 'ask', 'several_series']); // prettier-ignore
    const keys = one?.problem?.text.match(/ct-[0-9a-f]{8} \(20 slices, 6 mm apart\)/g) ?? [];
    expect(keys).length(2);
    expect(one?.problem?.fix).contain('--series ct-');
    // As many slices in both: the largest is none of them.
    const largest = await json('data', 'check', at('phases'), '--series', 'largest');
    expect(largest.cases[0]?.state).equal('ask');
    for (const [n, key] of keys.entries()) {
      const store = at(`phase-${n}`);
      const named = await json('data', 'import', at('phases'), '--series', key.slice(0, 11), '--into', store); // prettier-ignore
      expect(named).include({ code: 0, new: 1 });
    }
    const kept = await Promise.all([0, 1].map((n) => readFile(at(`phase-${n}/train/case-0001/ct.nii`)))); // prettier-ignore
    const voxels = kept.map((bytes) => decodeNifti(bytes).volume.data[0]);
    expect(voxels.sort()).deep.equal([4, 5]);
    const wrong = await runTyped(['data', 'check', at('phases'), '--series', 'first']);
    expect(wrong.code).equal(2);
    expect(wrong.err).contain('--series: expected ask, largest, or keys such as ct-1a2b3c4d');
  });

  it('leaves out localizers and its index, and says so', async () => {
    await putSeries('scouts/CT', 6, { patient: 'Ada' });
    const scout = { uid: '1.2.6', patient: 'Ada', series: 4, imageType: 'ORIGINAL\\PRIMARY\\LOCALIZER' }; // prettier-ignore
    await write('scouts/CT/scout', dicomCt(patient(6), scout)[0] ?? '');
    await write('scouts/DICOMDIR', 'index');
    const { cases } = await json('data', 'check', at('scouts'));
    expect(cases.map(({ name, state }) => [name, state])).deep.equal([['scouts', 'ready']]);
    expect(cases[0]?.notes.join('; ')).contain('1 localizers are left out; 1 other files are passed over'); // prettier-ignore
  });

  it('with a SEG that is of another CT, or fractional, waits: the label is not lost', async () => {
    await putSeries('drawn/a', 7, { patient: 'Ada' });
    const seg = Buffer.from(await segmentationOf(7, 'Ada'));
    await write('drawn/a/seg.dcm', seg);
    expect((await json('data', 'check', at('drawn'), '--keep-implausible')).cases[0]).deep.include({
      ...{ state: 'ready', labels: ['calc'] },
    });
    await write('drawn/a/seg.dcm', Buffer.from(seg.toString('latin1').replace('BINARY', 'BINARX'), 'latin1')); // prettier-ignore
    const bad = await json('data', 'check', at('drawn'));
    expect(bad.cases[0]?.problem?.rule).equal('seg_type');
    await write('drawn/a/seg.dcm', await segmentationOf(8, 'Ada'));
    const other = await json('data', 'check', at('drawn'));
    expect(other.cases[0]?.problem?.rule).equal('seg_other_ct');
    expect(await readdir(at('drawn/a'))).contain('seg.dcm');
  });
});
