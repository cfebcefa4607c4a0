/** One CT as files that differ: permuted, flipped, resampled, oblique. What is found stays where it is in the patient. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  decodeMarkups,
  decodeNifti,
  encodeMarkups,
  encodeNifti,
  paintSpheres,
  pointNames,
  pointsOf,
  rasAffine,
  resample,
  voxelToWorld,
  type Geometry,
  type Markup,
  type Vector3,
  type Volume,
} from '../../src/data/index.ts';
import { readModelFolder } from '../../src/cli/files.ts';
import { encodeStudent } from '../../src/distill/index.ts';
import { predictFile } from '../../src/prediction/index.ts';
import { orientations, turned } from '../data/volume/orientations.ts';
import { finder, withBall } from '../distill/predict/finder.ts';
import { projectRoot } from '../project-root.ts';

const away = (a: Vector3, b: Vector3): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** Turned by 25 degrees about z, then by 15 about x: axes at right angles that lie along none of the body's. */
function oblique(spacingMm: Vector3, origin: Vector3): Float64Array {
  const [c, s] = [Math.cos((25 * Math.PI) / 180), Math.sin((25 * Math.PI) / 180)];
  const [p, q] = [Math.cos((15 * Math.PI) / 180), Math.sin((15 * Math.PI) / 180)];
  const [sd, sh, sw] = spacingMm;
  return Float64Array.of(
    ...[c * sw, -s * sh, 0, origin[0]],
    ...[p * s * sw, p * c * sh, -q * sd, origin[1]],
    ...[q * s * sw, q * c * sh, p * sd, origin[2]],
    ...[0, 0, 0, 1],
  );
}

describe('points.mrk.json', () => {
  /** Voxels whose spheres of 4 mm do not meet, away from the edges: (i, j, k). */
  const voxels: readonly Vector3[] = [
    [6, 7, 8], [20, 7, 9], [6, 21, 8], [20, 21, 9], [13, 14, 22], [6, 7, 22], [20, 21, 23],
  ]; // prettier-ignore
  const shape = [31, 29, 27] as const;
  const grids: readonly (readonly [string, Geometry])[] = [
    ['a straight grid', { shape, affine: rasAffine([1.5, 1.2, 0.9], [-12, 30, 7]) }],
    ['an oblique grid', { shape, affine: oblique([1.5, 1.2, 0.9], [-12, 30, 7]) }],
  ];
  for (const [name, grid] of grids) {
    it(`has its points within 0.01 mm in all 48 orientations of ${name}`, () => {
      // A sphere around a voxel's centre is even on all sides: its own centre is that of the voxel, by the affine alone.
      const there = voxels.map((ijk) => voxelToWorld(grid.affine, ijk));
      const painted: Volume = {
        ...grid,
        data: Float32Array.from(paintSpheres(there, grid, 4)),
      };
      for (const way of orientations()) {
        const file = turned(painted, way);
        const found = pointsOf(Uint8Array.from(file.data), file, pointNames.length);
        const read = decodeMarkups(
          encodeMarkups(
            found.map((at, n) => ({ label: pointNames[n] ?? '', position: at ?? [NaN, NaN, NaN] })),
          ),
        );
        expect(read.length).equal(7);
        read.forEach(({ label, position }, n) => {
          expect(label).equal(pointNames[n]);
          expect(away(position, there[n] ?? [NaN, NaN, NaN]), `${label} ${JSON.stringify(way)}`).below(0.01); // prettier-ignore
        });
      }
    });
  }
});

describe('a prediction of a copy of the sample CT', () => {
  const sample = join(projectRoot, 'config', 'sample', 'cardiac_ct_1.5mm.nii.gz');
  const ct = decodeNifti(readFileSync(sample)).volume;
  const [depth, height, width] = ct.shape;
  const centre = voxelToWorld(ct.affine, [0.45 * width, 0.55 * height, 0.4 * depth]);
  const original = withBall(ct, centre, 9);
  const model = encodeStudent(finder([3, 3, 3], [48, 48, 48]));

  async function pointsFound(
    student: ReadonlyMap<string, Uint8Array>,
    volume: Volume,
  ): Promise<Markup[]> {
    const { files } = await predictFile({
      ...{ model: student, heart: null, engine: { backend: 'auto' } },
      image: { name: 'ct.nii', bytes: encodeNifti(volume, { gzip: false }) },
      made: { date: '20260102', time: '030405', version: '0.0.0' },
      ...{ onNote: () => undefined, onProgress: () => undefined },
    });
    return decodeMarkups(files.get('points.mrk.json') ?? new Uint8Array(0));
  }

  async function found(volume: Volume): Promise<Vector3> {
    const [point] = await pointsFound(model, volume);
    return point?.position ?? [NaN, NaN, NaN];
  }

  it('lies within one voxel of the original, which lies within one of what is to be found', async () => {
    const first = await found(original);
    expect(away(first, centre)).below(1.5);
    // Axes permuted, two of them flipped, and voxels of another size along each.
    const way = { from: [1, 2, 0], flip: [true, true, false] } as const;
    const copy = resample(turned(original, way), [1.2, 2, 1.6], 'smooth');
    expect(away(await found(copy), first), 'mm').below(1.5);
  });

  it('lies within one voxel of the original by a student that was trained, point by point', async () => {
    const student = await readModelFolder(join(projectRoot, 'config', 'sample', 'student'));
    const first = await pointsFound(student, ct);
    expect(first).lengthOf.greaterThan(4);
    const way = { from: [1, 2, 0], flip: [true, true, false] } as const;
    const copy = resample(turned(ct, way), [1.2, 1.4, 1.3], 'smooth');
    const again = await pointsFound(student, copy);
    expect(again.map(({ label }) => label)).deep.equal(first.map(({ label }) => label));
    again.forEach(({ label, position }, n) => {
      expect(away(position, first[n]?.position ?? [NaN, NaN, NaN]), label).below(1.5);
    });
  });
});
