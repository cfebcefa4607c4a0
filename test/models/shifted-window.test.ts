/** Index arithmetic of shifted windows against its definition, written out naively. */
import { expect } from 'chai';

import {
  attentionRegions,
  fitWindow,
  relativePositionIndex,
  type AttentionRegions,
} from '../../src/models/shifted-window.ts';

describe('the attention window', () => {
  it('shrinks to a short axis, which is then not shifted', () => {
    expect(fitWindow([16, 7, 4], 7, true)).to.deep.equal({ window: [7, 7, 4], shift: [3, 0, 0] });
    expect(fitWindow([16, 7, 4], 7, false)).to.deep.equal({ window: [7, 7, 4], shift: [0, 0, 0] });
  });
});

describe('the relative position index', () => {
  it('is the definition for a window of 2', () => {
    // Offsets -1, 0, 1 count as 0, 1, 2 in base 3; a token's own place is 111 in base 3 = 13.
    const index = relativePositionIndex(2, 8);
    expect(index[0]).to.equal(13);
    expect(index[7 * 8 + 7]).to.equal(13);
    expect(index[0 * 8 + 7]).to.equal(0); // (0,0,0) - (1,1,1)
    expect(index[7 * 8 + 0]).to.equal(26);
    expect(index[0 * 8 + 1]).to.equal(12); // last axis only
    expect(index[4 * 8 + 0]).to.equal(22); // first axis only: 13 + 9
  });

  it('cut to fewer tokens keeps the numbering of the full window', () => {
    const full = relativePositionIndex(3, 27);
    const cut = relativePositionIndex(3, 12);
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 12; j++) expect(cut[i * 12 + j]).to.equal(full[i * 27 + j]);
    }
  });
});

/** MONAI's mask of each window, [groups, n, n]: -100 where the regions differ. */
function maskOf({ values, groups, n }: AttentionRegions): number[] {
  const rows = Array.from({ length: groups }, (_, g) => [...values.slice(g * n, (g + 1) * n)]);
  return rows.flatMap((row) => row.flatMap((a) => row.map((b) => (a === b ? 0 : -100))));
}

describe('the regions of attention', () => {
  it('on one axis keep apart what the roll brought together', () => {
    // 6 tokens, windows of 4, shift 2, padded to 8: rolled places 0-3 | 4-5 | 6-7 are regions 0 | 1 | 2.
    const regions = attentionRegions([6, 1, 1], { window: [4, 1, 1], shift: [2, 0, 0] });
    const mask = maskOf(regions);
    expect([regions.groups, regions.n]).to.deep.equal([2, 4]);
    expect(mask.slice(0, 16).every((value) => value === 0)).to.equal(true);
    expect(mask.slice(16)).to.deep.equal([
      ...[0, 0, -100, -100],
      ...[0, 0, -100, -100],
      ...[-100, -100, 0, 0],
      ...[-100, -100, 0, 0],
    ]);
  });

  it('in three dimensions are those of MONAI, which paints them', () => {
    const size = [5, 6, 3] as const;
    const shape = fitWindow([...size], 4, true);
    const regions = attentionRegions([...size], shape);
    // Paint the padded grid slice by slice, then cut it into windows.
    const padded = size.map((length, a) => Math.ceil(length / shape.window[a]!) * shape.window[a]!);
    const paint = new Map<string, number>();
    let count = 0;
    const slices = (axis: number): [number, number][] => {
      const [length, window, shift] = [padded[axis]!, shape.window[axis]!, shape.shift[axis]!];
      // Python's slice(-window), slice(-window, -shift), slice(-shift, None).
      const end = (k: number): number => (k === 0 ? 0 : length - k);
      return [
        [0, end(window)],
        [end(window), end(shift)],
        [end(shift), length],
      ];
    };
    for (const d of slices(0)) {
      for (const h of slices(1)) {
        for (const w of slices(2)) {
          for (let z = d[0]; z < d[1]; z++) {
            for (let y = h[0]; y < h[1]; y++) {
              for (let x = w[0]; x < w[1]; x++) paint.set([z, y, x].join(), count);
            }
          }
          count++;
        }
      }
    }
    const windows: number[][] = [];
    const steps = (axis: number): number[] =>
      Array.from(
        { length: padded[axis]! / shape.window[axis]! },
        (_, i) => i * shape.window[axis]!,
      );
    for (const z of steps(0)) {
      for (const y of steps(1)) {
        for (const x of steps(2)) {
          const tokens: number[] = [];
          for (let i = 0; i < shape.window[0]; i++) {
            for (let j = 0; j < shape.window[1]; j++) {
              for (let k = 0; k < shape.window[2]; k++) {
                tokens.push(paint.get([z + i, y + j, x + k].join())!);
              }
            }
          }
          windows.push(tokens);
        }
      }
    }
    expect([regions.groups, regions.n]).to.deep.equal([windows.length, windows[0]!.length]);
    const expected = windows.flatMap((tokens) =>
      tokens.flatMap((a) => tokens.map((b) => (a === b ? 0 : -100))),
    );
    expect(maskOf(regions)).to.deep.equal(expected);
  });
});
