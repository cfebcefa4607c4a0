/** The operations' definitions as plain loops in float64, and the sizes on which implementations must meet them. */
import type { Tensor, Tensor1D, Tensor5D } from '@tensorflow/tfjs';

import type { OpCase } from './ops-suite.ts';

type Sides = readonly [number, number, number];

/** Direct sum over taps: `y[o] += x[o·stride + t - pad] · w[t]`. */
function conv3dLoops(
  [x, w, b]: Float64Array[],
  [batch, depth, height, width, inputs]: readonly [number, number, number, number, number],
  outputs: number,
  kernel: Sides,
  stride: Sides,
): Float64Array {
  const sides = [depth, height, width] as const;
  const pad = kernel.map((k) => (k % 2 === 1 ? k >> 1 : 0)) as unknown as Sides;
  const out = sides.map((side, a) =>
    Math.floor((side + 2 * pad[a]! - kernel[a]!) / stride[a]! + 1),
  ) as unknown as Sides;
  const y = new Float64Array(batch * out[0] * out[1] * out[2] * outputs);
  let at = 0;
  for (let n = 0; n < batch; n++)
    for (let z = 0; z < out[0]; z++)
      for (let r = 0; r < out[1]; r++)
        for (let c = 0; c < out[2]; c++)
          for (let o = 0; o < outputs; o++) {
            let sum = b?.[o] ?? 0;
            for (let tz = 0; tz < kernel[0]; tz++)
              for (let ty = 0; ty < kernel[1]; ty++)
                for (let tx = 0; tx < kernel[2]; tx++) {
                  const iz = z * stride[0] + tz - pad[0];
                  const iy = r * stride[1] + ty - pad[1];
                  const ix = c * stride[2] + tx - pad[2];
                  if (iz < 0 || iy < 0 || ix < 0) continue;
                  if (iz >= depth || iy >= height || ix >= width) continue;
                  for (let i = 0; i < inputs; i++) {
                    const weight =
                      (((o * inputs + i) * kernel[0] + tz) * kernel[1] + ty) * kernel[2] + tx;
                    const value = (((n * depth + iz) * height + iy) * width + ix) * inputs + i;
                    sum += x![value]! * w![weight]!;
                  }
                }
            y[at++] = sum;
          }
  return y;
}

function convCase(
  shape: readonly [number, number, number, number, number],
  outputs: number,
  kernel: Sides,
  stride: Sides,
  bias = true,
): OpCase {
  const inputs = shape[4];
  return {
    title: `conv3d ${kernel.join('×')} stride ${stride.join('×')} of [${shape.join(', ')}] to ${outputs} channels${bias ? '' : ' without bias'}`,
    shapes: [shape, [outputs, inputs, ...kernel], ...(bias ? [[outputs]] : [])],
    run: (ops, [x, w, b]) =>
      ops.conv3d(x as Tensor5D, w as Tensor5D, (b ?? null) as Tensor1D | null, { stride }),
    expected: (values) => conv3dLoops(values, shape, outputs, kernel, stride),
  };
}

function transposedCase(
  shape: readonly [number, number, number, number, number],
  outputs: number,
  kernel: Sides,
): OpCase {
  const [batch, depth, height, width, inputs] = shape;
  return {
    title: `transposed conv3d ${kernel.join('×')} of [${shape.join(', ')}] to ${outputs} channels`,
    shapes: [shape, [inputs, outputs, ...kernel], [outputs]],
    run: (ops, [x, w, b]) => ops.convTranspose3d(x as Tensor5D, w as Tensor5D, b as Tensor1D),
    expected: ([x, w, b]) => {
      const out = [depth * kernel[0], height * kernel[1], width * kernel[2]] as const;
      const y = new Float64Array(batch * out[0] * out[1] * out[2] * outputs);
      let at = 0;
      for (let n = 0; n < batch; n++)
        for (let z = 0; z < out[0]; z++)
          for (let r = 0; r < out[1]; r++)
            for (let c = 0; c < out[2]; c++)
              for (let o = 0; o < outputs; o++) {
                const voxel =
                  ((n * depth + Math.floor(z / kernel[0])) * height + Math.floor(r / kernel[1])) *
                    width +
                  Math.floor(c / kernel[2]);
                const tap =
                  ((z % kernel[0]) * kernel[1] + (r % kernel[1])) * kernel[2] + (c % kernel[2]);
                const taps = kernel[0] * kernel[1] * kernel[2];
                let sum = b![o]!;
                for (let i = 0; i < inputs; i++) {
                  sum += x![voxel * inputs + i]! * w![(i * outputs + o) * taps + tap]!;
                }
                y[at++] = sum;
              }
      return y;
    },
  };
}

function instanceNormCase(
  shape: readonly [number, number, number, number, number],
  slope: number,
  affine: boolean,
): OpCase {
  const [batch, depth, height, width, channels] = shape;
  const voxels = depth * height * width;
  return {
    title: `instance norm of [${shape.join(', ')}], slope ${slope}${affine ? '' : ', not affine'}`,
    shapes: [shape, ...(affine ? [[channels], [channels]] : [])],
    run: (ops, [x, gamma, beta]) =>
      ops.instanceNorm(
        x as Tensor5D,
        (gamma ?? null) as Tensor1D | null,
        (beta ?? null) as Tensor1D | null,
        { slope },
      ),
    expected: ([x, gamma, beta]) => {
      const y = new Float64Array(x!.length);
      for (let n = 0; n < batch; n++)
        for (let c = 0; c < channels; c++) {
          const at = (v: number): number => (n * voxels + v) * channels + c;
          let mean = 0;
          for (let v = 0; v < voxels; v++) mean += x![at(v)]! / voxels;
          let variance = 0;
          for (let v = 0; v < voxels; v++) variance += (x![at(v)]! - mean) ** 2 / voxels;
          for (let v = 0; v < voxels; v++) {
            const unit = (x![at(v)]! - mean) / Math.sqrt(variance + 1e-5);
            const u = unit * (gamma?.[c] ?? 1) + (beta?.[c] ?? 0);
            y[at(v)] = u > 0 ? u : u * slope;
          }
        }
      return y;
    },
  };
}

/** The second use of `x` keeps its memory, so that the sum must not take it. */
const accumulateCase: OpCase = {
  title: 'a sum of 35 values, also of what is used again',
  shapes: [
    [5, 7],
    [5, 7],
  ],
  run: (ops, [x, y], { tf }) =>
    tf.tidy(() => {
      const sum = ops.accumulate(tf.mul(x!, 2), y!);
      return ops.accumulate(tf.clone(sum), tf.mul(sum, sum));
    }),
  expected: ([x, y]) =>
    x!.map((value, i) => {
      const sum = 2 * value + y![i]!;
      return sum + sum * sum;
    }),
};

const leakyReluCase: OpCase = {
  title: 'leaky ReLU of 35 values',
  shapes: [[1, 5, 7, 1, 1]],
  run: (ops, [x]) => ops.leakyRelu(x!, 0.01),
  expected: ([x]) => x!.map((value) => (value > 0 ? value : 0.01 * value)),
};

function concatCase(left: number, right: number): OpCase {
  const voxels = 2 * 3 * 2;
  return {
    title: `concat of ${left} and ${right} channels`,
    shapes: [
      [1, 2, 3, 2, left],
      [1, 2, 3, 2, right],
    ],
    run: (ops, [a, b]) => ops.concat(a as Tensor5D, b as Tensor5D),
    expected: ([a, b]) => {
      const joined = Array.from({ length: voxels }, (_, v) => [
        ...a!.subarray(v * left, (v + 1) * left),
        ...b!.subarray(v * right, (v + 1) * right),
      ]);
      return Float64Array.from(joined.flat());
    },
  };
}

/** Labels that leave class 3 out; `part` picks the loss, its cross-entropy or its Dice. */
function lossCase(
  shape: readonly [number, number, number, number, number],
  batchDice: boolean,
): OpCase {
  const [batch, depth, height, width, classes] = shape;
  const voxels = depth * height * width;
  const labels = Int32Array.from({ length: batch * voxels }, (_, i) => {
    const label = (i * i + (i >> 2)) % classes;
    return label === 3 ? 0 : label;
  });
  return {
    title: `cross-entropy + Dice of [${shape.join(', ')}], ${batchDice ? 'batch' : 'sample'} Dice`,
    shapes: [shape],
    run: (ops, [logits], { tf }) =>
      tf.tidy(() => {
        const truth = tf.tensor4d(labels, [batch, depth, height, width], 'int32');
        return ops.crossEntropyDice(logits as Tensor5D, truth, { batchDice }).loss;
      }),
    expected: ([logits]) => {
      const groups = batchDice ? 1 : batch;
      const [inter, total] = [0, 1].map(() => new Float64Array(groups * classes)) as [
        Float64Array,
        Float64Array,
      ];
      let ce = 0;
      for (let v = 0; v < batch * voxels; v++) {
        const group = batchDice ? 0 : Math.floor(v / voxels);
        const x = logits!.subarray(v * classes, (v + 1) * classes);
        const sum = x.reduce((s, value) => s + Math.exp(value), 0);
        ce -= (x[labels[v]!]! - Math.log(sum)) / (batch * voxels);
        x.forEach((value, k) => {
          const hit = labels[v] === k ? 1 : 0;
          const p = Math.exp(value) / sum;
          inter[group * classes + k]! += p * hit;
          total[group * classes + k]! += p + hit;
        });
      }
      let dice = 0;
      for (let g = 0; g < groups; g++)
        for (let k = 1; k < classes; k++) {
          const at = g * classes + k;
          dice -= (2 * inter[at]! + 1) / (total[at]! + 1) / (classes - 1) / groups;
        }
      return Float64Array.of(ce + dice);
    },
  };
}

/** A tensor that is used twice, so that gradients add up. */
const residualCase: OpCase = {
  title: 'a residual block: leaky ReLU of x + conv3d(x)',
  shapes: [
    [1, 3, 4, 5, 4],
    [4, 4, 1, 1, 1],
  ],
  run: (ops, [x, w], { tf }) =>
    tf.tidy(() => {
      const y = ops.conv3d(x as Tensor5D, w as Tensor5D, null, { stride: 1 });
      return ops.leakyRelu(tf.add<Tensor>(x!, y), 0.01);
    }),
  expected: ([x, w]) => {
    const y = conv3dLoops([x!, w!], [1, 3, 4, 5, 4], 4, [1, 1, 1], [1, 1, 1]);
    return y.map((value, i) => (value + x![i]! > 0 ? value + x![i]! : 0.01 * (value + x![i]!)));
  },
};

export const opCases: readonly OpCase[] = [
  convCase([1, 5, 4, 7, 3], 5, [3, 3, 3], [1, 1, 1]),
  convCase([2, 3, 5, 4, 1], 8, [3, 3, 3], [1, 1, 1]),
  convCase([1, 4, 4, 4, 8], 8, [3, 3, 3], [1, 1, 1], false),
  convCase([1, 3, 3, 5, 12], 20, [3, 3, 3], [1, 1, 1]),
  convCase([2, 3, 5, 9, 5], 12, [3, 3, 3], [1, 1, 1]),
  convCase([1, 6, 8, 8, 4], 6, [3, 3, 3], [1, 1, 1], false),
  convCase([1, 2, 13, 4, 9], 17, [3, 3, 3], [1, 1, 1]),
  convCase([1, 1, 1, 1, 2], 1, [3, 3, 3], [1, 1, 1]),
  convCase([2, 5, 6, 7, 2], 9, [3, 3, 3], [2, 2, 2]),
  convCase([1, 6, 6, 8, 8], 16, [3, 3, 3], [2, 2, 2]),
  convCase([1, 4, 5, 6, 3], 4, [3, 3, 3], [1, 2, 2]),
  convCase([1, 4, 5, 6, 3], 6, [1, 3, 3], [1, 1, 1]),
  convCase([2, 3, 4, 5, 7], 6, [1, 1, 1], [1, 1, 1]),
  convCase([1, 5, 4, 3, 2], 3, [1, 1, 1], [2, 2, 2]),
  convCase([1, 4, 6, 8, 3], 12, [2, 2, 2], [2, 2, 2]),
  convCase([1, 5, 5, 7, 2], 3, [2, 2, 2], [2, 2, 2]),
  transposedCase([2, 2, 3, 4, 5], 3, [2, 2, 2]),
  transposedCase([1, 3, 2, 2, 16], 8, [2, 2, 2]),
  transposedCase([1, 3, 2, 2, 4], 8, [1, 2, 2]),
  instanceNormCase([2, 3, 4, 5, 3], 0.01, true),
  instanceNormCase([1, 5, 5, 5, 8], 0.01, true),
  instanceNormCase([1, 5, 5, 3, 1], 1, true),
  instanceNormCase([2, 2, 3, 3, 6], 1, false),
  instanceNormCase([2, 3, 3, 3, 5], 0.01, true),
  instanceNormCase([1, 7, 5, 9, 12], 0.01, true),
  instanceNormCase([2, 13, 13, 13, 17], 0.01, true),
  leakyReluCase,
  accumulateCase,
  concatCase(3, 5),
  concatCase(8, 4),
  residualCase,
  lossCase([2, 3, 4, 5, 6], true),
  lossCase([2, 3, 4, 5, 4], false),
  lossCase([1, 5, 7, 3, 2], true),
  lossCase([1, 17, 17, 15, 3], true),
];
