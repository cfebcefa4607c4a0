/** Definitions of the transformer's operations as plain loops in float64. */
import type { Tensor1D, Tensor2D, Tensor3D, Tensor5D } from '@tensorflow/tfjs';

import type { OpCase } from './ops-suite.ts';

function linearCase(lead: readonly number[], inputs: number, outputs: number): OpCase {
  const rows = lead.reduce((product, side) => product * side, 1);
  return {
    title: `linear [${lead.join(', ')}, ${inputs}] to ${outputs}`,
    shapes: [[...lead, inputs], [outputs, inputs], [outputs]],
    run: (ops, [x, w, b]) => ops.linear(x!, w as Tensor2D, b as Tensor1D),
    expected: ([x, w, b]) =>
      Float64Array.from({ length: rows * outputs }, (_, at) => {
        const [row, o] = [Math.floor(at / outputs), at % outputs];
        let sum = b![o]!;
        for (let i = 0; i < inputs; i++) sum += x![row * inputs + i]! * w![o * inputs + i]!;
        return sum;
      }),
  };
}

function layerNormCase(rows: number, channels: number): OpCase {
  return {
    title: `layer norm of ${rows} rows of ${channels}`,
    shapes: [[rows, channels], [channels], [channels]],
    run: (ops, [x, gamma, beta]) => ops.layerNorm(x!, gamma as Tensor1D, beta as Tensor1D),
    expected: ([x, gamma, beta]) => {
      const y = new Float64Array(rows * channels);
      for (let r = 0; r < rows; r++) {
        const row = x!.subarray(r * channels, (r + 1) * channels);
        const mean = row.reduce((s, value) => s + value, 0) / channels;
        const variance = row.reduce((s, value) => s + (value - mean) ** 2, 0) / channels;
        row.forEach((value, c) => {
          const unit = (value - mean) / Math.sqrt(variance + 1e-5);
          y[r * channels + c] = unit * gamma![c]! + beta![c]!;
        });
      }
      return y;
    },
  };
}

/** erf by its Taylor series, which converges to 1e-16 for |x| < 4 in 80 terms. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 80; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const geluCase: OpCase = {
  title: 'GELU of 47 values',
  shapes: [[47]],
  run: (ops, [x]) => ops.gelu(x!),
  expected: ([x]) => x!.map((value) => (value / 2) * (1 + erf(value / Math.SQRT2))),
};

function attentionCase(
  windows: number,
  n: number,
  heads: number,
  depth: number,
  groups: number,
  isBiased = true,
): OpCase {
  const channels = heads * depth;
  // Two kinds of voxels that may not see each other, as after a shift; group 0 sees all.
  const regionOf = (g: number, i: number): number => (g > 0 ? g + (i % 2) : 0);
  return {
    title: `attention in ${windows} windows of ${n}, ${heads} heads of ${depth}, ${groups} rows of regions${isBiased ? '' : ', no bias'}`,
    shapes: [[windows, n, 3 * channels], ...(isBiased ? [[heads, n, n]] : [])],
    run: (ops, [qkv, bias], { tf }) =>
      tf.tidy(() => {
        const values = Int32Array.from({ length: groups * n }, (_, at) =>
          regionOf(Math.floor(at / n), at % n),
        );
        const regions = groups === 0 ? null : tf.tensor2d(values, [groups, n], 'int32');
        const options = { heads, bias: isBiased ? (bias as Tensor3D) : null, regions };
        return ops.windowAttention(qkv as Tensor3D, options);
      }),
    expected: ([qkv, bias]) => {
      const y = new Float64Array(windows * n * channels);
      const at = (w: number, i: number, part: number, h: number, d: number): number =>
        qkv![(w * n + i) * 3 * channels + part * channels + h * depth + d]!;
      for (let w = 0; w < windows; w++)
        for (let h = 0; h < heads; h++)
          for (let i = 0; i < n; i++) {
            const e = Array.from({ length: n }, (_, j) => {
              let s = isBiased ? bias![(h * n + i) * n + j]! : 0;
              if (regionOf(w % groups, i) !== regionOf(w % groups, j)) s -= 100;
              for (let d = 0; d < depth; d++) {
                s += (at(w, i, 0, h, d) * at(w, j, 1, h, d)) / Math.sqrt(depth);
              }
              return Math.exp(s);
            });
            const sum = e.reduce((a, b) => a + b, 0);
            for (let d = 0; d < depth; d++) {
              y[(w * n + i) * channels + h * depth + d] = e.reduce(
                (total, value, j) => total + (value / sum) * at(w, j, 2, h, d),
                0,
              );
            }
          }
      return y;
    },
  };
}

type Five = readonly [number, number, number, number, number];
type Three = readonly [number, number, number];

/** For each row of the windows the voxel it shows, or -1 for padding: the definition in `ops.ts`. */
function windowRows(shape: Five, window: Three, shift: Three): number[] {
  const [batch, depth, height, width] = shape;
  const sides = [depth, height, width] as const;
  const padded = window.map((w, a) => Math.ceil(sides[a]! / w) * w);
  const rows: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let z0 = 0; z0 < padded[0]!; z0 += window[0])
      for (let y0 = 0; y0 < padded[1]!; y0 += window[1])
        for (let x0 = 0; x0 < padded[2]!; x0 += window[2])
          for (let z = z0; z < z0 + window[0]; z++)
            for (let y = y0; y < y0 + window[1]; y++)
              for (let x = x0; x < x0 + window[2]; x++) {
                const [gz, gy, gx] = [z, y, x].map((v, a) => (v + shift[a]!) % padded[a]!);
                const inside = gz! < depth && gy! < height && gx! < width;
                rows.push(inside ? ((b * depth + gz!) * height + gy!) * width + gx! : -1);
              }
  return rows;
}

function windowCases(shape: Five, window: Three, shift: Three): OpCase[] {
  const rows = windowRows(shape, window, shift);
  const c = shape[4];
  const n = window[0] * window[1] * window[2];
  const about = `[${shape.join(', ')}] in windows of ${window.join('×')} shifted by ${shift.join(', ')}`;
  return [
    {
      title: `partition of ${about}`,
      shapes: [shape],
      run: (ops, [x]) => ops.windowPartition(x as Tensor5D, { window, shift }),
      expected: ([x]) =>
        Float64Array.from(
          rows.flatMap((row) =>
            Array.from({ length: c }, (_, k) => (row < 0 ? 0 : x![row * c + k]!)),
          ),
        ),
    },
    {
      title: `reverse partition of ${about}`,
      shapes: [[rows.length / n, n, c]],
      run: (ops, [windows]) => ops.windowReverse(windows as Tensor3D, { window, shift, shape }),
      expected: ([windows]) => {
        const y = new Float64Array(shape.reduce((product, side) => product * side, 1));
        rows.forEach((row, i) => {
          if (row >= 0) y.set(windows!.subarray(i * c, (i + 1) * c), row * c);
        });
        return y;
      },
    },
  ];
}

const gatherBiasCase: OpCase = {
  title: 'bias gather from a table of 7 rows for 3 heads',
  shapes: [[7, 3]],
  run: (ops, [table], { tf }) =>
    tf.tidy(() => {
      const index = tf.tensor2d(
        Array.from({ length: 16 }, (_, i) => (i * 5) % 7),
        [4, 4],
        'int32',
      );
      return ops.gatherBias(table as Tensor2D, index);
    }),
  expected: ([table]) =>
    Float64Array.from({ length: 48 }, (_, at) => {
      const [head, place] = [Math.floor(at / 16), at % 16];
      return table![((place * 5) % 7) * 3 + head]!;
    }),
};

/** Corners (z, y, x) in MONAI's order. */
const corners: readonly (readonly [number, number, number])[] = [
  ...([
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ] as const),
  ...([
    [1, 1, 0],
    [1, 0, 1],
    [0, 1, 1],
    [1, 1, 1],
  ] as const),
];

function mergeCase(shape: readonly [number, number, number, number, number]): OpCase {
  const [batch, depth, height, width, c] = shape;
  return {
    title: `merged patches of [${shape.join(', ')}]`,
    shapes: [shape],
    run: (ops, [x]) => ops.mergePatches(x as Tensor5D),
    expected: ([x]) => {
      const y: number[] = [];
      for (let n = 0; n < batch; n++)
        for (let z = 0; z < depth; z += 2)
          for (let r = 0; r < height; r += 2)
            for (let k = 0; k < width; k += 2)
              for (const [dz, dr, dk] of corners) {
                const voxel = ((n * depth + z + dz) * height + r + dr) * width + k + dk;
                y.push(...x!.subarray(voxel * c, (voxel + 1) * c));
              }
      return Float64Array.from(y);
    },
  };
}

export const transformerCases: readonly OpCase[] = [
  linearCase([3, 5], 7, 11),
  linearCase([13], 12, 36),
  linearCase([1, 2, 3, 2], 16, 8),
  layerNormCase(5, 12),
  layerNormCase(300, 7),
  layerNormCase(9, 3),
  layerNormCase(1400, 12),
  layerNormCase(70, 17),
  geluCase,
  attentionCase(2, 5, 1, 3, 0),
  attentionCase(4, 8, 3, 4, 2),
  attentionCase(1, 27, 2, 6, 1),
  attentionCase(6, 9, 1, 5, 3),
  attentionCase(2, 12, 3, 4, 0, false),
  ...windowCases([1, 4, 4, 6, 4], [2, 2, 3], [0, 0, 0]),
  ...windowCases([2, 3, 5, 4, 3], [2, 3, 3], [1, 1, 2]),
  mergeCase([2, 2, 4, 6, 3]),
  mergeCase([1, 4, 2, 2, 8]),
  gatherBiasCase,
];
