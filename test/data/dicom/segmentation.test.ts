/** DICOM SEG as other programs see it: `dciodvfy` finds no error, pydicom the same voxels at the same places. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  calciumWords,
  encodeSegmentation,
  pointNames,
  pointWords,
  type SegmentationSource,
  type Vector3,
} from '../../../src/data/index.ts';

const python = '/usr/bin/python3';

/** What pydicom reads: the whole data set as text, and each frame's segment, source, place and voxels. */
const inspect = `
import json, sys, pydicom
d = pydicom.dcmread(sys.argv[1])
frames = []
pixels = d.pixel_array
if d.NumberOfFrames == 1:
    pixels = pixels.reshape(1, *pixels.shape)
for group, frame in zip(d.PerFrameFunctionalGroupsSequence, pixels):
    derived = 'DerivationImageSequence' in group
    source = group.DerivationImageSequence[0].SourceImageSequence[0] if derived else {}
    frames.append({
        'segment': group.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
        'source': source.ReferencedSOPInstanceUID if derived else None,
        'frame': source.get('ReferencedFrameNumber'),
        'position': [float(x) for x in group.PlanePositionSequence[0].ImagePositionPatient],
        'voxels': [[int(r), int(c)] for r, c in zip(*frame.nonzero())],
    })
shared = d.SharedFunctionalGroupsSequence[0]
print(json.dumps({
    'frames': frames,
    'segments': [[s.SegmentNumber, s.SegmentLabel, s.SegmentedPropertyTypeCodeSequence[0].CodeValue] for s in d.SegmentSequence],
    'patient': [str(d.PatientName), d.PatientID, d.PatientBirthDate, d.PatientSex],
    'study': [d.StudyInstanceUID, d.StudyDate, d.StudyTime, d.StudyID, d.AccessionNumber],
    'age': d.get('PatientAge'),
    'frameOfReference': d.FrameOfReferenceUID,
    'series': d.SeriesInstanceUID,
    'orientation': [float(x) for x in shared.PlaneOrientationSequence[0].ImageOrientationPatient],
    'spacing': [float(x) for x in shared.PixelMeasuresSequence[0].PixelSpacing],
    'apart': float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices),
    'references': sorted(r.ReferencedSOPInstanceUID for r in d.ReferencedSeriesSequence[0].ReferencedInstanceSequence) if 'ReferencedSeriesSequence' in d else None,
}))
`;

interface Seen {
  readonly frames: readonly {
    readonly segment: number;
    readonly source: string | null;
    readonly frame: number | null;
    readonly position: readonly number[];
    readonly voxels: readonly (readonly number[])[];
  }[];
  readonly segments: readonly (readonly [number, string, string])[];
  readonly [key: string]: unknown;
}

/** Slices 2.5 mm apart along a leaning normal; 7 x 9 pixels, so that frames begin in the middle of a byte. */
const [rows, columns, depth] = [7, 9, 5];
const orientation = [1, 0, 0, 0, 0.8, 0.6] as const;
/** Row x column of the orientation: (0, -0.6, 0.8). */
const place = (k: number): Vector3 => [-31.12345678901234, 12.5 - 0.6 * 2.5 * k, 7 + 0.8 * 2.5 * k]; // prettier-ignore

function maskOf(
  voxels: readonly (readonly [k: number, row: number, column: number])[],
): Uint8Array {
  const mask = new Uint8Array(depth * rows * columns);
  for (const [k, row, column] of voxels) mask[(k * rows + row) * columns + column] = 1;
  return mask;
}

function sourceOf(changes: Partial<SegmentationSource['series']> = {}): SegmentationSource {
  return {
    series: {
      geometry: { shape: [depth, rows, columns], affine: new Float64Array(16) },
      slices: Array.from({ length: depth }, (_, k) => ({
        ...{ file: `${k}.dcm`, sopClassUid: '1.2.840.10008.5.1.4.1.1.2', frame: null },
        ...{ sopInstanceUid: `1.2.3.4.${k + 1}`, position: place(k) },
      })),
      ...{ orientation, pixelSpacingMm: [0.7, 0.65], sliceThicknessMm: 3 },
      ...{ studyInstanceUid: '1.2.3.100', seriesInstanceUid: '1.2.3.200' },
      frameOfReferenceUid: '1.2.3.300',
      carried: {
        ...{ PatientName: 'Müller^Jörg', PatientID: 'X-17', PatientBirthDate: '19400131' },
        ...{ PatientSex: 'M', PatientAge: '080Y', StudyDate: '20200201', StudyTime: '101112' },
        ...{ StudyID: '7', AccessionNumber: 'A9', ReferringPhysicianName: 'Roe^Jane' },
      },
      ...changes,
    },
    segments: [
      { words: pointWords.RCC, value: 1, map: maskOf([[1, 2, 3], [1, 2, 4], [2, 2, 3]]) }, // prettier-ignore
      { words: pointWords.LCA, value: 1, map: maskOf([]) },
      { words: pointWords.RCA, value: 1, map: maskOf([[4, 6, 8]]) },
      { words: calciumWords, value: 1, map: maskOf([[0, 0, 0], [1, 2, 3], [1, 6, 0]]) }, // prettier-ignore
    ],
    uids: {
      series: '2.25.11',
      instance: '2.25.22',
      dimension: '2.25.33',
      study: '2.25.55',
      frame: '2.25.44',
    },
    ...{ date: '20260102', time: '030405', version: '0.1.0', model: '0123abcd' },
  };
}

describe('a DICOM SEG', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-seg-'));
  before(() => {
    const probe = spawnSync(python, ['-c', 'import pydicom'], { encoding: 'utf8' });
    expect(probe.status, `this test needs ${python} with python3-pydicom: ${probe.stderr}`).equal(
      0,
    );
    const tool = spawnSync('dciodvfy', [], { input: '' });
    expect(tool.error, "this test needs Debian's dicom3tools").equal(undefined);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function seen(source: SegmentationSource): Promise<Seen> {
    const bytes = await encodeSegmentation(source);
    const file = join(folder, 'seg.dcm');
    writeFileSync(file, bytes ?? new Uint8Array(0));
    const checked = spawnSync('dciodvfy', [file], { encoding: 'utf8' });
    expect(`${checked.stdout}${checked.stderr}`).not.match(/Error/);
    expect(`${checked.stdout}${checked.stderr}`).contain('Segmentation');
    const run = spawnSync(python, ['-c', inspect, file], { encoding: 'utf8' });
    expect(run.stderr).equal('');
    return JSON.parse(run.stdout) as Seen;
  }

  it('has the voxels of each segment at the slices that they lie in, and no frame without one', async () => {
    const { frames, segments, references } = await seen(sourceOf());
    expect(segments).deep.equal([
      [1, 'RCC', '34202007'],
      [2, 'RCA', '56789007'],
      [3, 'calcium', '373136005'],
    ]);
    const told = frames.map(({ segment, source, voxels }) => [segment, source, voxels]);
    expect(told).deep.equal([
      [1, '1.2.3.4.2', [[2, 3], [2, 4]]],
      [1, '1.2.3.4.3', [[2, 3]]],
      [2, '1.2.3.4.5', [[6, 8]]],
      [3, '1.2.3.4.1', [[0, 0]]],
      [3, '1.2.3.4.2', [[2, 3], [6, 0]]],
    ]); // prettier-ignore
    expect(references).deep.equal(['1.2.3.4.1', '1.2.3.4.2', '1.2.3.4.3', '1.2.3.4.5']);
  });

  it('lies in the frame of reference of its source, at the places of its slices', async () => {
    const {
      frames,
      frameOfReference,
      orientation: turned,
      spacing,
      apart,
    } = await seen(sourceOf());
    expect(frameOfReference).equal('1.2.3.300');
    expect(turned).deep.equal([...orientation]);
    expect(spacing).deep.equal([0.7, 0.65]);
    // Along (0, -0.6, 0.8) from one slice to the next: 0.36 · 2.5 + 0.64 · 2.5 = 2.5 mm.
    expect(apart).closeTo(2.5, 1e-9);
    frames[2]?.position.forEach((mm, axis) => {
      expect(mm).closeTo(place(4)[axis] ?? NaN, 1e-9);
    });
  });

  it('carries patient and study over from its source', async () => {
    const { patient, study, age, series } = await seen(sourceOf());
    expect(patient).deep.equal(['Müller^Jörg', 'X-17', '19400131', 'M']);
    expect(study).deep.equal(['1.2.3.100', '20200201', '101112', '7', 'A9']);
    expect(age).equal('080Y');
    expect(series).equal('2.25.11');
  });

  it('is valid where the source was emptied of names, and has no frame of reference', async () => {
    const empty = Object.fromEntries(
      Object.keys(sourceOf().series.carried).map((key) => [key, '']),
    ) as unknown as SegmentationSource['series']['carried'];
    const told = await seen(sourceOf({ carried: empty, frameOfReferenceUid: null }));
    expect(told.patient).deep.equal(['', '', '', '']);
    expect(told.frameOfReference).equal('2.25.44');
  });

  it('refers to frames of a multi-frame source', async () => {
    const slices = sourceOf().series.slices.map((slice, k) => ({
      ...{ ...slice, sopInstanceUid: '1.2.3.4', frame: k + 1 },
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2.1',
    }));
    const { frames, references } = await seen(sourceOf({ slices }));
    expect(frames.map(({ frame }) => frame)).deep.equal([2, 3, 5, 1, 2]);
    expect(references).deep.equal(['1.2.3.4']);
  });

  it('is valid and refers to no slice where the source was emptied of its UIDs', async () => {
    const { slices } = sourceOf().series;
    for (const changes of [
      { studyInstanceUid: '' },
      { seriesInstanceUid: '' },
      { slices: slices.map((slice, k) => (k === 3 ? { ...slice, sopInstanceUid: '' } : slice)) },
    ]) {
      const { frames, references, study } = await seen(sourceOf(changes));
      expect(frames.length).equal(5);
      expect(frames.map(({ source }) => source)).deep.equal(Array(5).fill(null));
      expect(references).equal(null);
      const [uid] = study as readonly string[];
      expect(uid).equal('studyInstanceUid' in changes ? '2.25.55' : '1.2.3.100');
    }
  });

  it('is none when nothing was found', async () => {
    const none = pointNames.map((name) => ({ words: pointWords[name], value: 1, map: maskOf([]) }));
    expect(await encodeSegmentation({ ...sourceOf(), segments: none })).equal(null);
  });
});
