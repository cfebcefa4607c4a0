/** Instance norm, leaky ReLU and channel joining as registered kernels. */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';

import { need, runMany, runOne, type OwnKernel } from './kernel-registry.ts';
import { countOf, roundUp4 } from './sizes.ts';

/** Batch, voxels per sample, channels. */
function sizes(x: TensorInfo): [number, number, number] {
  const batch = x.shape[0] ?? 1;
  const channels = x.shape.at(-1) ?? 1;
  return [batch, countOf(x) / batch / channels, channels];
}

/** Inputs `x`, `gamma`, `beta`; outputs y and the moments `[b, 2, c]`. */
const instanceNorm: OwnKernel = {
  name: 'AnnulusInstanceNorm',
  run: (l, inputs, attributes) => {
    const x = need(inputs, 'x');
    const [batch, voxels, channels] = sizes(x);
    const y = l.heap.output(x.shape);
    const stats = l.heap.output([batch, 2, channels]);
    const [px = 0, ps = 0, py = 0] = l.heap.pointersOf(x, stats, y);
    const [pg = 0, pb = 0] = l.heap.pointersOf(need(inputs, 'gamma'), need(inputs, 'beta'));
    l.heap.scratch(roundUp4(channels) * 12, (scratch) => {
      const counts = [batch, voxels, channels];
      l.kernels.instanceMoments(px, ps, scratch, ...counts, attributes.eps as number);
      const slope = attributes.slope as number;
      l.kernels.instanceNorm(px, ps, pg, pb, py, scratch, ...counts, slope);
    });
    return [y, stats];
  },
  saved: { inputs: ['x', 'gamma', 'beta'], outputs: [1] },
  gradient: (tf, dy, [x, gamma, beta, stats], attributes) => {
    // One kernel gives all three, so it runs at once: a lazy gradient would lose the other two.
    const inputs = { dy, x, gamma, beta, stats } as Record<string, Tensor>;
    const [dx, dgamma, dbeta] = runMany(tf, 'AnnulusInstanceNormGradient', inputs, attributes);
    return {
      x: () => dx as Tensor,
      gamma: () => dgamma as Tensor,
      beta: () => dbeta as Tensor,
    };
  },
};

const instanceNormGradient: OwnKernel = {
  name: 'AnnulusInstanceNormGradient',
  run: (l, inputs, attributes) => {
    const x = need(inputs, 'x');
    const [batch, voxels, channels] = sizes(x);
    const out = [l.heap.output(x.shape), l.heap.output([channels]), l.heap.output([channels])];
    const given = ['x', 'dy', 'stats', 'gamma', 'beta'].map((name) => need(inputs, name));
    l.heap.scratch(roundUp4(channels) * 40, (scratch) => {
      l.kernels.instanceNormGradient(
        ...l.heap.pointersOf(...given, ...out),
        ...[scratch, batch, voxels, channels, attributes.slope as number],
      );
    });
    return out;
  },
};

const leakyRelu: OwnKernel = {
  name: 'AnnulusLeakyRelu',
  run: (l, inputs, attributes) => {
    // `g` is the upstream gradient when this runs as the gradient.
    const x = need(inputs, 'x');
    const out = l.heap.output(x.shape);
    const [px = 0, pg = 0, py = 0] = l.heap.pointersOf(x, inputs.g ?? x, out);
    l.kernels.leakyRelu(px, pg, py, countOf(x), attributes.slope as number);
    return out;
  },
  // The output has the input's sign, and unlike it is needed by others too.
  saved: { inputs: [], outputs: [0] },
  gradient: (tf, dy, [y], attributes) => ({
    x: () => runOne(tf, 'AnnulusLeakyRelu', { x: y as Tensor, g: dy }, attributes),
  }),
};

/** `sum + term` in the memory of `sum`, which nobody uses afterwards, or in its own where that is shared. */
const accumulate: OwnKernel = {
  name: 'AnnulusAccumulate',
  run: (l, inputs) => {
    const [sum, term] = [need(inputs, 'sum'), need(inputs, 'term')];
    const out = l.heap.isAlone(sum) ? l.heap.share(sum) : l.heap.output(sum.shape);
    const [ps = 0, pt = 0, po = 0] = l.heap.pointersOf(sum, term, out);
    l.kernels.add(ps, pt, po, countOf(sum));
    return out;
  },
  saved: { inputs: [] },
  gradient: (tf, dy) => ({ sum: () => tf.clone(dy), term: () => tf.clone(dy) }),
};

/** `[…, a]` and `[…, b] → […, a + b]`. */
const concat: OwnKernel = {
  name: 'AnnulusConcat',
  run: (l, inputs) => {
    const a = need(inputs, 'a');
    const b = need(inputs, 'b');
    const [left, right] = [a.shape.at(-1) ?? 1, b.shape.at(-1) ?? 1];
    const out = l.heap.output([...a.shape.slice(0, -1), left + right]);
    const [pa = 0, pb = 0, po = 0] = l.heap.pointersOf(a, b, out);
    const [na, nb, rows] = [left * 4, right * 4, countOf(a) / left];
    l.kernels.copyRows(pa, na, po, na + nb, na, rows);
    l.kernels.copyRows(pb, nb, po + na, na + nb, nb, rows);
    return out;
  },
  saved: { inputs: [] },
  gradient: (tf, dy, _saved, attributes) => {
    const [left, right] = attributes.channels as [number, number];
    const cut = (from: number, channels: number): Tensor =>
      runOne(tf, 'AnnulusChannels', { x: dy }, { from, channels });
    return { a: () => cut(0, left), b: () => cut(left, right) };
  },
};

/** The channels `from … from + channels - 1`. */
const channelSlice: OwnKernel = {
  name: 'AnnulusChannels',
  run: (l, inputs, attributes) => {
    const x = need(inputs, 'x');
    const width = x.shape.at(-1) ?? 1;
    const { from, channels } = attributes as { from: number; channels: number };
    const out = l.heap.output([...x.shape.slice(0, -1), channels]);
    const [px = 0, po = 0] = l.heap.pointersOf(x, out);
    const bytes = channels * 4;
    l.kernels.copyRows(px + from * 4, width * 4, po, bytes, bytes, countOf(x) / width);
    return out;
  },
};

/** Instance norm with its activation, sums of two tensors, and channels joined and cut. */
export const normKernels: readonly OwnKernel[] = [
  ...[instanceNorm, instanceNormGradient, leakyRelu, accumulate, concat, channelSlice],
];
