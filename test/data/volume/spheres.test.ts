import { expect } from 'chai';
import { paintSpheres, rasAffine, type Geometry } from '../../../src/data/index.ts';

const grid = (count: number, mm: number): Geometry => ({
  shape: [count, count, count],
  affine: rasAffine([mm, mm, mm], [-10, 20, 5]),
});

describe('a painted sphere', () => {
  it('has the voxels whose centres are within the radius', () => {
    const labels = paintSpheres([[0, 30, 15]], grid(21, 1), 4);
    // Lattice points with x² + y² + z² ≤ 16: 257 (sequence A000605, n = 4).
    expect(labels.filter((value) => value === 1).length).to.equal(257);
    expect(labels[(10 * 21 + 10) * 21 + 10]).to.equal(1);
    expect(labels[(10 * 21 + 10) * 21 + 14]).to.equal(1);
    expect(labels[(10 * 21 + 10) * 21 + 15]).to.equal(0);
  });

  it('numbers points in order and parts overlapping ones half way', () => {
    const labels = paintSpheres([[0, 30, 15], null, [4, 30, 15]], grid(21, 1), 4);
    const row = [...labels.subarray((10 * 21 + 10) * 21, (10 * 21 + 11) * 21)];
    expect(row.slice(5, 20)).to.deep.equal([0, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 0]);
  });

  it('never vanishes on a coarse grid, and does outside of it', () => {
    expect(paintSpheres([[2.4, 32, 17]], grid(6, 6), 0.5).filter(Boolean).length).to.equal(1);
    expect(paintSpheres([[500, 30, 15]], grid(6, 6), 4).filter(Boolean).length).to.equal(0);
  });
});
