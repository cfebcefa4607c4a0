/** A prediction of a DICOM series: what goes to the PACS has the patient's name, and nothing else has. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { voxelToWorld, type Volume } from '../../src/data/index.ts';
import { encodeStudent } from '../../src/distill/index.ts';
import { predictFile, type PredictResult } from '../../src/prediction/index.ts';
import { uidOf } from '../../src/prediction/segmentation-file.ts';
import { finder, withBall } from '../distill/predict/finder.ts';
import { secret, seriesOf } from './dicom-series.ts';

const python = '/usr/bin/python3';

/** Voxels of each segment as pydicom counts them, and those of the maps as nibabel does; where they differ. */
const count = `
import json, sys, nibabel, numpy, pydicom
folder = sys.argv[1]
d = pydicom.dcmread(folder + '/segmentation.dcm')
names = {s.SegmentNumber: s.SegmentLabel for s in d.SegmentSequence}
counts = {}
pixels = d.pixel_array.reshape(d.NumberOfFrames, d.Rows, d.Columns)
maps = {
    'calcium': numpy.asarray(nibabel.load(folder + '/calc.nii.gz').dataobj) == 1,
    'RCA': numpy.asarray(nibabel.load(folder + '/labels.nii.gz').dataobj) == 4,
}
wrong = 0
for group, frame in zip(d.PerFrameFunctionalGroupsSequence, pixels):
    name = names[group.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
    source = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
    counts[name] = counts.get(name, 0) + int(frame.sum())
    wrong += int((maps[name][:, :, int(source.split('.')[-1]) - 1].T != (frame > 0)).sum())
print(json.dumps({'counts': counts, 'wrong': wrong, 'maps': {k: int(v.sum()) for k, v in maps.items()}, 'patient': str(d.PatientName)}))
`;

describe('a prediction of a DICOM series', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-dicom-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  /** Oblique, so that no axis lies along one of the body's; 2 mm voxels. */
  const grid = {
    shape: [24, 26, 30] as const,
    affine: Float64Array.of(-1.6, 1.2, 0, 40, -1.2, -1.6, 0, 20, 0, 0, 2, -30, 0, 0, 0, 1),
  };
  const empty: Volume = { ...grid, data: new Float32Array(24 * 26 * 30) };
  const volume = withBall(empty, voxelToWorld(grid.affine, [17, 12, 10]), 6);
  const notes: string[] = [];
  const predict = (shown: Volume): Promise<PredictResult> =>
    predictFile({
      ...{ model: encodeStudent(finder([2, 2, 2], [16, 16, 16])), heart: null },
      image: { name: 'study', series: seriesOf(shown) },
      ...{ engine: { backend: 'wasm' }, onProgress: () => undefined },
      made: { date: '20260102', time: '030405', version: '0.0.0' },
      onNote: (text) => notes.push(text),
    });

  it('is a DICOM SEG with as many voxels as the maps have, at the same places, without errors', async () => {
    const { files } = await predict(volume);
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    const checked = spawnSync('dciodvfy', [join(folder, 'segmentation.dcm')], { encoding: 'utf8' });
    expect(checked.error, "this test needs Debian's dicom3tools").equal(undefined);
    expect(`${checked.stdout}${checked.stderr}`).not.match(/Error/);
    const run = spawnSync(python, ['-c', count, folder], { encoding: 'utf8' });
    expect(run.status, `this test needs ${python} with python3-pydicom: ${run.stderr}`).equal(0);
    const seen = JSON.parse(run.stdout) as {
      readonly counts: Readonly<Record<string, number>>;
      readonly maps: Readonly<Record<string, number>>;
      readonly wrong: number;
      readonly patient: string;
    };
    expect(seen.counts).deep.equal(seen.maps);
    expect(seen.counts.RCA).above(0);
    expect(seen.wrong).equal(0);
    expect(seen.patient).equal(`${secret}^Anna`);
  });

  it('has nothing of the patient in any other file, line, document or note', async () => {
    const { files, lines, document, warning, measures } = await predict(volume);
    for (const [name, bytes] of files) {
      const plain = name.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes);
      const has = [secret, '19400131', '20200201', '080Y'].filter((text) => plain.includes(text));
      expect(has, name).deep.equal(name === 'segmentation.dcm' ? [secret, '19400131', '20200201', '080Y'] : []); // prettier-ignore
    }
    expect(JSON.stringify({ lines, document, warning, measures, notes })).not.match(
      new RegExp(`${secret}|19400131|20200201|080Y`),
    );
  });

  it('has no DICOM SEG when nothing was found, and says so', async () => {
    notes.length = 0;
    const { files } = await predict(empty);
    expect(files.has('segmentation.dcm')).equal(false);
    expect(notes).contain('study: nothing was found, so no DICOM SEG is written');
  });

  it('names its objects by digests under 2.25, the same for the same', () => {
    expect(uidOf('a')).match(/^2\.25\.\d{1,39}$/).and.equal(uidOf('a')); // prettier-ignore
    expect(uidOf('a')).not.equal(uidOf('b'));
    // SHA-256 of "abc" begins ba7816bf8f01cfea414140de5dae2223 (FIPS 180-2).
    expect(uidOf('abc')).equal(`2.25.${BigInt('0xba7816bf8f01cfea414140de5dae2223')}`);
  });
});
