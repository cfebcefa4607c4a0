/** Windows around a root that are turned against each other, and what they agree on: arithmetic. */
import { expect } from 'chai';
import { rotateAbout, voxelToWorld, type Vector3 } from '../../../src/data/index.ts';
import type { FoundPoint } from '../../../src/distill/predict/mean-root.ts';
import {
  agreedRoot,
  middleOf,
  turnedWindows,
} from '../../../src/distill/predict/turned-windows.ts';

const point = (name: FoundPoint['name'], position: Vector3, probability = 0.8): FoundPoint => ({
  name,
  position,
  probability,
});

const minus = (a: Vector3, b: Vector3): Vector3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a: Vector3, b: Vector3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

describe('windows around a root', () => {
  const middle: Vector3 = [5, -7, 11];
  const window = [4, 6, 8] as const;
  const places = turnedWindows([point('RCC', middle)], window, [3, 2, 1]);
  const stepOf = (affine: Float64Array, axis: 0 | 1 | 2): Vector3 => {
    const one: [number, number, number] = [0, 0, 0];
    one[axis] = 1;
    return minus(voxelToWorld(affine, one), voxelToWorld(affine, [0, 0, 0]));
  };

  it('lie around its middle, in voxels of the grid that the model was taught', () => {
    expect(places).lengthOf(7);
    for (const { shape, affine } of places) {
      expect(shape).deep.equal(window);
      voxelToWorld(affine, [3.5, 2.5, 1.5]).forEach((mm, axis) => {
        expect(mm).closeTo(middle[axis] ?? NaN, 1e-9);
      });
      for (const [axis, mm] of [
        [0, 1],
        [1, 2],
        [2, 3],
      ] as const) {
        expect(Math.sqrt(dot(stepOf(affine, axis), stepOf(affine, axis)))).closeTo(mm, 1e-12);
      }
    }
  });

  it('are turned by 12 degrees about each axis, there and back; the first is straight', () => {
    const cosine = Math.cos((12 * Math.PI) / 180);
    const traces = places.map(({ affine }) =>
      ([0, 1, 2] as const).reduce<number>((sum, axis) => {
        const step = stepOf(affine, axis);
        return sum + step[axis] / Math.sqrt(dot(step, step));
      }, 0),
    );
    expect(traces[0]).closeTo(3, 1e-12);
    for (const trace of traces.slice(1)) expect(trace).closeTo(1 + 2 * cosine, 1e-12);
    const corners = new Set(
      places.map(({ affine }) =>
        voxelToWorld(affine, [0, 0, 0])
          .map((mm) => mm.toFixed(6))
          .join(),
      ),
    );
    expect(corners.size).equal(7);
  });

  it('show a root upright: turned with it, the same voxels see the same of it', () => {
    const upright = [
      point('RCC', [-4, 8, -3]),
      point('LCC', [-10, -9, 6]),
      point('NCC', [7, -9, -7]),
      point('RCA', [6, 16, 9]),
      point('MS1', [4, 2, -10]),
    ];
    const turn = (at: Vector3): Vector3 => rotateAbout(at, [0.6, 0, 0.8], 0.8);
    const turned = upright.map((one) => ({ ...one, position: turn(one.position) }));
    const [one, other] = [upright, turned].map((root) => turnedWindows(root, window, [3, 2, 1]));
    for (const [n, { affine }] of (one ?? []).entries()) {
      for (const voxel of [
        [0, 0, 0],
        [7, 5, 3],
        [2, 1, 0],
      ] as const) {
        const seen = voxelToWorld((other ?? [])[n]?.affine ?? affine, voxel);
        const away = minus(seen, turn(voxelToWorld(affine, voxel)));
        expect(Math.sqrt(dot(away, away))).below(1e-6);
      }
    }
  });
});

describe('what windows agree on', () => {
  it('is the mean of the places, and a window that saw nothing counts against the probability', () => {
    const views = [
      [point('RCC', [0, 0, 0], 0.9), point('LCA', [1, 1, 1])],
      [point('RCC', [2, 0, 0], 0.6)],
      [point('RCC', [1, 3, 0], 0.6)],
      [],
    ];
    expect(agreedRoot(views)).deep.equal([
      { name: 'RCC', position: [1, 1, 0], probability: 2.1 / 4 },
    ]);
  });

  it('is not what half of them saw', () => {
    const seen = [point('MS1', [0, 0, 0])];
    expect(agreedRoot([seen, seen, [], []])).deep.equal([]);
    expect(agreedRoot([seen, seen, seen, [], []])).lengthOf(1);
    expect(agreedRoot([])).deep.equal([]);
  });

  it('has its middle in the mean of its points', () => {
    expect(middleOf([point('RCC', [0, 3, 9]), point('NCC', [2, 5, -1])])).deep.equal([1, 4, 4]);
  });
});
