/** Sizes of convolutions, the same for every backend: outputs, zeros around the input, phases of a stride. */
import type { Triple } from './ops.ts';
import { sizeOf } from './sizes.ts';

/** `[b, d, h, w, c]` of an activation, or `[O, I, kd, kh, kw]` of weights. */
export type Shape5 = readonly [number, number, number, number, number];

/** Sizes of one convolution. */
export interface ConvGeometry {
  /** `[b, d, h, w, I]` */
  readonly input: Shape5;
  /** `[O, I, kd, kh, kw]` */
  readonly weights: Shape5;
  readonly stride: Triple;
  /** `[b, d', h', w', O]` */
  readonly output: Shape5;
}

/** PyTorch's padding of the odd kernels; even ones are not padded. */
export function padOf(kernel: number): number {
  return kernel % 2 === 1 ? kernel >> 1 : 0;
}

/** `floor((size + 2·pad - k) / stride) + 1` on each axis. */
export function convGeometry(input: Shape5, weights: Shape5, stride: Triple): ConvGeometry {
  const side = (axis: 0 | 1 | 2): number => {
    const kernel = weights[axis + 2] ?? 1;
    return Math.floor(((input[axis + 1] ?? 0) + 2 * padOf(kernel) - kernel) / stride[axis]) + 1;
  };
  return { input, weights, stride, output: [input[0], side(0), side(1), side(2), weights[0]] };
}

/** Zeros around each axis, before and after, in voxels. */
export type Padding = readonly [number, number, number, number, number, number];

/**
 * The convolution whose input gradient is the transposed convolution `[b, d, h, w, I] → [b, d·sd, …, O]` with
 * weights `[I, O, sd, sh, sw]`: those weights are `[O', I', …]` of the forward one.
 */
export function transposedGeometry(input: Shape5, weights: Shape5): ConvGeometry {
  const stride: Triple = [weights[2], weights[3], weights[4]];
  const output: Shape5 = [
    ...([input[0], input[1] * stride[0], input[2] * stride[1]] as const),
    ...([input[3] * stride[2], weights[1]] as const),
  ];
  return { input: output, weights, stride, output: input };
}

/** The dense product `x[…, I] · w[O, I]ᵀ` as a convolution of kernel 1 over one row. */
export function denseGeometry(x: readonly number[], w: readonly number[]): ConvGeometry {
  const [outputs = 1, inputs = 1] = w;
  const rows = sizeOf(x) / (x.at(-1) ?? 1);
  return {
    input: [1, 1, 1, rows, inputs],
    weights: [outputs, inputs, 1, 1, 1],
    stride: [1, 1, 1],
    output: [1, 1, 1, rows, outputs],
  };
}

/** The zeros that the forward windows reach into. */
export function forwardPadding(g: ConvGeometry): Padding {
  const pads = ([0, 1, 2] as const).flatMap((axis) => {
    const kernel = g.weights[axis + 2] ?? 1;
    const before = padOf(kernel);
    const reach = ((g.output[axis + 1] ?? 1) - 1) * g.stride[axis] + kernel;
    return [before, Math.max(0, reach - before - (g.input[axis + 1] ?? 0))];
  });
  return pads as unknown as Padding;
}

/**
 * The input positions i ≡ phase (mod stride) of one axis and the taps that reach them: output
 * o = (i + pad - t) / stride, so position number m sees outputs `from + m … from + m + taps - 1`.
 */
export interface Phase {
  readonly phase: number;
  readonly count: number;
  readonly taps: number;
  /** The largest tap, which meets the first output; the next ones are `stride` apart, falling. */
  readonly lastTap: number;
  readonly from: number;
}

/** The phases of one axis (0 depth, 1 height, 2 width), as many as its stride or its positions allow. */
export function phasesOf(g: ConvGeometry, axis: 0 | 1 | 2): Phase[] {
  const size = g.input[axis + 1] ?? 1;
  const kernel = g.weights[axis + 2] ?? 1;
  const stride = g.stride[axis];
  const pad = padOf(kernel);
  const phases: Phase[] = [];
  for (let phase = 0; phase < Math.min(stride, size); phase++) {
    const hits = Array.from({ length: kernel }, (_, t) => t).filter(
      (t) => (phase + pad - t) % stride === 0,
    );
    const lastTap = hits.at(-1) ?? 0;
    phases.push({
      ...{ phase, lastTap, taps: hits.length },
      count: Math.ceil((size - phase) / stride),
      from: (phase + pad - lastTap) / stride,
    });
  }
  return phases;
}

/** Depth, height and width of an activation. */
export function sidesOf(shape: Shape5): [number, number, number] {
  return [shape[1], shape[2], shape[3]];
}
