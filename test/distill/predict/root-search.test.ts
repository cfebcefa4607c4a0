/** A root found as one: maps made of blobs at known places, with stronger false ones elsewhere. */
import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import {
  pointNames,
  rasAffine,
  type Geometry,
  type PointName,
  type Vector3,
} from '../../../src/data/index.ts';
import { findRoot, meanProbability, pointMaps } from '../../../src/distill/predict/root-search.ts';

/** 240 mm a side, in voxels of 4 (along the patient), 3 and 2.5 mm. */
const spacingMm = [2.5, 3, 4] as const;
const grid: Geometry = { shape: [60, 80, 96], affine: rasAffine([4, 3, 2.5], [-120, -120, -120]) };

/** A root with the valve's axis up: an annulus of radius 12.3, ostia 14 mm up in their sinuses, the septum under RCC and NCC. */
const root: Readonly<Record<PointName, Vector3>> = {
  RCC: [0, 12.3, 0],
  LCC: [-10.65, -6.15, 0],
  NCC: [10.65, -6.15, 0],
  RCA: [0, 15, 17],
  LCA: [-13, -7.5, 14],
  MS1: [10.65, 6.15, -1],
  MS2: [10.65, 6.15, -8],
};

interface Blob {
  readonly at: Vector3;
  readonly peak: number;
}

/** Gaussian blobs of 5 mm, the larger where two meet. */
function mapOf(
  blobs: readonly Blob[],
  { shape: [depth, height, width] }: Geometry = grid,
): Float32Array {
  const map = new Float32Array(depth * height * width);
  for (const { at, peak } of blobs) {
    const near = (axis: 0 | 1 | 2): number => Math.round((at[axis] + 120) / spacingMm[axis]);
    for (let k = Math.max(0, near(2) - 8); k <= Math.min(depth - 1, near(2) + 8); k++) {
      for (let j = Math.max(0, near(1) - 8); j <= Math.min(height - 1, near(1) + 8); j++) {
        for (let i = Math.max(0, near(0) - 8); i <= Math.min(width - 1, near(0) + 8); i++) {
          const voxel = (k * height + j) * width + i;
          const away = Math.hypot(2.5 * i - 120 - at[0], 3 * j - 120 - at[1], 4 * k - 120 - at[2]);
          map[voxel] = Math.max(map[voxel] as number, peak * Math.exp(-0.5 * (away / 5) ** 2));
        }
      }
    }
  }
  return map;
}

const shifted = (by: Vector3, at: Vector3): Vector3 => [
  at[0] + by[0],
  at[1] + by[1],
  at[2] + by[2],
];
const apart = (a: Vector3, b: Vector3): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

describe('the points of one root', () => {
  it('lie where each map has its middle, between voxels', () => {
    const maps = new Map(pointNames.map((name) => [name, mapOf([{ at: root[name], peak: 0.95 }])]));
    const found = findRoot(maps, grid);
    expect(found.map(({ name }) => name)).deep.equal(pointNames);
    for (const { name, position, probability } of found) {
      expect(apart(position, root[name]), name).below(0.2);
      expect(probability, name).within(0.5, 0.95);
    }
  });

  it('are a root of weaker evidence rather than the likeliest place of each', () => {
    // 90 mm and more from the root, and from each other.
    const elsewhere: readonly Vector3[] = [
      ...([
        [-90, -90, -60],
        [90, 90, 60],
        [-90, 90, -60],
        [90, -90, 60],
      ] as const),
      ...([
        [-90, -90, 80],
        [90, 90, -80],
        [0, -100, -90],
      ] as const),
    ];
    const maps = new Map(
      pointNames.map((name, n) => [
        name,
        mapOf([
          { at: root[name], peak: 0.7 },
          { at: elsewhere[n] as Vector3, peak: 1 },
        ]),
      ]),
    );
    for (const { name, position } of findRoot(maps, grid)) {
      expect(apart(position, root[name]), name).below(0.5);
    }
  });

  it('leave out one whose only place is far from the others', () => {
    const maps = new Map(
      pointNames.map((name) => [
        name,
        mapOf([{ at: name === 'LCA' ? [-13, 40, 30] : root[name], peak: 0.9 }]),
      ]),
    );
    expect(findRoot(maps, grid).map(({ name }) => name)).deep.equal(
      pointNames.filter((name) => name !== 'LCA'),
    );
  });

  it('are no mirrored root: of its points only some can be one', () => {
    const mirrored = (at: Vector3): Vector3 => [-at[0], at[1], at[2]];
    const maps = new Map(
      pointNames.map((name) => [name, mapOf([{ at: mirrored(root[name]), peak: 0.95 }])]),
    );
    expect(findRoot(maps, grid).length).below(pointNames.length);
  });

  it('are found by a head that knows some of them', () => {
    const maps = new Map(
      (['MS1', 'MS2'] as const).map((name) => [name, mapOf([{ at: root[name], peak: 0.9 }])]),
    );
    expect(findRoot(maps, grid).map(({ name }) => name)).deep.equal(['MS1', 'MS2']);
  });

  it('are none in maps that know nothing', () => {
    const maps = new Map(
      pointNames.map((name) => [name, new Float32Array(60 * 80 * 96).fill(1 / 6)]),
    );
    expect(findRoot(maps, grid)).deep.equal([]);
  });

  it('are none where a head says nearly the same of every place, however little is asked for', () => {
    // One in six, a tenth more or less from voxel to voxel.
    const random = seededRandom('nearly the same');
    const maps = new Map(
      pointNames.map((name) => [
        name,
        Float32Array.from({ length: 60 * 80 * 96 }, () => (0.9 + 0.2 * random.uniform()) / 6),
      ]),
    );
    expect(findRoot(maps, grid, 0.05)).deep.equal([]);
    // Where a head knows something, a place of 0.1 is enough then, and not otherwise.
    const faint = new Map(pointNames.map((name) => [name, mapOf([{ at: root[name], peak: 0.2 }])]));
    expect(findRoot(faint, grid, 0.05)).lengthOf(7);
    expect(findRoot(faint, grid)).deep.equal([]);
  });

  it('move with the image', () => {
    const by: Vector3 = [30, -45, 60]; // whole voxels
    const maps = new Map(
      pointNames.map((name) => [name, mapOf([{ at: shifted(by, root[name]), peak: 0.95 }])]),
    );
    for (const { name, position } of findRoot(maps, grid)) {
      expect(apart(position, shifted(by, root[name])), name).below(0.2);
    }
  });

  it('end in maps full of noise too', () => {
    let state = 1;
    const noise = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
    const maps = new Map(
      pointNames.map((name) => [name, Float32Array.from({ length: 60 * 80 * 96 }, noise)]),
    );
    expect(findRoot(maps, grid).length).at.most(pointNames.length);
  }).timeout(120_000);
});

describe('the probability of points', () => {
  it('is the softmax of each voxel, for points alone', () => {
    const data = Float32Array.of(0, 0, 0, 0, 0, Math.log(5)); // one voxel: 1/10 each, 5/10 for LCA
    const maps = pointMaps(
      new Map([
        ['hps', { data, shape: [1, 1, 1] as const, channels: 6 }],
        ['calc', { data: Float32Array.of(0, 0), shape: [1, 1, 1] as const, channels: 2 }],
      ]),
    );
    expect([...maps.keys()]).deep.equal(['RCC', 'LCC', 'NCC', 'RCA', 'LCA']);
    expect(maps.get('RCC')?.[0]).closeTo(0.1, 1e-6);
    expect(maps.get('LCA')?.[0]).closeTo(0.5, 1e-6);
  });

  it('is a mean over all that were sought, 0 where one was not found', () => {
    const point = { name: 'RCC', position: [0, 0, 0], probability: 0.9 } as const;
    expect(meanProbability([point, { ...point, name: 'LCC', probability: 0.6 }], 5)).closeTo(
      0.3,
      1e-12,
    );
  });
});
