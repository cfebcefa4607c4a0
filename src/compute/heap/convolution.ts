/**
 * Convolutions as window products: forward, input gradient and filter gradient of conv3d (any kernel and
 * stride of 1 to 3), of transposed conv3d with stride = kernel, and of the dense product, each one or several
 * calls of the same two kernels over different grids.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

import {
  forwardPadding,
  padOf,
  phasesOf,
  sidesOf,
  type ConvGeometry,
  type Padding,
  type Phase,
  type Shape5,
} from '../ops/conv-geometry.ts';
import type { Triple } from '../ops/ops.ts';
import { countOf, sizeOf } from '../ops/sizes.ts';
import {
  packedBytes,
  paddedSides,
  sumsBytes,
  type Grid,
  type Launcher,
  type WeightOrder,
  type Window,
} from './launcher.ts';
import { isWorthTiling, winogradGradient, winogradProduct, type WinogradSize } from './winograd.ts';

/** Steps of batch, depth, height, width of a dense `[b, d, h, w, c]`, times a stride. */
function stepsOf(
  sides: readonly [number, number, number],
  channels: number,
  stride: Triple = [1, 1, 1],
): [number, number, number, number] {
  const x = channels;
  const y = sides[2] * x;
  const z = sides[1] * y;
  return [sides[0] * z, z * stride[0], y * stride[1], x * stride[2]];
}

/** Order of `[O, I, kd, kh, kw]` with `O` as the outputs. */
function forwardOrder(weights: Shape5): WeightOrder {
  const [outputs, inputs, kd, kh, kw] = weights;
  const taps = kd * kh * kw;
  return {
    ...{ outputs, inputs, taps: [kd, kh, kw], tapSteps: [kh * kw, kw, 1] },
    ...{ outputStep: inputs * taps, inputStep: taps },
  };
}

/** `Launcher.gemm` on weights still in their own order. */
function packAndMultiply(
  l: Launcher,
  weights: number,
  order: WeightOrder,
  call: Omit<Parameters<Launcher['gemm']>[0], 'packed' | 'channels'>,
): void {
  l.heap.scratch(packedBytes(order), (packed) => {
    l.packWeights(weights, packed, order);
    l.gemm({ ...call, packed, channels: order.outputs });
  });
}

/** The words of a native convolution over three tensors and a bias; the last one says whether in tiles. */
function nativeCall(
  l: Launcher,
  g: ConvGeometry,
  tensors: readonly [TensorInfo, TensorInfo, TensorInfo],
  bias: TensorInfo | null,
): number {
  const [batch, ...input] = g.input;
  const kernel = g.weights.slice(2);
  return l.params([
    ...tensors.map((tensor) => l.heap.pointerOf(tensor)),
    ...[bias === null ? 0 : l.heap.pointerOf(bias), batch, ...input, g.weights[0]],
    ...[...kernel, ...g.stride, ...kernel.map(padOf), ...sidesOf(g.output)],
    tiledSize(g) === null ? 0 : 1,
  ]);
}

/** `[b, d, h, w, I] → [b, d', h', w', O]`, or the same values as `shape`. */
export function convForward(
  l: Launcher,
  g: ConvGeometry,
  x: TensorInfo,
  w: TensorInfo,
  b: TensorInfo | null,
  shape: readonly number[] = g.output,
): TensorInfo {
  const out = l.heap.output(shape);
  if (l.native !== null) {
    l.native.convForward(nativeCall(l, g, [x, w, out], b));
    return out;
  }
  const weights = l.heap.pointerOf(w);
  const bias = b === null ? 0 : l.heap.pointerOf(b);
  const output = l.heap.pointerOf(out);
  const size = tiledSize(g);
  if (size !== null) {
    const call = { input: l.heap.pointerOf(x), bias, output, grid: size.grid };
    winogradProduct(l, weights, forwardOrder(g.weights), call);
    return out;
  }
  const padding = forwardPadding(g);
  l.padded(l.heap.pointerOf(x), g.input, padding, (input) => {
    packAndMultiply(l, weights, forwardOrder(g.weights), {
      ...{ input, bias, output },
      ...forwardWindow(g, padding),
    });
  });
  return out;
}

/** Sizes for the tiled products, or null for a convolution that they are not for. */
function tiledSize({ input, weights, stride }: ConvGeometry): WinogradSize | null {
  if (!stride.every((step) => step === 1) || !weights.slice(2).every((k) => k === 3)) return null;
  const [batch, depth, height, width, inputs] = input;
  const size: WinogradSize = { grid: [batch, depth, height, width], inputs, outputs: weights[0] };
  return isWorthTiling(size) ? size : null;
}

function forwardWindow(g: ConvGeometry, padding: Padding): { window: Window; grid: Grid } {
  const channels = g.input[4];
  const sides = paddedSides(sidesOf(g.input), padding);
  const [, z, y] = stepsOf(sides, channels);
  return {
    window: {
      taps: [g.weights[2], g.weights[3]],
      steps: [z, y],
      run: g.weights[4] * channels,
    },
    grid: {
      batch: g.output[0],
      size: sidesOf(g.output),
      first: stepsOf(sides, channels, g.stride),
      second: stepsOf(sidesOf(g.output), g.output[4]),
    },
  };
}

/** `[b, d', h', w', O]` and `[b, d, h, w, I] → [O, I, kd, kh, kw]`, or the same values as `shape`. */
export function convFilterGradient(
  l: Launcher,
  g: ConvGeometry,
  x: TensorInfo,
  dy: TensorInfo,
  shape: readonly number[] = g.weights,
): TensorInfo {
  const out = l.heap.output(shape);
  if (l.native !== null) {
    l.native.convFilterGradient(nativeCall(l, g, [x, dy, out], null));
    return out;
  }
  const padding = forwardPadding(g);
  const { window, grid } = forwardWindow(g, padding);
  const gradient = l.heap.pointerOf(dy);
  const size = tiledSize(g);
  l.heap.scratch(sumsBytes(window, g.output[4]), (sums) => {
    if (size !== null) {
      winogradGradient(l, size, { input: l.heap.pointerOf(x), gradient, sums });
    } else {
      l.padded(l.heap.pointerOf(x), g.input, padding, (input) => {
        l.gradient({ input, gradient, sums, channels: g.output[4], window, grid });
      });
    }
    l.unpackGradient(l.heap.pointerOf(out), sums, forwardOrder(g.weights));
  });
  return out;
}

/**
 * `[b, d', h', w', O]` and `[O, I, kd, kh, kw] → [b, d, h, w, I]`: one product per phase of the strides.
 * A bias `[I]` makes it the transposed convolution. The values may be given another shape.
 */
export function convInputGradient(
  l: Launcher,
  g: ConvGeometry,
  dy: TensorInfo,
  w: TensorInfo,
  b: TensorInfo | null = null,
  shape: readonly number[] = g.input,
): TensorInfo {
  const out = l.heap.output(shape);
  if (l.native !== null) {
    l.native.convInputGradient(nativeCall(l, g, [dy, w, out], b));
    return out;
  }
  const output = l.heap.pointerOf(out);
  const bias = b === null ? 0 : l.heap.pointerOf(b);
  const size = tiledSize(g);
  if (size !== null) {
    // The same product with the taps turned round and the channels' sides changed.
    const { taps, tapSteps, outputs, inputs, outputStep, inputStep } = forwardOrder(g.weights);
    const last = 2 * (tapSteps[0] + tapSteps[1] + tapSteps[2]);
    const turned: WeightOrder = {
      ...{ outputs: inputs, outputStep: inputStep, inputs: outputs, inputStep: outputStep },
      ...{ taps, tapSteps: [-tapSteps[0], -tapSteps[1], -tapSteps[2]] },
    };
    const call = { input: l.heap.pointerOf(dy), bias, output, grid: size.grid };
    winogradProduct(l, l.heap.pointerOf(w) + 4 * last, turned, call);
    return out;
  }
  const axes = [phasesOf(g, 0), phasesOf(g, 1), phasesOf(g, 2)] as const;
  if (axes.some((phases) => phases.some((p) => p.taps === 0))) {
    l.heap.zero(output, 4 * sizeOf(g.input));
  }
  const padding = axes.flatMap((phases, axis) => {
    const last = (g.output[axis + 1] ?? 1) - 1;
    const used = phases.filter((p) => p.taps > 0);
    const before = Math.max(0, ...used.map((p) => -p.from));
    const after = Math.max(0, ...used.map((p) => p.from + p.count - 1 + p.taps - 1 - last));
    return [before, after];
  }) as unknown as Padding;
  l.padded(l.heap.pointerOf(dy), g.output, padding, (input) => {
    for (const z of axes[0]) {
      for (const y of axes[1]) {
        for (const x of axes[2]) {
          if (z.taps * y.taps * x.taps === 0) continue;
          inputPhase(l, g, [z, y, x], padding, { input, output, w: l.heap.pointerOf(w), bias });
        }
      }
    }
  });
  return out;
}

function inputPhase(
  l: Launcher,
  g: ConvGeometry,
  [z, y, x]: readonly [Phase, Phase, Phase],
  padding: Padding,
  at: {
    readonly input: number;
    readonly output: number;
    readonly w: number;
    readonly bias: number;
  },
): void {
  const forward = forwardOrder(g.weights);
  const [tz, ty, tx] = forward.tapSteps;
  const sides = paddedSides(sidesOf(g.output), padding);
  const [first, z1, y1, x1] = stepsOf(sides, g.output[4]);
  const [second, z2, y2, x2] = stepsOf(sidesOf(g.input), g.input[4]);
  const [sd, sh, sw] = g.stride;
  const origin =
    (z.from + padding[0]) * z1 + (y.from + padding[2]) * y1 + (x.from + padding[4]) * x1;
  packAndMultiply(
    l,
    at.w + 4 * (z.lastTap * tz + y.lastTap * ty + x.lastTap * tx),
    {
      ...{ outputs: forward.inputs, outputStep: forward.inputStep },
      ...{ inputs: forward.outputs, inputStep: forward.outputStep },
      taps: [z.taps, y.taps, x.taps],
      tapSteps: [-sd * tz, -sh * ty, -sw * tx],
    },
    {
      input: at.input + 4 * origin,
      bias: at.bias,
      output: at.output + 4 * (z.phase * z2 + y.phase * y2 + x.phase * x2),
      window: { taps: [z.taps, y.taps], steps: [z1, y1], run: x.taps * g.output[4] },
      grid: {
        batch: g.input[0],
        size: [z.count, y.count, x.count],
        first: [first, z1, y1, x1],
        second: [second, z2 * sd, y2 * sh, x2 * sw],
      },
    },
  );
}

/** Sums of `[…, channels]` over all but the last axis: the gradient of a bias. */
export function columnSums(l: Launcher, dy: TensorInfo): TensorInfo {
  const channels = dy.shape.at(-1) ?? 1;
  const out = l.heap.output([channels]);
  const rows = countOf(dy) / channels;
  l.kernels.columnSums(l.heap.pointerOf(dy), l.heap.pointerOf(out), rows, channels);
  return out;
}
