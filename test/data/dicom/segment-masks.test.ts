/** DICOM SEG as labels: what pydicom and dcmjs wrote, laid on a CT, voxel for voxel; and what is refused. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  calciumWords,
  DataError,
  encodeSegmentation,
  labelNames,
  pointWords,
  readDicomSeries,
  segmentMasks,
  type NamedSegments,
  type SegmentMasks,
  type SegmentTarget,
  type Vector3,
  type Volume,
} from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';
import { inverse, orientations, turned } from '../volume/orientations.ts';
import { readInstance } from '../../../src/data/dicom/instance.ts';
import { filesOf, filesWith } from './folders.ts';
import { mutate, randomFrom } from './mutations.ts';

interface Expected {
  /** Voxels of each segment that pydicom reads, by file. */
  readonly counts: Readonly<Record<string, readonly [number, number]>>;
  readonly broken: readonly (readonly [name: string, rule: string])[];
  readonly heart: readonly number[];
  readonly calcium: readonly number[];
}

/** As in segment-variants.py: 2.5 mm apart along the normal (0, -0.6, 0.8); rows down along (0, 0.8, 0.6), LPS. */
const [rows, columns, depth] = [7, 9, 5];
const place = (k: number): Vector3 => [-31.12345, 12.5 - 0.6 * 2.5 * k, 7 + 0.8 * 2.5 * k];
const ct: SegmentTarget = {
  shape: [depth, rows, columns],
  // RAS: the first two rows turned round.
  affine: Float64Array.of(
    ...[-0.65, 0, 0, 31.12345],
    ...[0, -0.8 * 0.7, 0.6 * 2.5, -12.5],
    ...[0, 0.6 * 0.7, 0.8 * 2.5, 7],
    ...[0, 0, 0, 1],
  ),
  ...{ frameOfReferenceUid: '1.2.3.300', seriesInstanceUid: '1.2.3.200' },
};
const names = labelNames(['LV blood = left ventricle', 'Kalk, größer = calc']);
/** The left ventricle's number in a map of the heart: own-cases.md. */
const lv = 3;

function codeOf(error: unknown): string {
  if (!(error instanceof DataError)) throw error;
  return 'rule' in error.facts ? error.facts.rule : error.facts.code;
}

describe('labels as a DICOM SEG', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-segments-'));
  let expected: Expected;
  before(() => {
    const script = join(projectRoot, 'test', 'data', 'dicom', 'segment-variants.py');
    execFileSync('/usr/bin/python3', ['-W', 'ignore', script, folder]);
    expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected;
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function segmentsIn(name: string): Promise<NamedSegments> {
    const file = filesOf(folder).filter((one) => one.name === `${name}.dcm`);
    const { segmentations, refused, series } = await readDicomSeries(file);
    expect(series).deep.equal([]);
    const [bad] = refused;
    if (bad !== undefined) throw new DataError({ code: 'dicom', rule: bad.rule }, bad.message);
    return { name, file: await segmentations[0]!.read() };
  }

  const mapOf = (made: SegmentMasks, meaning: string): Volume =>
    made.masks.find((mask) => mask.meaning === meaning)!.volume;

  it('have the voxels that pydicom wrote, in every encoding and order of frames', async () => {
    for (const [name, [heart, calcium]] of Object.entries(expected.counts)) {
      const { masks, notes } = segmentMasks([await segmentsIn(name)], ct, names);
      expect(notes, name).deep.equal([]);
      expect(masks.length, name).equal(2);
      const count = (meaning: string): number => mapOf({ masks, notes }, meaning).data.filter((value) => value !== 0).length; // prettier-ignore
      expect([count('heart'), count('calc')], name).deep.equal([heart, calcium]);
      const maps = masks.map(({ volume }) => [...volume.data]);
      expect(maps, name).deep.equal([expected.heart.map((held) => held * lv), expected.calcium]);
    }
    expect(Object.keys(expected.counts)).length(4);
  });

  it('have the voxels that dcmjs wrote', async () => {
    const calcium = Uint8Array.from(expected.calcium);
    const bytes = await encodeSegmentation({
      series: {
        geometry: ct,
        slices: Array.from({ length: depth }, (_, k) => ({
          ...{ file: `${k}.dcm`, sopClassUid: '1.2.840.10008.5.1.4.1.1.2', frame: null },
          ...{ sopInstanceUid: `1.2.3.4.${k + 1}`, position: place(k) },
        })),
        ...{ orientation: [1, 0, 0, 0, 0.8, 0.6], pixelSpacingMm: [0.7, 0.65], sliceThicknessMm: 3 }, // prettier-ignore
        ...{ studyInstanceUid: '1.2.3.100', seriesInstanceUid: '1.2.3.200' },
        frameOfReferenceUid: '1.2.3.300',
        carried: {
          ...{ PatientName: '', PatientID: '', PatientBirthDate: '', PatientSex: '' },
          ...{ PatientAge: '', StudyDate: '', StudyTime: '', StudyID: '', AccessionNumber: '' },
          ReferringPhysicianName: '',
        },
      },
      segments: [
        { words: pointWords.RCC, value: 1, map: Uint8Array.from(expected.heart) },
        { words: calciumWords, value: 1, map: calcium },
      ],
      uids: { series: '2.25.1', instance: '2.25.2', dimension: '2.25.3', study: '', frame: '' },
      ...{ date: '20260102', time: '030405', version: '0.1.0', model: '0123abcd' },
    });
    const files = filesWith(new Map([['seg', bytes!]]));
    const file = await (await readDicomSeries(files)).segmentations[0]!.read();
    const { masks, notes } = segmentMasks([{ name: 'seg', file }], ct, labelNames([]));
    expect(masks.map(({ meaning, volume }) => [meaning, [...volume.data]])).deep.equal([
      ['calc', expected.calcium],
    ]);
    expect(notes.join()).match(/1 segments of points are passed over/);
  });

  it('lie right on a NIfTI file of the CT, whichever of the 48 ways its axes run', async () => {
    const file = await segmentsIn('explicit');
    const none = { frameOfReferenceUid: null, seriesInstanceUid: null };
    for (const way of orientations()) {
      const data = new Float32Array(depth * rows * columns);
      const grid = turned({ ...ct, data }, way);
      const made = segmentMasks([file], { ...grid, ...none }, names);
      const back = turned(mapOf(made, 'calc'), inverse(way));
      expect([...back.data], JSON.stringify(way)).deep.equal(expected.calcium);
      expect(made.notes.join()).match(/by their places alone/);
    }
  });

  it('are refused with the rule that they break', async () => {
    for (const [name, rule] of expected.broken) {
      const code = await segmentsIn(name)
        .then((file) => segmentMasks([file], ct, names))
        .then(() => 'taken', codeOf);
      expect(code, name).equal(rule);
    }
    expect(expected.broken).length(20);
  });

  it('say how a fractional one is mended', async () => {
    const message = await segmentsIn('fractional').then(() => '', String);
    expect(message).match(/expected BINARY, got FRACTIONAL; save the segmentation as BINARY/);
  });

  it('are refused under a name that nobody told, twice, and as a heart without its structures', async () => {
    const file = await segmentsIn('explicit');
    const refused = (files: readonly NamedSegments[], lines: readonly string[]): string => {
      try {
        segmentMasks(files, ct, labelNames(lines));
        return 'taken';
      } catch (error) {
        return codeOf(error);
      }
    };
    expect(refused([file], ['LV blood = left ventricle'])).equal('unknown_name');
    expect(refused([file], ['LV blood = heart', 'Kalk, größer = calc'])).equal('unknown_name');
    expect(refused([file], ['LV blood = left ventricle', 'Kalk, größer = left ventricle'])).equal(
      'label_twice',
    );
    expect(refused([file, file], ['LV blood = left ventricle', 'Kalk, größer = calc'])).equal(
      'label_twice',
    );
    expect(refused([file], ['LV blood = ignore', 'Kalk, größer = calc'])).equal('taken');
  });

  it('are refused or read whole, however their bytes are changed', () => {
    const random = randomFrom(7);
    let [read, refused] = [0, 0];
    const sources = ['explicit', 'implicit'].map(
      (name) => new Uint8Array(readFileSync(join(folder, `${name}.dcm`))),
    );
    for (let n = 0; n < 4000; n++) {
      const source = sources[n % 2]!;
      const found = readInstance('a.dcm', mutate(source, source.byteLength, random));
      if (found.kind === 'refused') refused += 1;
      if (found.kind !== 'segmentation') continue;
      const { segments: file } = found;
      const voxels = file.rows * file.columns * file.frames.length;
      expect(file.bits.byteLength * 8, `mutation ${n}`).least(voxels);
      try {
        segmentMasks([{ name: 'a', file }], ct, names);
        read += 1;
      } catch (error) {
        codeOf(error);
        refused += 1;
      }
    }
    expect(read).greaterThan(200);
    expect(refused).greaterThan(50);
  });

  it('say how many voxels are in two structures', async () => {
    const file = await segmentsIn('explicit');
    // The same frames under other names: every voxel of the first is in the second as well.
    const segments = file.file.segments.map((one) => ({ ...one, label: `${one.label} 2` }));
    const other = { name: 'other', file: { ...file.file, segments } };
    const lines = ['LV blood = left ventricle', 'Kalk, größer = calc', 'LV blood 2 = left atrium', 'Kalk, größer 2 = ignore']; // prettier-ignore
    const { notes } = segmentMasks([file, other], ct, labelNames(lines));
    const count = expected.heart.reduce((sum, held) => sum + held, 0);
    expect(notes).deep.equal([`${count} voxels are in two structures: the later one is taken`]);
  });
});
