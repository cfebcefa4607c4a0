import { expect } from 'chai';

import {
  attentionRegions,
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
    const regions = tables.regions([6, 5, 4], shape);
    expect(regions).deep.equal(attentionRegions([6, 5, 4], shape));
    expect(tables.regions([6, 5, 4], shape)).equal(regions);
  });

  it('tells sizes, windows and shifts apart', () => {
    const tables = new WindowTables();
    expect(tables.index(2, 8)).not.deep.equal(tables.index(3, 8));
    expect(tables.index(3, 9).length).equal(81);
    const size = [8, 8, 8] as const;
    for (const shape of [fitWindow(size, 4, true), fitWindow(size, 3, true)]) {
      expect(tables.regions(size, shape)).deep.equal(attentionRegions(size, shape));
      expect(tables.regions([8, 4, 8], shape)).deep.equal(attentionRegions([8, 4, 8], shape));
    }
    const unshifted = { window: [4, 4, 4], shift: [0, 0, 0] } as const;
    expect(tables.regions(size, unshifted)).deep.equal(attentionRegions(size, unshifted));
  });

  it('keeps no more than its bound', () => {
    const tables = new WindowTables();
    // 24³ windows of 343 tokens in 4 bytes each, 19 MB: three fit into 64 MiB.
    const all = [162, 163, 164, 165].map((n) => {
      const size = [n, 162, 162] as const;
      return [size, tables.regions(size, fitWindow(size, 7, true))] as const;
    });
    const kept = all.map(
      ([size, regions]) => tables.regions(size, fitWindow(size, 7, true)) === regions,
    );
    expect(kept).deep.equal([true, true, true, false]);
  });
});
