/** A student on real CTs' grids: what it finds lies where it is, as nibabel and 3D Slicer read the files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  decodeNifti,
  spacingOf,
  voxelToWorld,
  type Vector3,
  type Volume,
} from '../../src/data/index.ts';
import {
  intensityDefaults,
  labelNames,
  predictCt,
  predictionFiles,
  predictionLines,
  type CtPrediction,
  type StudentPackage,
} from '../../src/distill/index.ts';
import { parameterList, type UNetSpec } from '../../src/models/index.ts';
import { modelDigest } from '../../src/weights/index.ts';
import { projectRoot } from '../project-root.ts';

const python = '/usr/bin/python3';
const data = join(projectRoot, '..', 'shared', 'data');

/** Reads both files as their users would, and says how they lie on the CT. */
const inspect = `
import json, sys
import nibabel, numpy
ct, labels = nibabel.load(sys.argv[1]), nibabel.load(sys.argv[2])
values = numpy.asarray(labels.dataobj)
points = json.load(open(sys.argv[3]))['markups'][0]
assert points['coordinateSystem'] == 'LPS', points['coordinateSystem']
found = {}
for point in points['controlPoints']:
    x, y, z = point['position']
    voxel = numpy.linalg.inv(ct.affine) @ numpy.array([-x, -y, z, 1.0])
    found[point['label']] = int(values[tuple(int(round(v)) for v in voxel[:3])])
print(json.dumps({
    'shapes': [list(ct.shape[:3]), list(labels.shape)],
    'affine': float(numpy.abs(ct.affine - labels.affine).max()),
    'qform': float(numpy.abs(ct.affine - labels.get_qform()).max()),
    'kind': str(labels.get_data_dtype()),
    'found': found,
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
  readonly found: Readonly<Record<string, number>>;
}

const spec: UNetSpec = {
  kind: 'unet',
  inChannels: 1,
  features: [1, 1],
  strides: [1, 2],
  convsPerStage: 1,
  heads: { calc: 2, hps: 6 },
  deepSupervision: false,
  dropoutMilli: 0,
};

/**
 * A net made by hand: it takes a voxel that is brighter than its window by a deviation for the RCA and for calcium.
 * The middle tap of each convolution hands the image on through both instance norms; all else is zero.
 */
function finder(spacingMm: Vector3, window: Vector3): StudentPackage {
  const set: Readonly<Record<string, Readonly<Record<number, number>>>> = {
    'encoder.stages.0.0.convs.0.conv.weight': { 13: 1 },
    'encoder.stages.0.0.convs.0.norm.weight': { 0: 1 },
    // Of [out 1, in 2, 3, 3, 3] the second input, which came round the deep stage.
    'decoder.stages.0.convs.0.conv.weight': { 40: 1 },
    'decoder.stages.0.convs.0.norm.weight': { 0: 1 },
    'decoder.heads.calc.seg_layers.0.weight': { 1: 20 },
    'decoder.heads.calc.seg_layers.0.bias': { 1: -20 },
    'decoder.heads.hps.seg_layers.0.weight': { 4: 20 },
    'decoder.heads.hps.seg_layers.0.bias': { 4: -20 },
  };
  const weights = parameterList(spec).map(({ name, shape }) => {
    const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
    for (const [at, value] of Object.entries(set[name] ?? {})) values[Number(at)] = value;
    return { name, shape, data: values };
  });
  const digest = modelDigest(weights);
  return { spec, weights, intensity: intensityDefaults, spacingMm, window, digest };
}

/** The CT's grid, empty but for a bright ball of `radiusMm` around `centre` (RAS mm). */
function withBall(ct: Volume, centre: Vector3, radiusMm: number): Volume {
  const [depth, height, width] = ct.shape;
  const values = new Float32Array(ct.data.length);
  let at = 0;
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++, at++) {
        const [x, y, z] = voxelToWorld(ct.affine, [i, j, k]);
        const away = Math.hypot(x - centre[0], y - centre[1], z - centre[2]);
        values[at] = away <= radiusMm ? 800 : 0;
      }
    }
  }
  return { ...ct, data: values };
}

/** As a user's other programs see it. */
function inspected(ctFile: string, prediction: CtPrediction, ct: Volume): Inspected {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-prediction-'));
  try {
    for (const [name, bytes] of predictionFiles(prediction, ct)) {
      writeFileSync(join(folder, name), bytes);
    }
    const [labels, points] = [join(folder, 'labels.nii.gz'), join(folder, 'points.mrk.json')];
    const run = spawnSync(python, ['-c', inspect, ctFile, labels, points], { encoding: 'utf8' });
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
      // Calcium is all under the point's label, as both heads see the same; it is told all the same.
      // The same region on two grids, of which one has few voxels: a fifth.
      const voxelMl = spacingOf(ct.affine).reduce((product, mm) => product * mm, 1) / 1000;
      const labelled = prediction.labels.filter((value) => value > 0).length;
      expect(prediction.calciumMl).closeTo(labelled * voxelMl, 0.2 * labelled * voxelMl);

      const seen = inspected(ctFile, prediction, ct);
      expect(seen.shapes).deep.equal([
        [width, height, depth],
        [width, height, depth],
      ]);
      expect(seen.affine).below(1e-4);
      expect(seen.qform).below(1e-4);
      expect(seen.kind).equal('uint8');
      expect(seen.found).deep.equal({ RCA: labelNames.indexOf('RCA') + 1 });
    });
  }

  it('says every point it did not find in an empty CT, and no calcium', async () => {
    const ct = decodeNifti(readFileSync(join(data, 'odd/nifti_ok/base_i16.nii'))).volume;
    const student = finder([2, 2, 2], [16, 16, 16]);
    const empty = { ...ct, data: new Float32Array(ct.data.length) };
    const options = { engine: { backend: 'wasm' }, onProgress: () => undefined } as const;
    const prediction = await predictCt(student, empty, options);
    expect(prediction.labels.some((value) => value > 0)).equal(false);
    expect(predictionLines(prediction)).deep.equal([
      ...['RCC  not found', 'LCC  not found', 'NCC  not found', 'RCA  not found'],
      ...['LCA  not found', 'calcium 0.00 ml'],
    ]);
  });

  it('says nothing of calcium when it has no head for it', () => {
    const lines = predictionLines({
      labels: new Uint8Array(0),
      points: [{ label: 'MS1', position: [1, -2.25, 3] }],
      missed: [],
      calciumMl: null,
    });
    expect(lines).deep.equal(['MS1  1.0 -2.3 3.0 mm RAS']);
  });

  it('gives the names of the label values with the map', () => {
    const ct: Volume = { shape: [1, 1, 1], affine: identity, data: new Float32Array(1) };
    const prediction = { labels: Uint8Array.of(0), points: [], missed: [], calciumMl: 0 };
    const names = predictionFiles(prediction, ct).get('labels.json') ?? new Uint8Array();
    expect(JSON.parse(Buffer.from(names).toString())).deep.equal({
      ...{ 1: 'RCC', 2: 'LCC', 3: 'NCC', 4: 'RCA', 5: 'LCA', 6: 'MS1', 7: 'MS2', 8: 'calcium' },
    });
  });
});

const identity = Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
