/** Instance and layer norm on the GPU, forward and backward. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { need, type Attributes, type Inputs } from '../ops/kernel-registry.ts';
import { countOf } from '../ops/sizes.ts';
import { columnShares, type PartialSums } from './columns.ts';
import { flatGrid, flatIndex, flatWorkgroup, float, vectorType, widthOf } from './launcher.ts';
import type { Binding, GpuLauncher } from './launcher.ts';
import { sumFunction } from './shares.ts';

function read(inputs: Inputs, name: string, type: Binding['type'] = 'f32'): Binding {
  return { name, of: need(inputs, name), type };
}

/** Outputs y and `[b, 2, c]`: mean, 1 / deviation. */
export function instanceNorm(l: GpuLauncher, inputs: Inputs, attributes: Attributes): TensorInfo[] {
  const x = need(inputs, 'x');
  const channels = x.shape.at(-1) ?? 1;
  const [groups = 1] = x.shape;
  const rows = countOf(x) / groups / channels;
  const type = vectorType(channels);
  const quads = channels / widthOf(type);
  // Sums around a pivot, the first voxel, so that a large mean does not swallow the variance.
  const partial = columnShares(l, {
    ...{ key: 'moments', groups, rows, channels, values: 2 },
    inputs: [read(inputs, 'x', type)],
    each: `let v0 = x[row * ${quads} + q] - x[group * ${rows * quads} + q]; let v1 = v0 * v0;`,
  });
  const stats = l.output([groups, 2, channels]);
  l.run({
    key: `moments ${partial.shares} ${groups} ${rows} ${channels} ${attributes.eps}`,
    bindings: [
      { name: 'sums', of: partial.sums, type: 'f32' },
      read(inputs, 'x'),
      { name: 'stats', of: stats, type: 'f32', writes: true },
    ],
    workgroup: flatWorkgroup,
    workgroups: flatGrid(groups * channels),
    code: () => ({
      declarations: sumFunction('sums', partial.shares, partial.count),
      body: `${flatIndex(groups * channels)}
  let c = i % ${channels};
  let group = i / ${channels};
  let at = group * ${2 * channels} + c;
  let mean = sumOf(at) / ${float(rows)};
  let variance = max(sumOf(at + ${channels}) / ${float(rows)} - mean * mean, 0.0);
  stats[at] = mean + x[group * ${rows * channels} + c];
  stats[at + ${channels}] = 1.0 / sqrt(variance + ${float(attributes.eps ?? 0)});`,
    }),
  });
  l.release(partial.sums);
  const y = l.output(x.shape);
  const count = countOf(x) / widthOf(type);
  l.run({
    key: `instance norm ${rows} ${channels} ${count} ${attributes.slope}`,
    bindings: [
      ...['x', 'gamma', 'beta'].map((name) => read(inputs, name, type)),
      { name: 'stats', of: stats, type },
      { name: 'y', of: y, type, writes: true },
    ],
    workgroup: flatWorkgroup,
    workgroups: flatGrid(count),
    code: () => ({
      body: `${flatIndex(count)}
  let q = i % ${quads};
  let at = (i / ${rows * quads}) * ${2 * quads} + q;
  let t = (x[i] - stats[at]) * stats[at + ${quads}] * gamma[q] + beta[q];
  y[i] = select(t * ${float(attributes.slope ?? 1)}, t, t > ${type}(0.0));`,
    }),
  });
  return [y, stats];
}

/** Outputs the gradients of x, gamma and beta. */
export function instanceNormGradient(
  l: GpuLauncher,
  inputs: Inputs,
  attributes: Attributes,
): TensorInfo[] {
  const x = need(inputs, 'x');
  const channels = x.shape.at(-1) ?? 1;
  const [groups = 1] = x.shape;
  const rows = countOf(x) / groups / channels;
  const type = vectorType(channels);
  const quads = channels / widthOf(type);
  const given = ['x', 'dy', 'stats', 'gamma', 'beta'].map((name) => read(inputs, name, type));
  const slope = float(attributes.slope ?? 1);
  // The upstream gradient before the activation, and the normalised value.
  const local = `let s = group * ${2 * quads} + q;
      let h = (x[at] - stats[s]) * stats[s + ${quads}];
      let d = dy[at] * select(${type}(${slope}), ${type}(1.0), h * gamma[q] + beta[q] > ${type}(0.0));`;
  const partial = columnShares(l, {
    ...{ key: `norm gradient ${slope}`, groups, rows, channels, values: 2, inputs: given },
    each: `let at = row * ${quads} + q; ${local} let v0 = d; let v1 = d * h;`,
  });
  const sums = l.output([groups, 2, channels]);
  const [dgamma, dbeta] = totals(l, partial, groups, channels, sums);
  const dx = l.output(x.shape);
  const count = countOf(x) / widthOf(type);
  l.run({
    key: `instance norm gradient ${rows} ${channels} ${count} ${slope}`,
    bindings: [
      ...given,
      { name: 'sums', of: sums, type },
      { name: 'dx', of: dx, type, writes: true },
    ],
    workgroup: flatWorkgroup,
    workgroups: flatGrid(count),
    code: () => ({
      body: `${flatIndex(count)}
  let at = i;
  let q = i % ${quads};
  let group = i / ${rows * quads};
  ${local}
  let mean = (sums[s] + h * sums[s + ${quads}]) * ${float(1 / rows)};
  dx[i] = gamma[q] * stats[s + ${quads}] * (d - mean);`,
    }),
  });
  l.release(sums);
  return [dx, dgamma, dbeta];
}

/** Adds up shares of (d, d · h) into `sums` by group, and over groups into the gradients of gamma and beta. */
function totals(
  l: GpuLauncher,
  partial: PartialSums,
  groups: number,
  channels: number,
  sums: TensorInfo,
): [TensorInfo, TensorInfo] {
  const [dgamma, dbeta] = [l.output([channels]), l.output([channels])];
  l.run({
    key: `norm totals ${partial.shares} ${groups} ${channels}`,
    bindings: [
      { name: 'shares', of: partial.sums, type: 'f32' },
      { name: 'sums', of: sums, type: 'f32', writes: true },
      { name: 'dgamma', of: dgamma, type: 'f32', writes: true },
      { name: 'dbeta', of: dbeta, type: 'f32', writes: true },
    ],
    workgroup: flatWorkgroup,
    workgroups: flatGrid(channels),
    code: () => ({
      declarations: sumFunction('shares', partial.shares, partial.count),
      body: `${flatIndex(channels)}
  var g = 0.0;
  var b = 0.0;
  for (var group = 0; group < ${groups}; group++) {
    let at = group * ${2 * channels} + i;
    let plain = sumOf(at);
    let scaled = sumOf(at + ${channels});
    sums[at] = plain;
    sums[at + ${channels}] = scaled;
    b += plain;
    g += scaled;
  }
  dgamma[i] = g;
  dbeta[i] = b;`,
    }),
  });
  l.release(partial.sums);
  return [dgamma, dbeta];
}

const rowWorkgroup = 128;

/** Lanes that share one row. */
function lanesOf(channels: number): number {
  return channels >= 64 ? 32 : 4;
}

/** Sums `value`, a vec2, over the lanes of a row into `name`; every thread takes part. */
function rowSum(name: string, value: string, lanes: number): string {
  return `held[lid] = ${value};
  workgroupBarrier();
  var ${name} = vec2<f32>(0.0);
  for (var k = 0u; k < ${lanes}u; k++) { ${name} += held[(lid / ${lanes}u) * ${lanes}u + k]; }
  workgroupBarrier();`;
}

function rowStart(rows: number, lanes: number): string {
  return `let row = i32(wid.y * groups.x + wid.x) * ${rowWorkgroup / lanes} + i32(lid) / ${lanes};
  let lane = i32(lid) % ${lanes};
  let isRow = row < ${rows};`;
}

function rowGrid(rows: number, lanes: number): [number, number, number] {
  const groups = Math.ceil((rows * lanes) / rowWorkgroup);
  const columns = Math.min(groups, 32_768);
  return [columns, Math.ceil(groups / columns), 1];
}

const rowMemory = `var<workgroup> held: array<vec2<f32>, ${rowWorkgroup}>;`;

/** Outputs y and `[rows, 2]`: mean, 1 / deviation. */
export function layerNorm(l: GpuLauncher, inputs: Inputs, attributes: Attributes): TensorInfo[] {
  const x = need(inputs, 'x');
  const channels = x.shape.at(-1) ?? 1;
  const rows = countOf(x) / channels;
  const lanes = lanesOf(channels);
  const [y, stats] = [l.output(x.shape), l.output([rows, 2])];
  const loop = `for (var c = lane; c < select(0, ${channels}, isRow); c += ${lanes})`;
  l.run({
    key: `layer norm ${rows} ${channels} ${attributes.eps}`,
    bindings: [
      ...['x', 'gamma', 'beta'].map((name) => read(inputs, name)),
      { name: 'y', of: y, type: 'f32', writes: true },
      { name: 'stats', of: stats, type: 'f32', writes: true },
    ],
    workgroup: rowWorkgroup,
    workgroups: rowGrid(rows, lanes),
    code: () => ({
      declarations: rowMemory,
      body: `${rowStart(rows, lanes)}
  let at = row * ${channels};
  var sum = 0.0;
  ${loop} { sum += x[at + c]; }
  ${rowSum('total', 'vec2<f32>(sum, 0.0)', lanes)}
  let mean = total.x * ${float(1 / channels)};
  var square = 0.0;
  ${loop} { let d = x[at + c] - mean; square += d * d; }
  ${rowSum('squares', 'vec2<f32>(square, 0.0)', lanes)}
  let scale = 1.0 / sqrt(squares.x * ${float(1 / channels)} + ${float(attributes.eps ?? 0)});
  ${loop} { y[at + c] = (x[at + c] - mean) * scale * gamma[c] + beta[c]; }
  if (isRow && lane == 0) { stats[2 * row] = mean; stats[2 * row + 1] = scale; }`,
    }),
  });
  return [y, stats];
}

/** Outputs the gradients of x, gamma and beta. */
export function layerNormGradient(l: GpuLauncher, inputs: Inputs): TensorInfo[] {
  const x = need(inputs, 'x');
  const channels = x.shape.at(-1) ?? 1;
  const rows = countOf(x) / channels;
  const lanes = lanesOf(channels);
  const dx = l.output(x.shape);
  const loop = `for (var c = lane; c < select(0, ${channels}, isRow); c += ${lanes})`;
  const given = ['x', 'dy', 'stats'].map((name) => read(inputs, name));
  l.run({
    key: `layer norm gradient ${rows} ${channels}`,
    bindings: [...given, read(inputs, 'gamma'), { name: 'dx', of: dx, type: 'f32', writes: true }],
    workgroup: rowWorkgroup,
    workgroups: rowGrid(rows, lanes),
    code: () => ({
      declarations: rowMemory,
      body: `${rowStart(rows, lanes)}
  let at = row * ${channels};
  let mean = stats[2 * row];
  let scale = stats[2 * row + 1];
  var sum = vec2<f32>(0.0);
  ${loop} {
    let d = dy[at + c] * gamma[c];
    sum += vec2<f32>(d, d * (x[at + c] - mean) * scale);
  }
  ${rowSum('total', 'sum', lanes)}
  ${loop} {
    let h = (x[at + c] - mean) * scale;
    dx[at + c] = scale * (dy[at + c] * gamma[c] - (total.x + h * total.y) * ${float(1 / channels)});
  }`,
    }),
  });
  const partial = columnShares(l, {
    ...{ key: 'layer norm', groups: 1, rows, channels, values: 2 },
    inputs: given.map((binding) =>
      binding.name === 'stats' ? binding : { ...binding, type: vectorType(channels) },
    ),
    each: `let at = row * ${channels / widthOf(vectorType(channels))} + q;
      let v0 = dy[at];
      let v1 = v0 * (x[at] - stats[2 * row]) * stats[2 * row + 1];`,
  });
  const sums = l.output([1, 2, channels]);
  const [dgamma, dbeta] = totals(l, partial, 1, channels, sums);
  l.release(sums);
  return [dx, dgamma, dbeta];
}
