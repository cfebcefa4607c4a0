import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import {
  decodeCase,
  decodeNifti,
  encodeCase,
  encodeMarkups,
  encodeNifti,
  labelMap,
  makePhantom,
  phantomDefaults,
  pointNames,
  pointsOf,
  readOwnCase,
  voxelToWorld,
  type CaseFiles,
  type Geometry,
  type PointName,
  type Vector3,
} from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';

const grid = { spacingMm: [4, 4, 4], pointRadiusMm: 7 } as const;
const { image, truth } = makePhantom(seededRandom('own case'), {
  ...phantomDefaults,
  ...{ shape: [30, 32, 34], spacingMm: [4, 4, 4], calciumShare: 1, poseSpread: 0.5 },
});

const nifti = (data: ArrayLike<number>, geometry: Geometry = image): Uint8Array =>
  encodeNifti({ ...geometry, data: Float32Array.from(data) });
const marks = (names: readonly PointName[], at = truth.points): Uint8Array =>
  encodeMarkups(names.map((label) => ({ label, position: at[label] })));
const hps = pointNames.slice(0, 5);
const ms = pointNames.slice(5);
const whole: CaseFiles = {
  ct: nifti(image.data),
  hps: marks(hps),
  ms: marks(ms),
  calc: nifti(truth.calcium),
  heart: nifti(truth.heart),
};

/** The same voxels as a file of another program may hold them: x and y turned round, z first. */
function turned(data: ArrayLike<number>): Uint8Array {
  const [depth, height, width] = image.shape;
  const out = new Float32Array(data.length);
  let at = 0;
  for (let x = width - 1; x >= 0; x--) {
    for (let y = height - 1; y >= 0; y--) {
      for (let z = 0; z < depth; z++) out[at++] = data[(z * height + y) * width + x] ?? 0;
    }
  }
  const corner = voxelToWorld(image.affine, [width - 1, height - 1, 0]);
  // Along the file's first axis z grows by 4 mm, along its second y falls, along its third x falls.
  const affine = new Float64Array([
    ...[0, 0, -4, corner[0]],
    ...[0, -4, 0, corner[1]],
    ...[4, 0, 0, corner[2]],
    ...[0, 0, 0, 1],
  ]);
  return nifti(out, { shape: [width, height, depth], affine });
}

function refusal(files: CaseFiles): string {
  try {
    readOwnCase('one', files, grid);
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
}

describe("a hospital's own case", () => {
  it('is what its files say: voxels, spheres around the points, calcium, heart', () => {
    const { case: own, notes, ct } = readOwnCase('one', whole, grid);
    expect(notes).deep.equal([]);
    expect(ct.shape).deep.equal(image.shape);
    expect(own.image.data).deep.equal(image.data);
    // The file's affine is in 32 bits.
    own.image.affine.forEach((value, n) => expect(value).closeTo(image.affine[n]!, 1e-5));
    const annotation = { points: truth.points, calcium: truth.calcium };
    for (const task of ['hps', 'ms', 'calc'] as const) {
      const wanted = labelMap(task, annotation, truth.geometry, grid.pointRadiusMm);
      expect(own.labels[task], task).deep.equal(wanted);
      expect(own.origin[task]).equal('expert');
    }
    expect(own.heart).deep.equal(truth.heart);
    // Markups are in whole microns.
    for (const name of pointNames) {
      const apart = truth.points[name].map((mm, axis) => mm - (own.points?.[name]?.[axis] ?? 1e9));
      expect(Math.hypot(...apart), name).lessThan(0.002);
    }
    expect(decodeCase(encodeCase(own)).labels.hps).deep.equal(own.labels.hps);
  });

  it('is the same from files whose axes run another way', () => {
    const straight = readOwnCase('one', whole, grid).case;
    const files = {
      ct: turned(image.data),
      calc: turned(truth.calcium),
      heart: turned(truth.heart),
    };
    const other = readOwnCase('one', { ...whole, ...files }, grid).case;
    expect(other.image.data).deep.equal(straight.image.data);
    expect(other.labels).deep.equal(straight.labels);
    expect(other.heart).deep.equal(straight.heart);
  });

  it('has its points where they were on a coarser grid too, and calcium where half of a voxel is', () => {
    const own = readOwnCase('one', whole, { spacingMm: [8, 8, 8], pointRadiusMm: 9 }).case;
    expect(own.image.shape).deep.equal([15, 16, 17]);
    pointsOf(own.labels.hps!, own.image, 5).forEach((found, n) => {
      const wanted = truth.points[hps[n]!];
      const apart = found!.map((mm, axis) => mm - wanted[axis]!);
      expect(Math.hypot(...apart), hps[n]).lessThan(4);
    });
    // A plate of 8 x 8 x 8 mm on the coarse grid's lines fills one voxel whole, its neighbours not at all.
    const plate = new Uint8Array(image.data.length);
    for (const [z, y, x] of [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [n & 1, (n >> 1) & 1, n >> 2])) {
      plate[((8 + z!) * 32 + 8 + y!) * 34 + 8 + x!] = 1;
    }
    const coarse = { spacingMm: [8, 8, 8], pointRadiusMm: 9 } as const;
    const { labels } = readOwnCase('one', { ct: whole.ct!, calc: nifti(plate) }, coarse).case;
    const filled = [...labels.calc!].flatMap((value, at) => (value === 1 ? [at] : []));
    expect(filled).deep.equal([(4 * 16 + 4) * 17 + 4]);
    // Half of it is enough, and less is not.
    const without = (voxels: number): Uint8Array => {
      let left = voxels;
      return plate.map((value) => (value === 1 && left-- > 0 ? 0 : value));
    };
    const count = (map: Uint8Array): number => {
      const taken = readOwnCase('one', { ct: whole.ct!, calc: nifti(map) }, coarse).case;
      return taken.labels.calc!.reduce((sum, value) => sum + value, 0);
    };
    expect([count(without(4)), count(without(5))]).deep.equal([1, 0]);
    // On a finer grid nothing has holes: 8 voxels of 4 mm are 64 of 2 mm.
    const fine = { spacingMm: [2, 2, 2], pointRadiusMm: 7 } as const;
    const taken = readOwnCase('one', { ct: whole.ct!, calc: nifti(plate) }, fine).case;
    expect(taken.labels.calc!.reduce((sum, value) => sum + value, 0)).equal(64);
  });

  it('takes a CT without any label, and knows of nothing then', () => {
    const own = readOwnCase('one', { ct: whole.ct! }, grid).case;
    expect(own.labels).deep.equal({});
    expect(own.points).deep.equal({});
  });

  it('teaches a point that the expert left out as not there, and says so', () => {
    const { case: own, notes } = readOwnCase('one', { ...whole, hps: marks(['RCC', 'LCA']) }, grid);
    expect([...new Set(own.labels.hps)].sort()).deep.equal([0, 1, 5]);
    expect(own.points).deep.include({ LCC: null, NCC: null, RCA: null });
    expect(notes).length(3);
    expect(notes[0]).contain('LCC');
  });

  it("knows the non-coronary cusp by the name of the paper's code", () => {
    const position = truth.points.NCC;
    const files = { ct: whole.ct!, hps: encodeMarkups([{ label: 'ACC', position }]) };
    expect(new Set(readOwnCase('one', files, grid).case.labels.hps)).deep.equal(new Set([0, 3]));
  });

  it('notes values that cannot be HU of a chest with contrast', () => {
    const shifted = image.data.map((hu) => hu + 1024);
    expect(readOwnCase('one', { ct: nifti(shifted) }, grid).notes.join()).contain('no lung');
    const pale = image.data.map((hu) => Math.min(hu, 90));
    expect(readOwnCase('one', { ct: nifti(pale) }, grid).notes.join()).contain('no contrast');
  });

  it('notes a label map in the place of the CT', () => {
    const labels = image.data.map((_, n) => n % 8);
    const { notes } = readOwnCase('one', { ct: nifti(labels) }, grid);
    expect(notes[0]).equal('ct: the image has a few whole numbers only: it looks like a label map');
    expect(readOwnCase('one', whole, grid).notes).deep.equal([]);
  });

  const [z, y, x] = image.shape;
  const far: Vector3 = voxelToWorld(image.affine, [x + 3, y / 2, z / 2]);
  const twice = [truth.points.RCC, truth.points.LCC].map((position) => ({
    label: 'RCC',
    position,
  }));
  const moved = { shape: image.shape, affine: image.affine.map((v, n) => (n === 3 ? v + 1 : v)) };
  const cases: [string, CaseFiles, RegExp][] = [
    ['without a CT', { hps: whole.hps! }, /^ct: /],
    ['with a CT cut short', { ct: whole.ct!.subarray(0, 5000) }, /^ct: .*(cut short|damaged)/],
    [
      'with points of another task',
      { ...whole, hps: marks(ms) },
      /^hps: points: expected some of RCC, LCC.*got none \(2 of other tasks\)/,
    ],
    ['with a point twice', { ...whole, hps: encodeMarkups(twice) }, /^hps: .*RCC twice/],
    [
      'with a point outside of its CT',
      { ...whole, ms: encodeMarkups([{ label: 'MS1', position: far }]) },
      /^ms: MS1: expected a place inside the CT/,
    ],
    ['with a list of no points', { ...whole, ms: encodeMarkups([]) }, /^ms: points: .*got none/],
    ['with points that are no markups', { ...whole, ms: whole.ct! }, /^ms: /],
    [
      'with calcium of another shape',
      { ...whole, calc: nifti(new Uint8Array(8), { ...image, shape: [2, 2, 2] }) },
      /^calc: grid: expected all of it on the CT's grid of 30 x 32 x 34 voxels, got 2 x 2 x 2/,
    ],
    [
      'with calcium at another place',
      { ...whole, calc: nifti(truth.calcium, moved) },
      /^calc: .*another place/,
    ],
    [
      'with calcium of two kinds',
      { ...whole, calc: nifti(truth.calcium.map((v) => 2 * v)) },
      /^calc: labels: .* 0 to 1, got 2/,
    ],
    [
      'with half a label',
      { ...whole, heart: nifti(image.data.map(() => 0.5)) },
      /^heart: .*got 0.5/,
    ],
  ];
  for (const [title, files, message] of cases) {
    it(`is refused ${title}`, () => {
      expect(refusal(files)).match(message);
    });
  }

  it('may be a real CT, with a label map made of it', () => {
    const folder = join(projectRoot, '..', 'shared', 'data', 'cardiac_ct');
    const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
    const ct = read('cardiac_ct_1.5mm.nii.gz');
    const labels = decodeNifti(read('cardiac_labels_1.5mm.nii.gz')).volume;
    // Its aorta in the place of calcium, for the geometry.
    const aorta = nifti(
      labels.data.map((value) => (value === 2 ? 1 : 0)),
      labels,
    );
    const coarse = { ...grid, spacingMm: [3, 3, 3] } as const;
    const { case: own, notes } = readOwnCase('one', { ct, calc: aorta }, coarse);
    expect(notes).deep.equal([]);
    const voxelsMl = (data: ArrayLike<number>, mm: number): number =>
      (Array.from(data).reduce((sum, value) => sum + value, 0) * mm ** 3) / 1000;
    const wantedMl = voxelsMl(decodeNifti(aorta).volume.data, 1.5);
    expect(voxelsMl(own.labels.calc!, 3)).closeTo(wantedMl, 0.05 * wantedMl); // halves count as filled
    // Blood with contrast is brighter than any muscle around it.
    const inside = [...own.image.data].filter((_, at) => own.labels.calc![at] === 1);
    expect(inside.sort((a, b) => a - b)[Math.floor(inside.length / 2)]).greaterThan(200);
    expect(encodeCase(own).length).greaterThan(own.image.data.length * 2);
  });
});
