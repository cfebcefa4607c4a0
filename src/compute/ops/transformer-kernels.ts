/** Dense products, layer norm, GELU, windows, bias tables and attention as registered kernels. */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';

import { convFilterGradient, convForward, convInputGradient } from '../heap/convolution.ts';
import type { Launcher } from '../heap/launcher.ts';
import { ranges } from '../heap/wasm/ranges.ts';
import { denseGeometry } from './conv-geometry.ts';
import {
  need,
  runMany,
  runOne,
  type Attributes,
  type Inputs,
  type OwnKernel,
} from './kernel-registry.ts';
import type { Triple, WindowOptions } from './ops.ts';
import { countOf, roundUp4 } from './sizes.ts';

const linearKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusLinear',
    run: (l, inputs) => {
      const [x, w] = [need(inputs, 'x'), need(inputs, 'w')];
      const g = denseGeometry(x.shape, w.shape);
      return convForward(l, g, x, w, inputs.b ?? null, withLast(x, w.shape[0]));
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
      const [dy, w] = [need(inputs, 'dy'), need(inputs, 'w')];
      const g = denseGeometry(dy.shape, w.shape);
      return convInputGradient(l, g, dy, w, null, withLast(dy, w.shape[1]));
    },
  },
  {
    name: 'AnnulusLinearFilter',
    run: (l, inputs) => {
      const [x, dy] = [need(inputs, 'x'), need(inputs, 'dy')];
      const shape = [dy.shape.at(-1) ?? 1, x.shape.at(-1) ?? 1];
      return convFilterGradient(l, denseGeometry(x.shape, shape), x, dy, shape);
    },
  },
];

/** The tensor's shape with another last axis. */
function withLast(x: TensorInfo, last = 1): number[] {
  return [...x.shape.slice(0, -1), last];
}

const layerNormKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusLayerNorm',
    run: (l, inputs, attributes) => {
      const x = need(inputs, 'x');
      const channels = x.shape.at(-1) ?? 1;
      const rows = countOf(x) / channels;
      const [y, stats] = [l.heap.output(x.shape), l.heap.output([rows, 2])];
      l.kernels.layerNorm(
        ...l.heap.pointersOf(x, need(inputs, 'gamma'), need(inputs, 'beta'), y, stats),
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
        const pointers = l.heap.pointersOf(...given, ...out);
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
  const pointers = l.heap.pointersOf(grid, windows);
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
      const pointers = l.heap.pointersOf(need(inputs, 'x'), out);
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
      const pointers = l.heap.pointersOf(out, need(inputs, 'dy'));
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
      l.kernels.gatherBias(...l.heap.pointersOf(table, index, out), rows, heads, countOf(index));
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
      const pointers = l.heap.pointersOf(dy, index, out);
      l.kernels.gatherBiasGradient(...pointers, rows, heads, countOf(index));
      return out;
    },
  },
];

/** Runs an attention kernel in pieces of a multiple of `unit` items; `more` follows the words that both share. */
function attend(
  l: Launcher,
  kernel: 'windowAttention' | 'windowAttentionGradient',
  inputs: Inputs,
  out: TensorInfo,
  logsums: TensorInfo,
  unit: number,
  more: readonly number[],
): void {
  const [qkv, bias, regions] = ['qkv', 'bias', 'regions'].map((name) => need(inputs, name)) as [
    TensorInfo,
    TensorInfo,
    TensorInfo,
  ];
  const [windows = 1, n = 1] = qkv.shape;
  const [heads = 1] = bias.shape;
  const [groups = 0] = regions.shape;
  const depth = headDepth(qkv, bias);
  // The scale is a float among words: its bits.
  const [scale = 0] = new Int32Array(Float32Array.of(depth ** -0.5).buffer);
  const parts = ranges(windows * heads, unit, l.pieces);
  const bytes = Math.ceil(l.kernels.windowAttentionScratch(n, depth) / 64) * 64;
  l.heap.scratch(bytes * parts.length, (scratch) => {
    const pieces = parts.map((part, i) => ({
      ...part,
      words: [
        ...[l.heap.pointerOf(qkv), l.heap.pointerOf(bias)],
        ...[groups === 0 ? 0 : l.heap.pointerOf(regions)],
        ...[l.heap.pointerOf(out), l.heap.pointerOf(logsums), scratch + bytes * i],
        ...[windows, n, heads, depth, groups, scale, ...more],
      ],
    }));
    l.spread(kernel, pieces);
  });
}

function headDepth(qkv: TensorInfo, bias: TensorInfo): number {
  return (qkv.shape[2] ?? 3) / 3 / (bias.shape[0] ?? 1);
}

/** Regions without groups stand for none. */
const attentionKernels: readonly OwnKernel[] = [
  {
    name: 'AnnulusWindowAttention',
    run: (l, inputs) => {
      const [windows = 1, n = 1, width = 3] = need(inputs, 'qkv').shape;
      const [heads = 1] = need(inputs, 'bias').shape;
      const out = l.heap.output([windows, n, width / 3]);
      const logsums = l.heap.output([windows, heads, n]);
      attend(l, 'windowAttention', inputs, out, logsums, 1, []);
      return [out, logsums];
    },
    saved: { inputs: ['qkv', 'bias', 'regions'], outputs: [0, 1] },
    gradient: (tf, dy, [qkv, bias, regions, out, logsums]) => {
      const inputs = { dy, qkv, bias, regions, out, logsums } as Record<string, Tensor>;
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
      const [out, logsums] = [need(inputs, 'out'), need(inputs, 'logsums')];
      const more = l.heap.pointersOf(need(inputs, 'dy'), dQkv, dBias);
      // All windows of a head add to its bias's gradient, so they stay together.
      const [windows = 1] = need(inputs, 'qkv').shape;
      attend(l, 'windowAttentionGradient', inputs, out, logsums, windows, more);
      return [dQkv, dBias];
    },
  },
];

/** All that transformers need beside convolutions, norms over voxels and the loss. */
export const transformerKernels: readonly OwnKernel[] = [
  ...[...linearKernels, ...layerNormKernels, gelu],
  ...[...windowKernels, ...mergeKernels, ...biasKernels, ...attentionKernels],
];
