/** Index arithmetic of shifted-window attention (Liu et al. 2021), as MONAI does it in 3D. No TF.js. */
import type { Triple } from './spec.ts';

/** Windows on one grid, in tokens along depth, height and width. */
export interface WindowShape {
  readonly window: Triple;
  readonly shift: Triple;
}

/** On an axis not longer than the window, the window shrinks to it and there is no shift. */
export function fitWindow(size: Triple, window: number, shifted: boolean): WindowShape {
  const shift = shifted ? Math.floor(window / 2) : 0;
  return {
    window: mapTriple(size, (n) => Math.min(n, window)),
    shift: mapTriple(size, (n) => (n <= window ? 0 : shift)),
  };
}

/** Whether any axis is shifted. */
export function isShifted({ shift }: WindowShape): boolean {
  return shift.some((step) => step > 0);
}

/**
 * Rows of the bias table for each pair of tokens, [n, n]. The table and the numbering are those of the
 * full window side, cut to the first n tokens: when the window shrank to another shape, MONAI does not
 * renumber them, and neither do we.
 */
export function relativePositionIndex(window: number, n: number): Int32Array {
  const span = 2 * window - 1;
  const index = new Int32Array(n * n);
  const place = (token: number): Triple => [
    Math.floor(token / window ** 2),
    Math.floor(token / window) % window,
    token % window,
  ];
  for (let i = 0; i < n; i++) {
    const [di, hi, wi] = place(i);
    for (let j = 0; j < n; j++) {
      const [dj, hj, wj] = place(j);
      index[i * n + j] =
        ((di - dj + window - 1) * span + (hi - hj + window - 1)) * span + (wi - wj + window - 1);
    }
  }
  return index;
}

/** Which tokens of shifted windows may see each other: those of one region. */
export interface AttentionRegions {
  /** [groups, n]: tokens that only the cyclic shift brought into one window have different numbers. */
  readonly values: Int32Array;
  /** Windows in one image. */
  readonly groups: number;
  /** Tokens in one window. */
  readonly n: number;
}

/** The regions of a grid of `size` tokens, padded to whole windows and then rolled. */
export function attentionRegions(size: Triple, { window, shift }: WindowShape): AttentionRegions {
  const counts = mapTriple(size, (length, axis) => Math.ceil(length / window[axis]));
  const regions = mapTriple(counts, (count, axis) =>
    axisRegions(count * window[axis], window[axis], shift[axis]),
  );
  const n = window[0] * window[1] * window[2];
  const groups = counts[0] * counts[1] * counts[2];
  const values = new Int32Array(groups * n);
  for (let group = 0; group < groups; group++) {
    const origin: Triple = [
      Math.floor(group / (counts[1] * counts[2])) * window[0],
      (Math.floor(group / counts[2]) % counts[1]) * window[1],
      (group % counts[2]) * window[2],
    ];
    for (let token = 0; token < n; token++) {
      const z = origin[0] + Math.floor(token / (window[1] * window[2]));
      const y = origin[1] + (Math.floor(token / window[2]) % window[1]);
      const x = origin[2] + (token % window[2]);
      values[group * n + token] =
        ((regions[0][z] as number) * 3 + (regions[1][y] as number)) * 3 + (regions[2][x] as number);
    }
  }
  return { values, groups, n };
}

/** Along one rolled axis: 0 up to the last window, 1 in it, 2 for what came round from the start. */
function axisRegions(length: number, window: number, shift: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => {
    if (shift === 0 || i >= length - shift) return 2;
    return i < length - window ? 0 : 1;
  });
}

function mapTriple<T>(triple: Triple, map: (n: number, axis: 0 | 1 | 2) => T): readonly [T, T, T] {
  return [map(triple[0], 0), map(triple[1], 1), map(triple[2], 2)];
}
