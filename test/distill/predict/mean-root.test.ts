/** A root beside the mean one, how large it is and how it is turned: arithmetic. */
import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import {
  addVectors,
  crossProduct,
  distanceBetween,
  pointNames,
  rotateAbout,
  rotated,
  scaleVector,
  type PointName,
  type Rotation,
  type Vector3,
} from '../../../src/data/index.ts';
import { drawChestRoot } from '../../../src/data/phantom/chest/chest-phantom.ts';
import { heartRotation } from '../../../src/data/phantom/pose.ts';
import { rootPoints } from '../../../src/data/phantom/root.ts';
import { dotProduct } from '../../../src/data/volume/vector.ts';
import {
  meanApartMm,
  sizeOfRoot,
  turnOfRoot,
  type FoundPoint,
} from '../../../src/distill/predict/mean-root.ts';

const none: Rotation = [
  [0, 0, 0],
  [0, 0, 0],
  [0, 0, 0],
];

const found = (points: Partial<Record<PointName, Vector3>>): FoundPoint[] =>
  (Object.entries(points) as [PointName, Vector3][]).map(([name, position]) => ({
    name,
    position,
    probability: 0.5,
  }));

/** The mean root's points, from the chest's own plan of a root: any four of them are not in one plane. */
const mean: Readonly<Record<PointName, Vector3>> = {
  RCC: [-3.9, 8.4, -3.5],
  LCC: [-9.6, -9.3, 6.1],
  NCC: [6.8, -9.3, -6.9],
  RCA: [5.8, 15.7, 9],
  LCA: [-3.8, -8.7, 19.9],
  MS1: [4.5, 2.3, -9.6],
  MS2: [0.2, 0.8, -15],
};
const movedBy = (
  move: (at: Vector3) => Vector3,
  names: readonly PointName[] = pointNames,
): FoundPoint[] => found(Object.fromEntries(names.map((name) => [name, move(mean[name])])));

describe('the mean root', () => {
  it('is that of drawn chests: no distance of two points is 1 mm off', () => {
    const drawn = Array.from({ length: 200 }, (_, n) => {
      const random = seededRandom('mean root').fork(`${n}`);
      return rootPoints(drawChestRoot(random, heartRotation(random.fork('turn'), 1), 0.6));
    });
    pointNames.forEach((one, n) => {
      pointNames.slice(n + 1).forEach((other) => {
        const sum = drawn.reduce(
          (mm, points) => mm + distanceBetween(points[one], points[other]),
          0,
        );
        expect(meanApartMm(one, other)).closeTo(sum / drawn.length, 1);
      });
    });
  });
});

describe('the size of a root', () => {
  it('is the median distance of its points in parts of the mean distance', () => {
    expect(sizeOfRoot(movedBy((at) => scaleVector(at, 0.8)))).closeTo(0.8, 1e-12);
    expect(sizeOfRoot(movedBy((at) => addVectors(at, [3, 80, -7])))).closeTo(1, 1e-12);
    // One ostium that is wrong moves six of 21 distances and not the median.
    const strayed = movedBy((at) => (at === mean.LCA ? [0, 0, 400] : at));
    expect(sizeOfRoot(strayed)).closeTo(1, 1e-12);
  });

  it('does not ask how far apart the two ends of the septum are', () => {
    const points = found({ RCC: [0, 0, 0], LCC: [20, 0, 0], MS1: [0, 0, 0], MS2: [0, 0, -90] });
    // Of the other five: 0, 20 and three that are longer. The median of six would be another.
    const shares = [
      20 / meanApartMm('RCC', 'LCC'),
      0,
      90 / meanApartMm('RCC', 'MS2'),
      20 / meanApartMm('LCC', 'MS1'),
      Math.hypot(20, 90) / meanApartMm('LCC', 'MS2'),
    ];
    expect(sizeOfRoot(points)).equal(shares.sort((a, b) => a - b)[2]);
  });

  it('is not told by three points', () => {
    expect(sizeOfRoot(movedBy((at) => at, ['RCC', 'LCC', 'NCC']))).equal(null);
    expect(sizeOfRoot([])).equal(null);
  });
});

describe('the turn of a root', () => {
  const axes: readonly Vector3[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [0.6, 0, 0.8],
    [2 / 3, -1 / 3, 2 / 3],
  ];

  it('is what it was turned by, wherever it lies and however large it is', () => {
    for (const axis of axes) {
      for (const degrees of [-170, -40, 0, 5, 90, 150]) {
        const angle = (degrees * Math.PI) / 180;
        const turn = (at: Vector3): Vector3 => rotateAbout(at, axis, angle);
        const root = movedBy((at) => addVectors(scaleVector(turn(at), 1.3), [40, -9, 300]));
        axes.forEach((way) => {
          const seen = rotated(turnOfRoot(root) ?? none, way);
          expect(distanceBetween(seen, turn(way))).below(1e-9);
        });
      }
    }
  });

  it('is the same without three of the points, and a rotation where points lie wrong', () => {
    const turn = (at: Vector3): Vector3 => rotateAbout(at, [0, 0.8, 0.6], 0.7);
    const few = turnOfRoot(movedBy(turn, ['RCC', 'NCC', 'LCA', 'MS2'])) ?? none;
    axes.forEach((way) => expect(distanceBetween(rotated(few, way), turn(way))).below(1e-9));

    const wrong = movedBy((at) => addVectors(turn(at), [at[1] / 2, 0, 0]));
    const [x, y, z] = turnOfRoot(wrong) ?? none;
    expect(dotProduct(x, y)).closeTo(0, 1e-12);
    expect(distanceBetween(crossProduct(x, y), z)).below(1e-12);
    expect(dotProduct(z, z)).closeTo(1, 1e-12);
  });

  it('is not told by three points', () => {
    expect(turnOfRoot(movedBy((at) => at, ['RCC', 'LCC', 'NCC']))).equal(null);
  });
});
