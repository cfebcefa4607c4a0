/** A student on real CTs' grids: what it finds lies where it is, as nibabel and 3D Slicer read the files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  decodeNifti,
  voxelToWorld,
  type Geometry,
  type Vector3,
  type Volume,
} from '../../../src/data/index.ts';
import { predictCt, type CtPrediction } from '../../../src/distill/index.ts';
import { predictionFiles, predictionLines } from '../../../src/prediction/index.ts';
import { inverse, orientations, turned } from '../../data/volume/orientations.ts';
import { projectRoot } from '../../project-root.ts';
import { finder, withBall } from './finder.ts';

const python = '/usr/bin/python3';
const data = join(projectRoot, '..', 'shared', 'data');

/** Reads both files as their users would, and says how they lie on the CT. */
const inspect = `
import json, sys
import nibabel, numpy
folder = sys.argv[2]
ct, labels = nibabel.load(sys.argv[1]), nibabel.load(folder + '/labels.nii.gz')
values = numpy.asarray(labels.dataobj)
names = json.load(open(folder + '/labels.json'))
calcium = nibabel.load(folder + '/' + names['calcium']['file'])
mask = numpy.asarray(calcium.dataobj)
points = json.load(open(folder + '/points.mrk.json'))['markups'][0]
assert points['coordinateSystem'] == 'LPS', points['coordinateSystem']
found = {}
for point in points['controlPoints']:
    x, y, z = point['position']
    voxel = numpy.linalg.inv(ct.affine) @ numpy.array([-x, -y, z, 1.0])
    found[point['label']] = names['labels'].get(str(values[tuple(int(round(v)) for v in voxel[:3])]))
print(json.dumps({
    'shapes': [list(ct.shape[:3]), list(labels.shape)],
    'affine': float(numpy.abs(ct.affine - labels.affine).max()),
    'qform': float(numpy.abs(ct.affine - labels.get_qform()).max()),
    'kind': str(labels.get_data_dtype()),
    'found': found,
    'calcium': int((mask > 0).sum()),
    'differ': int(((mask > 0) != (values > 0)).sum()),
    'ml': float((mask > 0).sum() * abs(numpy.linalg.det(calcium.affine[:3, :3])) / 1000),
    'saidMl': names['calcium']['ml'],
    'verdict': names['plausibility']['verdict'],
}))
`;

interface Ct {
  readonly name: string;
  readonly file: string;
  /** Where the ball is, as shares of width, height and depth. */
  readonly place: Vector3;
  readonly radiusMm: number;
  readonly spacingMm: Vector3;
  readonly window: Vector3;
}

interface Inspected {
  readonly shapes: readonly (readonly number[])[];
  readonly affine: number;
  readonly qform: number;
  readonly kind: string;
  readonly found: Readonly<Record<string, string | null>>;
  /** Voxels of calcium, and those that only one of calcium and points has. */
  readonly calcium: number;
  readonly differ: number;
  /** Count of voxels times the volume of one, and what the sidecar says. */
  readonly ml: number;
  readonly saidMl: number;
  readonly verdict: string;
}

/** As a user's other programs see it. */
function inspected(ctFile: string, prediction: CtPrediction, ct: Volume): Inspected {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-prediction-'));
  try {
    for (const [name, bytes] of predictionFiles(prediction, ct)) {
      writeFileSync(join(folder, name), bytes);
    }
    const run = spawnSync(python, ['-c', inspect, ctFile, folder], { encoding: 'utf8' });
    expect(run.stderr).equal('');
    return JSON.parse(run.stdout) as Inspected;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a student on a CT', () => {
  before(() => {
    const probe = spawnSync(python, ['-c', 'import nibabel'], { encoding: 'utf8' });
    expect(
      probe.status,
      `these tests need ${python} with the package python3-nibabel: ${probe.stderr}`,
    ).equal(0);
  });

  const table: readonly Ct[] = [
    {
      ...{ name: 'the sample CT', file: 'cardiac_ct/cardiac_ct_1.5mm.nii.gz' },
      ...{ place: [0.4, 0.55, 0.45], radiusMm: 9, spacingMm: [3, 3, 3], window: [48, 48, 48] },
    },
    {
      ...{ name: 'an oblique CT', file: 'odd/nifti_ok/oblique25.nii.gz' },
      ...{ place: [0.35, 0.6, 0.5], radiusMm: 5, spacingMm: [1.5, 1.2, 1], window: [16, 16, 16] },
    },
    {
      ...{ name: 'thick slices', file: 'odd/nifti_ok/aniso_0.4_0.4_3.nii.gz' },
      ...{ place: [0.5, 0.4, 0.5], radiusMm: 4, spacingMm: [1, 1, 1], window: [16, 16, 16] },
    },
    {
      ...{ name: 'axes in another order', file: 'odd/nifti_ok/orient_ASR.nii.gz' },
      ...{ place: [0.6, 0.4, 0.35], radiusMm: 5, spacingMm: [1.5, 1.5, 1.5], window: [16, 16, 16] },
    },
    {
      ...{ name: 'a CT smaller than a window', file: 'odd/nifti_ok/orient_LPS.nii.gz' },
      ...{ place: [0.6, 0.4, 0.35], radiusMm: 6, spacingMm: [2, 2, 2], window: [24, 24, 24] },
    },
  ];
  for (const { name, file, place, radiusMm, spacingMm, window } of table) {
    it(`puts points and labels where they are: ${name}`, async () => {
      const ctFile = join(data, file);
      const ct = decodeNifti(readFileSync(ctFile)).volume;
      const [depth, height, width] = ct.shape;
      const voxel: Vector3 = [place[0] * width, place[1] * height, place[2] * depth];
      const centre = voxelToWorld(ct.affine, voxel);
      const options = { engine: { backend: 'wasm' }, onProgress: () => undefined } as const;
      const shown = withBall(ct, centre, radiusMm);
      const prediction = await predictCt(finder(spacingMm, window), shown, options);

      expect(prediction.points.map(({ label }) => label)).deep.equal(['RCA']);
      expect(prediction.missed).deep.equal(['RCC', 'LCC', 'NCC', 'LCA']); // no head for ms: not missed
      const found = prediction.points[0]?.position ?? [NaN, NaN, NaN];
      const away = Math.hypot(...found.map((mm, axis) => mm - (centre[axis] ?? NaN)));
      expect(away, 'mm from the middle of the ball').below(Math.max(...spacingMm) / 2);
      const seen = inspected(ctFile, prediction, ct);
      expect(seen.shapes).deep.equal([
        [width, height, depth],
        [width, height, depth],
      ]);
      expect(seen.affine).below(1e-4);
      expect(seen.qform).below(1e-4);
      expect(seen.kind).equal('uint8');
      expect(seen.found).deep.equal({ RCA: 'RCA' });
      // Both heads see the same: all of the calcium is under the point, and none of it is lost to it.
      expect(seen.calcium).above(0);
      expect(seen.differ).equal(0);
      expect(prediction.calciumMl).closeTo(seen.ml, 1e-6 * seen.ml);
      expect(seen.saidMl).equal(prediction.calciumMl);
      expect(predictionLines(prediction).at(-1)).equal(`calcium ${seen.ml.toFixed(2)} ml`);
      // A ball in nothing is no heart.
      expect(seen.verdict).equal('implausible');
    });
  }

  it('says every point it did not find in an empty CT, and no calcium', async () => {
    const ct = decodeNifti(readFileSync(join(data, 'odd/nifti_ok/base_i16.nii'))).volume;
    const student = finder([2, 2, 2], [16, 16, 16]);
    const empty = { ...ct, data: new Float32Array(ct.data.length) };
    const options = { engine: { backend: 'wasm' }, onProgress: () => undefined } as const;
    const prediction = await predictCt(student, empty, options);
    expect(prediction.labels.some((value) => value > 0)).equal(false);
    const lines = predictionLines(prediction);
    expect(lines[0]).equal('IMPLAUSIBLE because');
    expect(lines).contain('  - no point was found, and every heart has an aortic root');
    expect(lines.slice(-6)).deep.equal([
      ...['RCC  not found', 'LCC  not found', 'NCC  not found', 'RCA  not found'],
      ...['LCA  not found', 'calcium 0.00 ml'],
    ]);
  });

  it('says nothing of calcium when it has no head for it', () => {
    const prediction: CtPrediction = {
      labels: new Uint8Array(1),
      points: [{ label: 'MS1', position: [1, -2.25, 3] }],
      ...{ missed: [], probability: 1, calcium: null, calciumMl: null },
      plausibility: { verdict: 'plausible', reasons: [] },
    };
    expect(predictionLines(prediction)).deep.equal([
      'plausible: a heart can be so, which does not make it right',
      'MS1  1.0 -2.3 3.0 mm RAS',
    ]);
    const ct: Volume = { shape: [1, 1, 1], affine: identity, data: new Float32Array(1) };
    const files = predictionFiles(prediction, ct);
    expect([...files.keys()]).deep.equal(['labels.nii.gz', 'labels.json', 'points.mrk.json']);
    expect(JSON.parse(Buffer.from(files.get('labels.json') ?? []).toString())).deep.equal({
      plausibility: { verdict: 'plausible', reasons: [] },
      labels: { 1: 'RCC', 2: 'LCC', 3: 'NCC', 4: 'RCA', 5: 'LCA', 6: 'MS1', 7: 'MS2' },
    });
  });

  it('labels the same voxels in all 48 orientations of a CT', async () => {
    // Voxels of 4.5 mm over voxels of 1.5: where an axis has an even number, one in three lies half way between two labels.
    const ct = blobs({ shape: [20, 22, 26], affine: oblique });
    const student = finder([4.5, 4.5, 4.5], [8, 8, 8]);
    const options = { engine: { backend: 'wasm' }, onProgress: () => undefined } as const;
    const first = await predictCt(student, ct, options);
    expect(first.labels.some((value) => value > 0)).equal(true);
    const firstFile = predictionFiles(first, ct).get('points.mrk.json');
    for (const way of orientations()) {
      const prediction = await predictCt(student, turned(ct, way), options);
      const { labels, calcium, points } = prediction;
      const files = predictionFiles(prediction, turned(ct, way));
      const back = (map: Uint8Array | null): number[] => [...turned({ ...turned(ct, way), data: Float32Array.from(map ?? []) }, inverse(way)).data]; // prettier-ignore
      expect(back(labels), JSON.stringify(way)).deep.equal([...first.labels]);
      expect(back(calcium), JSON.stringify(way)).deep.equal([...(first.calcium ?? [])]);
      points.forEach(({ position }, n) => {
        position.forEach((mm, axis) => {
          expect(mm).closeTo(first.points[n]?.position[axis] ?? NaN, 1e-6);
        });
      });
      expect(files.get('points.mrk.json'), JSON.stringify(way)).deep.equal(firstFile);
    }
  });
});

/** Bright blobs at odd places, so that no orientation looks like another. */
function blobs(geometry: Geometry): Volume {
  const [depth, height, width] = geometry.shape;
  const data = Float32Array.from({ length: depth * height * width }, (_, n) => {
    const [i, j, k] = [n % width, Math.floor(n / width) % height, Math.floor(n / (width * height))];
    return Math.sin(i / 3 + 1) * Math.sin(j / 4 + k / 9) * Math.cos(k / 5 + i / 8) > 0.45 ? 700 : 0;
  });
  return { ...geometry, data };
}

/** 1.5 mm along each axis, turned by 0.3 about z: cosines and sines are those of 0.3. */
const oblique = Float64Array.of(
  ...[1.5 * Math.cos(0.3), -1.5 * Math.sin(0.3), 0, -20],
  ...[1.5 * Math.sin(0.3), 1.5 * Math.cos(0.3), 0, 31],
  ...[0, 0, 1.5, 7, 0, 0, 0, 1],
);

const identity = Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
