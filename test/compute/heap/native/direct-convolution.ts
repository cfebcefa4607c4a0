/** One convolution and its gradients by kernels called directly, and by sums in float64. */
import { seededRandom } from '../../../../src/base/index.ts';

/** Sides, channels and batch are small and uneven; the padding is PyTorch's of odd kernels. */
export interface Convolution {
  readonly batch: number;
  readonly input: readonly [number, number, number];
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
}

/** `y`, `dx` and `dw`, in the layouts of the kernels. */
export type Results = readonly [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>];

/** `x`, `w`, `dy` and the bias of the outputs. */
export type Operands = readonly [Float32Array, Float32Array, Float32Array, Float32Array];

/** `kernel(heap, words)` for the three results. */
export type Kernels = readonly ((heap: ArrayBuffer, words: number) => unknown)[];

function outputOf({ input, kernel, stride }: Convolution): [number, number, number] {
  const pad = padOf(kernel);
  return input.map((side) => Math.floor((side + 2 * pad - kernel) / stride) + 1) as [
    number,
    number,
    number,
  ];
}

function padOf(kernel: number): number {
  return kernel % 2 === 1 ? kernel >> 1 : 0;
}

function product(sides: readonly number[]): number {
  return sides.reduce((result, side) => result * side, 1);
}

/** Normal values. */
export function operandsOf(conv: Convolution): Operands {
  const random = seededRandom(JSON.stringify(conv));
  const { batch, input, inputs, outputs, kernel } = conv;
  const counts = [
    batch * product(input) * inputs,
    outputs * inputs * kernel ** 3,
    batch * product(outputOf(conv)) * outputs,
    outputs,
  ];
  return counts.map((length) =>
    Float32Array.from({ length }, () => random.normal()),
  ) as unknown as Operands;
}

/** What the kernels write, on a heap of their own. */
export function resultsOf(
  conv: Convolution,
  [x, w, dy, bias]: Operands,
  [forward, inputGradient, filterGradient]: Kernels,
): Float32Array[] {
  const heap = new ArrayBuffer(1 << 22);
  let end = 256;
  const place = (values: Float32Array): number => {
    const at = end;
    new Float32Array(heap, at, values.length).set(values);
    end += Math.ceil(values.length / 16) * 64;
    return at;
  };
  const run = (
    kernel: Kernels[number] | undefined,
    factors: readonly Float32Array[],
    length: number,
    start: Float32Array | null,
  ): Float32Array => {
    const tensors = [...factors, new Float32Array(length)].map(place);
    const { batch, input, inputs, outputs, kernel: k, stride } = conv;
    const words = [
      ...[...tensors, start === null ? 0 : place(start), batch, ...input, inputs, outputs],
      ...[k, k, k, stride, stride, stride, padOf(k), padOf(k), padOf(k), ...outputOf(conv)],
    ];
    new Int32Array(heap, 64, words.length).set(words);
    kernel?.(heap, 64);
    return new Float32Array(heap, tensors[2], length).slice();
  };
  return [
    run(forward, [x, w], dy.length, bias),
    run(inputGradient, [dy, w], x.length, null),
    run(filterGradient, [x, dy], w.length, null),
  ];
}

/** Each product of the convolution once, added to all that it belongs to. */
export function sumsOf(conv: Convolution, [x, w, dy, bias]: Operands): Float64Array[] {
  const { batch, input, inputs, outputs, kernel, stride } = conv;
  const [y, dx, dw] = [dy, x, w].map(({ length }) => new Float64Array(length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const output = outputOf(conv);
  y.forEach((_, i) => (y[i] = bias[i % outputs]!));
  for (let point = 0; point < batch * product(output); point++) {
    const column = point % output[2];
    const row = Math.floor(point / output[2]) % output[1];
    const slice = Math.floor(point / output[2] / output[1]) % output[0];
    const image = Math.floor(point / product(output));
    for (let tap = 0; tap < kernel ** 3; tap++) {
      const at = [slice, row, column].map(
        (position, axis) =>
          position * stride - padOf(kernel) + (Math.floor(tap / kernel ** (2 - axis)) % kernel),
      ) as [number, number, number];
      if (at.some((position, axis) => position < 0 || position >= (input[axis] ?? 0))) continue;
      const voxel = ((image * input[0] + at[0]) * input[1] + at[1]) * input[2] + at[2];
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) {
          const [from, weight, to] = [
            ...[voxel * inputs + i, (o * inputs + i) * kernel ** 3 + tap, point * outputs + o],
          ] as [number, number, number];
          y[to]! += x[from]! * w[weight]!;
          dx[from]! += dy[to]! * w[weight]!;
          dw[weight]! += x[from]! * dy[to]!;
        }
      }
    }
  }
  return [y, dx, dw];
}

/** The largest difference, in parts of the largest value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [largest, difference] = [1e-3, 0];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    difference = Math.max(difference, Math.abs(expected[i]! - actual[i]!));
  }
  return difference / largest;
}
