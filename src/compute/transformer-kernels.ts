/** Dense products, layer norm, GELU, windows, bias tables and attention as registered kernels. */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';

import { packAndMultiply } from './convolution.ts';
import {
  need,
  runMany,
  runOne,
  type Attributes,
  type Inputs,
  type OwnKernel,
} from './kernel-registry.ts';
import { sumsBytes, type Grid, type Launcher, type WeightOrder } from './launcher.ts';
import { addresses, countOf, roundUp4 } from './norm-kernels.ts';
import type { Triple, WindowOptions } from './ops.ts';

function rowGrid(rows: number, first: number, second: number): Grid {
  return { batch: 1, size: [1, 1, rows], first: [0, 0, 0, first], second: [0, 0, 0, second] };
}

function denseOrder(
  outputs: number,
  inputs: number,
  outputStep: number,
  inputStep: number,
): WeightOrder {
  return { outputs, inputs, outputStep, inputStep, taps: [1, 1, 1], tapSteps: [0, 0, 0] };
}

/** `x[rows, inputs] · packed`, into the last axis of a new tensor. */
function product(
  l: Launcher,
  x: TensorInfo,
  w: TensorInfo,
  b: TensorInfo | null,
  order: WeightOrder,
): TensorInfo {
  const out = l.heap.output([...x.shape.slice(0, -1), order.outputs]);
  packAndMultiply(l, l.heap.pointerOf(w), order, {
    input: l.heap.pointerOf(x),
    output: l.heap.pointerOf(out),
    bias: b === null ? 0 : l.heap.pointerOf(b),
    window: { taps: [1, 1], steps: [0, 0], run: order.inputs },
    grid: rowGrid(countOf(x) / order.inputs, order.inputs, order.outputs),
  });
  return out;
}

const linearKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusLinear',
    run: (l, inputs) => {
      const w = need(inputs, 'w');
      const [outputs = 1, width = 1] = w.shape;
      const order = denseOrder(outputs, width, width, 1);
      return product(l, need(inputs, 'x'), w, inputs.b ?? null, order);
    },
    saved: { inputs: ['x', 'w'] },
    gradient: (tf, dy, [x, w]) => ({
      x: () => runOne(tf, 'AnnulusLinearInput', { dy, w: w as Tensor }),
      w: () => runOne(tf, 'AnnulusLinearFilter', { x: x as Tensor, dy }),
      b: () => runOne(tf, 'AnnulusColumnSums', { dy }),
    }),
  },
  {
    name: 'AnnulusLinearInput',
    run: (l, inputs) => {
      const w = need(inputs, 'w');
      const [outputs = 1, width = 1] = w.shape;
      return product(l, need(inputs, 'dy'), w, null, denseOrder(width, outputs, 1, width));
    },
  },
  {
    name: 'AnnulusLinearFilter',
    run: (l, inputs) => {
      const [x, dy] = [need(inputs, 'x'), need(inputs, 'dy')];
      const width = x.shape.at(-1) ?? 1;
      const outputs = dy.shape.at(-1) ?? 1;
      const out = l.heap.output([outputs, width]);
      const window = { taps: [1, 1], steps: [0, 0], run: width } as const;
      l.heap.scratch(sumsBytes(window, outputs), (sums) => {
        l.gradient({
          ...{ input: l.heap.pointerOf(x), gradient: l.heap.pointerOf(dy), sums },
          ...{ channels: outputs, window, grid: rowGrid(countOf(x) / width, width, outputs) },
        });
        const order = denseOrder(outputs, width, width, 1);
        l.unpackGradient(l.heap.pointerOf(out), sums, order);
      });
      return out;
    },
  },
];

const layerNormKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusLayerNorm',
    run: (l, inputs, attributes) => {
      const x = need(inputs, 'x');
      const channels = x.shape.at(-1) ?? 1;
      const rows = countOf(x) / channels;
      const [y, stats] = [l.heap.output(x.shape), l.heap.output([rows, 2])];
      l.kernels.layerNorm(
        ...addresses(l, x, need(inputs, 'gamma'), need(inputs, 'beta'), y, stats),
        ...[rows, channels, attributes.eps as number],
      );
      return [y, stats];
    },
    saved: { inputs: ['x', 'gamma'], outputs: [1] },
    gradient: (tf, dy, [x, gamma, stats]) => {
      const inputs = { dy, x, gamma, stats } as Record<string, Tensor>;
      const [dx, dgamma, dbeta] = runMany(tf, 'AnnulusLayerNormGradient', inputs);
      return { x: () => dx as Tensor, gamma: () => dgamma as Tensor, beta: () => dbeta as Tensor };
    },
  },
  {
    name: 'AnnulusLayerNormGradient',
    run: (l, inputs) => {
      const x = need(inputs, 'x');
      const channels = x.shape.at(-1) ?? 1;
      const out = [l.heap.output(x.shape), l.heap.output([channels]), l.heap.output([channels])];
      const given = ['x', 'dy', 'stats', 'gamma'].map((name) => need(inputs, name));
      l.heap.scratch(roundUp4(channels) * 8, (scratch) => {
        const pointers = addresses(l, ...given, ...out);
        l.kernels.layerNormGradient(...pointers, scratch, countOf(x) / channels, channels);
      });
      return out;
    },
  },
];

const gelu: OwnKernel = {
  name: 'AnnulusGelu',
  run: (l, inputs) => {
    const x = need(inputs, 'x');
    const out = l.heap.output(x.shape);
    const dy = inputs.dy === undefined ? 0 : l.heap.pointerOf(inputs.dy);
    l.kernels.gelu(l.heap.pointerOf(x), dy, l.heap.pointerOf(out), countOf(x));
    return out;
  },
  saved: { inputs: ['x'] },
  gradient: (tf, dy, [x]) => ({ x: () => runOne(tf, 'AnnulusGelu', { x: x as Tensor, dy }) }),
};

/** `attributes`: window, shift and the grid's shape. */
function moveWindows(
  l: Launcher,
  grid: TensorInfo,
  windows: TensorInfo,
  reverse: boolean,
  attributes: Attributes,
): void {
  const { shape, options } = attributes as { shape: number[]; options: WindowOptions };
  const padded = ([0, 1, 2] as const).map(
    (axis) => Math.ceil((shape[axis + 1] ?? 1) / options.window[axis]) * options.window[axis],
  );
  const shift = options.shift.map((s, axis) => {
    const side = padded[axis] ?? 1;
    return ((s % side) + side) % side;
  });
  const pointers = addresses(l, grid, windows);
  l.kernels.windows(
    l.params([...pointers, reverse ? 1 : 0, ...shape, ...options.window, ...shift]),
  );
}

/** `[windows, voxels of a window, channels]`. */
export function windowShape(shape: readonly number[], window: Triple): number[] {
  const [batch = 1, ...rest] = shape;
  const counts = window.map((side, axis) => Math.ceil((rest[axis] ?? 1) / side));
  return [
    counts.reduce((product, count) => product * count, batch),
    window[0] * window[1] * window[2],
    rest[3] ?? 1,
  ];
}

const windowKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusWindowPartition',
    run: (l, inputs, attributes) => {
      const { shape, options } = attributes as unknown as {
        shape: number[];
        options: WindowOptions;
      };
      const out = l.heap.output(windowShape(shape, options.window));
      moveWindows(l, need(inputs, 'x'), out, false, attributes);
      return out;
    },
    saved: { inputs: [] },
    gradient: (tf, dy, _saved, attributes) => ({
      x: () => runOne(tf, 'AnnulusWindowReverse', { x: dy }, attributes),
    }),
  },
  {
    name: 'AnnulusWindowReverse',
    run: (l, inputs, attributes) => {
      const out = l.heap.output(attributes.shape as number[]);
      moveWindows(l, out, need(inputs, 'x'), true, attributes);
      return out;
    },
    saved: { inputs: [] },
    gradient: (tf, dy, _saved, attributes) => ({
      x: () => runOne(tf, 'AnnulusWindowPartition', { x: dy }, attributes),
    }),
  },
];

/** `attributes.shape` is the grid's. */
const mergeKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusMergePatches',
    run: (l, inputs, attributes) => {
      const [b = 1, d = 2, h = 2, w = 2, c = 1] = attributes.shape as number[];
      const out = l.heap.output([b, d / 2, h / 2, w / 2, 8 * c]);
      const pointers = addresses(l, need(inputs, 'x'), out);
      l.kernels.mergePatches(l.params([...pointers, 0, b, d, h, w, c]));
      return out;
    },
    saved: { inputs: [] },
    gradient: (tf, dy, _saved, attributes) => ({
      x: () => runOne(tf, 'AnnulusMergePatchesGradient', { dy }, attributes),
    }),
  },
  {
    name: 'AnnulusMergePatchesGradient',
    run: (l, inputs, attributes) => {
      const shape = attributes.shape as number[];
      const out = l.heap.output(shape);
      const pointers = addresses(l, out, need(inputs, 'dy'));
      l.kernels.mergePatches(l.params([...pointers, 1, ...shape]));
      return out;
    },
  },
];

const biasKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusGatherBias',
    run: (l, inputs) => {
      const [table, index] = [need(inputs, 'table'), need(inputs, 'index')];
      const [rows = 1, heads = 1] = table.shape;
      const out = l.heap.output([heads, ...index.shape]);
      l.kernels.gatherBias(...addresses(l, table, index, out), rows, heads, countOf(index));
      return out;
    },
    saved: { inputs: ['index'] },
    gradient: (tf, dy, [index], attributes) => ({
      table: () =>
        runOne(tf, 'AnnulusGatherBiasGradient', { dy, index: index as Tensor }, attributes),
    }),
  },
  {
    name: 'AnnulusGatherBiasGradient',
    run: (l, inputs, attributes) => {
      const [dy, index] = [need(inputs, 'dy'), need(inputs, 'index')];
      const [rows = 1, heads = 1] = attributes.shape as number[];
      const out = l.heap.output([rows, heads]);
      const pointers = addresses(l, dy, index, out);
      l.kernels.gatherBiasGradient(...pointers, rows, heads, countOf(index));
      return out;
    },
  },
];

/** The words that the forward kernel and its gradient share. */
function attentionCall(
  l: Launcher,
  inputs: Inputs,
  out: TensorInfo,
  logsums: TensorInfo,
  scratch: number,
): { words: number[]; items: number } {
  const [qkv, bias, mask] = ['qkv', 'bias', 'mask'].map((name) => need(inputs, name)) as [
    TensorInfo,
    TensorInfo,
    TensorInfo,
  ];
  const [windows = 1, n = 1] = qkv.shape;
  const [heads = 1] = bias.shape;
  const [groups = 0] = mask.shape;
  const depth = headDepth(qkv, bias);
  // The scale is a float among words: its bits.
  const [scale = 0] = new Int32Array(Float32Array.of(depth ** -0.5).buffer);
  const words = [
    ...[l.heap.pointerOf(qkv), l.heap.pointerOf(bias), groups === 0 ? 0 : l.heap.pointerOf(mask)],
    ...[l.heap.pointerOf(out), l.heap.pointerOf(logsums), scratch],
    ...[windows, n, heads, depth, groups, scale],
  ];
  return { words, items: windows * heads };
}

function headDepth(qkv: TensorInfo, bias: TensorInfo): number {
  return (qkv.shape[2] ?? 3) / 3 / (bias.shape[0] ?? 1);
}

function attentionScratch(l: Launcher, inputs: Inputs): number {
  const qkv = need(inputs, 'qkv');
  return l.kernels.windowAttentionScratch(qkv.shape[1] ?? 1, headDepth(qkv, need(inputs, 'bias')));
}

/** A mask without groups stands for none. */
const attentionKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusWindowAttention',
    run: (l, inputs) => {
      const [windows = 1, n = 1, width = 3] = need(inputs, 'qkv').shape;
      const [heads = 1] = need(inputs, 'bias').shape;
      const out = l.heap.output([windows, n, width / 3]);
      const logsums = l.heap.output([windows, heads, n]);
      l.heap.scratch(attentionScratch(l, inputs), (scratch) => {
        const call = attentionCall(l, inputs, out, logsums, scratch);
        l.kernels.windowAttention(l.params(call.words), 0, call.items);
      });
      return [out, logsums];
    },
    saved: { inputs: ['qkv', 'bias', 'mask'], outputs: [0, 1] },
    gradient: (tf, dy, [qkv, bias, mask, out, logsums]) => {
      const inputs = { dy, qkv, bias, mask, out, logsums } as Record<string, Tensor>;
      const [dQkv, dBias] = runMany(tf, 'AnnulusWindowAttentionGradient', inputs);
      return { qkv: () => dQkv as Tensor, bias: () => dBias as Tensor };
    },
  },
  {
    name: 'AnnulusWindowAttentionGradient',
    run: (l, inputs) => {
      const [dQkv, dBias] = [
        l.heap.output(need(inputs, 'qkv').shape),
        l.heap.output(need(inputs, 'bias').shape),
      ];
      l.heap.zero(l.heap.pointerOf(dBias), 4 * countOf(dBias));
      l.heap.scratch(attentionScratch(l, inputs), (scratch) => {
        const [out, logsums] = [need(inputs, 'out'), need(inputs, 'logsums')];
        const call = attentionCall(l, inputs, out, logsums, scratch);
        const more = addresses(l, need(inputs, 'dy'), dQkv, dBias);
        l.kernels.windowAttentionGradient(l.params([...call.words, ...more]), 0, call.items);
      });
      return [dQkv, dBias];
    },
  },
];

export const transformerKernels: readonly OwnKernel[] = [
  ...[...linearKernels, ...layerNormKernels, gelu],
  ...[...windowKernels, ...mergeKernels, ...biasKernels, ...attentionKernels],
];
