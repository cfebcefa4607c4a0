/** Look-ups in the place of padding, rolling and cutting, counted by hand. */
import { expect } from 'chai';

import { inverseIndices, mergeIndices, windowIndices } from '../../src/interop/window-indices.ts';

describe('the tokens of windows', () => {
  it('are the voxels of one window after the other, and padding at the far end', () => {
    // A row of five in windows of two: one voxel of padding, called 5.
    const { tokens, windows, n } = windowIndices(
      [1, 1, 5],
      { window: [1, 1, 2], shift: [0, 0, 0] },
      5,
    );
    expect([windows, n, ...tokens]).deep.equal([3, 2, 0, 1, 2, 3, 4, 5]);
  });

  it('begin at the shift, and end with what came round', () => {
    const { tokens } = windowIndices([1, 1, 5], { window: [1, 1, 2], shift: [0, 0, 1] }, 5);
    expect([...tokens]).deep.equal([1, 2, 3, 4, 5, 0]);
    expect([...inverseIndices(tokens, 5)]).deep.equal([5, 0, 1, 2, 3]);
  });

  it('run along width first, then height, then depth, inside a window and over windows', () => {
    const { tokens } = windowIndices([2, 2, 4], { window: [2, 1, 2], shift: [0, 0, 0] }, 16);
    // Voxel (d, h, w) is 8d + 4h + w; windows at (h, w) = (0, 0), (0, 2), (1, 0), (1, 2).
    expect([...tokens]).deep.equal([0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15]);
  });
});

describe('the corners of a block', () => {
  it("come in MONAI's order since 1.5", () => {
    // (d, h, w) is 4d + 2h + w: 000 100 010 001 110 101 011 111.
    expect([...mergeIndices([2, 2, 2])]).deep.equal([0, 4, 2, 1, 6, 5, 3, 7]);
  });
});
