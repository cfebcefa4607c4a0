import { expect } from 'chai';
import { seededRandom } from '../../src/base/index.ts';
import { drawTransform, inverse3, transformed } from '../../src/distill/spatial-transform.ts';

const identity = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);

describe('a volume rotated and scaled', () => {
  it('is the same for no transform, border and channels included', () => {
    const data = Float32Array.from({ length: 3 * 4 * 5 * 2 }, (_, n) => n);
    const same = transformed({ data, shape: [3, 4, 5], channels: 2 }, identity, NaN);
    expect(same.data).deep.equal(data);
  });

  it('rotates a quarter about the first axis: rows become columns', () => {
    // [[1, 2], [3, 4]]: voxel (y, x) shows (x, -y) about the middle.
    const quarter = Float64Array.of(1, 0, 0, 0, 0, 1, 0, -1, 0);
    const data = Float32Array.of(1, 2, 3, 4);
    const out = transformed({ data, shape: [1, 2, 2], channels: 1 }, quarter, -1);
    expect([...out.data]).deep.equal([2, 4, 1, 3]);
  });

  it('mixes between voxels, and says so where it sees nothing', () => {
    // Half as far from the middle 1: places 0.5, 1, 1.5 of 0, 10, 40.
    const half = identity.map((value) => value / 2);
    const line = { data: Float32Array.of(0, 10, 40), shape: [1, 1, 3], channels: 1 } as const;
    expect([...transformed(line, half, -1).data]).deep.equal([5, 10, 25]);
    const twice = identity.map((value) => value * 2);
    expect([...transformed(line, twice, -1).data]).deep.equal([-1, 10, -1]);
  });

  it('comes back by the inverse', () => {
    const matrix = drawTransform(seededRandom('turn'), { rotationDegMax: 20, scaleShareMax: 0.2 });
    const back = inverse3(matrix);
    const product = (row: number, column: number): number =>
      [0, 1, 2].reduce((sum, k) => sum + matrix[row * 3 + k]! * back[k * 3 + column]!, 0);
    for (let n = 0; n < 9; n++) {
      expect(product(Math.floor(n / 3), n % 3), String(n)).closeTo(identity[n]!, 1e-12);
    }
    // A linear ramp survives trilinear mixing, so it must come back exactly where both passes saw it.
    const shape = [9, 9, 9] as const;
    const data = Float32Array.from({ length: 729 }, (_, n) => n % 9);
    const there = transformed({ data, shape, channels: 1 }, matrix, NaN);
    const again = transformed(there, back, NaN).data;
    const middle = (4 * 9 + 4) * 9 + 4;
    for (const at of [middle, middle + 1, middle - 9, middle + 81]) {
      expect(again[at], String(at)).closeTo(data[at]!, 1e-5);
    }
  });
});
