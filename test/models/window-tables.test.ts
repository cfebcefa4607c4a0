import { expect } from 'chai';

import {
  attentionMask,
  fitWindow,
  relativePositionIndex,
} from '../../src/models/shifted-window.ts';
import { WindowTables } from '../../src/models/window-tables.ts';

describe('WindowTables', () => {
  it('gives what would be made anew, the second time the same', () => {
    const tables = new WindowTables();
    const index = tables.index(3, 12);
    expect(index).deep.equal(relativePositionIndex(3, 12));
    expect(tables.index(3, 12)).equal(index);
    const shape = fitWindow([6, 5, 4], 4, true);
    const mask = tables.mask([6, 5, 4], shape);
    expect(mask).deep.equal(attentionMask([6, 5, 4], shape));
    expect(tables.mask([6, 5, 4], shape)).equal(mask);
  });

  it('tells sizes, windows and shifts apart', () => {
    const tables = new WindowTables();
    expect(tables.index(2, 8)).not.deep.equal(tables.index(3, 8));
    expect(tables.index(3, 9).length).equal(81);
    const size = [8, 8, 8] as const;
    for (const shape of [fitWindow(size, 4, true), fitWindow(size, 3, true)]) {
      expect(tables.mask(size, shape)).deep.equal(attentionMask(size, shape));
      expect(tables.mask([8, 4, 8], shape)).deep.equal(attentionMask([8, 4, 8], shape));
    }
    const unshifted = { window: [4, 4, 4], shift: [0, 0, 0] } as const;
    expect(tables.mask(size, unshifted)).deep.equal(attentionMask(size, unshifted));
  });

  it('keeps no more than its bound', () => {
    const tables = new WindowTables();
    // 27 windows of 343 tokens, 12.7 MB: five fit into 64 MiB.
    const masks = [15, 16, 17, 18, 19, 20].map((n) => {
      const size = [n, 15, 15] as const;
      return [size, tables.mask(size, fitWindow(size, 7, true))] as const;
    });
    const kept = masks.map(([size, mask]) => tables.mask(size, fitWindow(size, 7, true)) === mask);
    expect(kept).deep.equal([true, true, true, true, true, false]);
  });
});
