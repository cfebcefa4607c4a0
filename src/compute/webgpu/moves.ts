/** Element-wise operations and those that only move values: channels, windows, bias tables. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { need, type Attributes, type Inputs } from '../ops/kernel-registry.ts';
import type { WindowOptions } from '../ops/ops.ts';
import { countOf } from '../ops/sizes.ts';
import { windowShape } from '../ops/transformer-kernels.ts';
import { flatGrid, flatIndex, flatWorkgroup, float, vectorType, widthOf } from './launcher.ts';
import type { Binding, GpuLauncher } from './launcher.ts';

interface Flat {
  readonly key: string;
  readonly inputs: readonly Binding[];
  readonly shape: readonly number[];
  readonly type: 'f32' | 'vec4<f32>';
  readonly declarations?: string;
  /** WGSL that sets `y[i]` for `i`, one thread per element of `type`. */
  readonly each: string;
}

function flat(
  l: GpuLauncher,
  { key, inputs, shape, type, declarations = '', each }: Flat,
): TensorInfo {
  const y = l.output(shape);
  const count = countOf(y) / widthOf(type);
  l.run({
    key: `${key} ${count}`,
    bindings: [...inputs, { name: 'y', of: y, type, writes: true }],
    workgroup: flatWorkgroup,
    workgroups: flatGrid(count),
    code: () => ({
      declarations: `alias V = ${type};\n${declarations}`,
      body: `${flatIndex(count)}\n  ${each}`,
    }),
  });
  return y;
}

function read(inputs: Inputs, name: string, type: Binding['type']): Binding {
  return { name, of: need(inputs, name), type };
}

/** `g` is the upstream gradient when this runs as the gradient. */
export function leakyRelu(l: GpuLauncher, inputs: Inputs, { slope = 1 }: Attributes): TensorInfo {
  const x = need(inputs, 'x');
  const type = vectorType(countOf(x));
  const from = inputs.g === undefined ? 'x' : 'g';
  return flat(l, {
    key: `leaky ${slope} ${from}`,
    inputs:
      inputs.g === undefined
        ? [read(inputs, 'x', type)]
        : ['x', 'g'].map((n) => read(inputs, n, type)),
    ...{ shape: x.shape, type },
    each: `y[i] = ${from}[i] * select(V(${float(slope)}), V(1.0), x[i] > V(0.0));`,
  });
}

/** `sum + term` of one shape. */
export function accumulate(l: GpuLauncher, inputs: Inputs): TensorInfo {
  const sum = need(inputs, 'sum');
  const type = vectorType(countOf(sum));
  return flat(l, {
    key: 'accumulate',
    inputs: [read(inputs, 'sum', type), read(inputs, 'term', type)],
    ...{ shape: sum.shape, type, each: 'y[i] = sum[i] + term[i];' },
  });
}

/** The error function by Abramowitz & Stegun 7.1.26, off by at most 1.5e-7. */
const errorFunction = `fn erf(x: V) -> V {
  let a = abs(x);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return sign(x) * (1.0 - p * exp(-a * a));
}`;

/** With `dy` the gradient. */
export function gelu(l: GpuLauncher, inputs: Inputs): TensorInfo {
  const x = need(inputs, 'x');
  const type = vectorType(countOf(x));
  const phi = `0.5 * (1.0 + erf(x[i] * ${float(Math.SQRT1_2)}))`;
  const density = `${float(1 / Math.sqrt(2 * Math.PI))} * exp(-0.5 * x[i] * x[i])`;
  const isGradient = inputs.dy !== undefined;
  return flat(l, {
    key: `gelu ${isGradient}`,
    inputs: (isGradient ? ['x', 'dy'] : ['x']).map((name) => read(inputs, name, type)),
    ...{ shape: x.shape, type, declarations: errorFunction },
    each: isGradient ? `y[i] = dy[i] * (${phi} + x[i] * ${density});` : `y[i] = x[i] * ${phi};`,
  });
}

/** `x · factor` for a scalar tensor. */
export function scale(l: GpuLauncher, inputs: Inputs): TensorInfo {
  const x = need(inputs, 'x');
  const type = vectorType(countOf(x));
  return flat(l, {
    key: 'scale',
    inputs: [read(inputs, 'x', type), read(inputs, 'factor', 'f32')],
    ...{ shape: x.shape, type, each: 'y[i] = x[i] * factor[0];' },
  });
}

/** `[…, a]` and `[…, b] → […, a + b]`. */
export function concat(l: GpuLauncher, inputs: Inputs): TensorInfo {
  const [a, b] = [need(inputs, 'a'), need(inputs, 'b')];
  const [left, right] = [a.shape.at(-1) ?? 1, b.shape.at(-1) ?? 1];
  const type = vectorType(left, right);
  const [na, nb] = [left / widthOf(type), right / widthOf(type)];
  return flat(l, {
    key: `concat ${left} ${right}`,
    inputs: [read(inputs, 'a', type), read(inputs, 'b', type)],
    ...{ shape: [...a.shape.slice(0, -1), left + right], type },
    each: `let row = i / ${na + nb};
  let q = i % ${na + nb};
  if (q < ${na}) { y[i] = a[row * ${na} + q]; } else { y[i] = b[row * ${nb} + q - ${na}]; }`,
  });
}

/** The channels `from … from + channels - 1`. */
export function channels(l: GpuLauncher, inputs: Inputs, attributes: Attributes): TensorInfo {
  const x = need(inputs, 'x');
  const width = x.shape.at(-1) ?? 1;
  const { from, channels: wanted } = attributes as unknown as { from: number; channels: number };
  const type = vectorType(width, from, wanted);
  const [n, all, first] = [wanted, width, from].map((count) => count / widthOf(type));
  return flat(l, {
    key: `channels ${from} ${wanted} ${width}`,
    inputs: [read(inputs, 'x', type)],
    ...{ shape: [...x.shape.slice(0, -1), wanted], type },
    each: `y[i] = x[(i / ${n}) * ${all} + ${first} + i % ${n}];`,
  });
}

interface WindowAttributes {
  readonly shape: number[];
  readonly options: WindowOptions;
}

interface Axis {
  readonly size: number;
  readonly window: number;
  readonly count: number;
  readonly shift: number;
}

function axesOf({ shape, options }: WindowAttributes): readonly [Axis, Axis, Axis] {
  const axis = (a: 0 | 1 | 2): Axis => {
    const [size, window] = [shape[a + 1] ?? 1, options.window[a]];
    const count = Math.ceil(size / window);
    const padded = count * window;
    return { size, window, count, shift: ((options.shift[a] % padded) + padded) % padded };
  };
  return [axis(0), axis(1), axis(2)];
}

/** `[b, d, h, w, c] → [windows, voxels of a window, c]` */
export function windowPartition(
  l: GpuLauncher,
  inputs: Inputs,
  attributes: Attributes,
): TensorInfo {
  const given = attributes as unknown as WindowAttributes;
  const [z, y, x] = axesOf(given);
  const depth = given.shape[4] ?? 1;
  const type = vectorType(depth);
  const quads = depth / widthOf(type);
  const place = (axis: Axis, window: string, token: string): string =>
    `(${window} * ${axis.window} + ${token} + ${axis.shift}) % ${axis.count * axis.window}`;
  return flat(l, {
    key: `partition ${JSON.stringify(given)}`,
    inputs: [read(inputs, 'x', type)],
    ...{ shape: windowShape(given.shape, given.options.window), type },
    each: `let token = (i / ${quads}) % ${z.window * y.window * x.window};
  let w = i / ${quads * z.window * y.window * x.window};
  let iz = ${place(z, `((w / ${x.count * y.count}) % ${z.count})`, `token / ${y.window * x.window}`)};
  let iy = ${place(y, `((w / ${x.count}) % ${y.count})`, `(token / ${x.window}) % ${y.window}`)};
  let ix = ${place(x, `(w % ${x.count})`, `token % ${x.window}`)};
  let sample = w / ${x.count * y.count * z.count};
  var value = V(0.0);
  if (iz < ${z.size} && iy < ${y.size} && ix < ${x.size}) {
    value = x[(((sample * ${z.size} + iz) * ${y.size} + iy) * ${x.size} + ix) * ${quads} + i % ${quads}];
  }
  y[i] = value;`,
  });
}

/** The inverse of `windowPartition`. */
export function windowReverse(l: GpuLauncher, inputs: Inputs, attributes: Attributes): TensorInfo {
  const given = attributes as unknown as WindowAttributes;
  const [z, y, x] = axesOf(given);
  const depth = given.shape[4] ?? 1;
  const type = vectorType(depth);
  const quads = depth / widthOf(type);
  const rolled = (axis: Axis, at: string): string =>
    `(${at} + ${axis.count * axis.window - axis.shift}) % ${axis.count * axis.window}`;
  return flat(l, {
    key: `reverse ${JSON.stringify(given)}`,
    inputs: [read(inputs, 'x', type)],
    ...{ shape: given.shape, type },
    each: `let voxel = i / ${quads};
  let rx = ${rolled(x, `voxel % ${x.size}`)};
  let ry = ${rolled(y, `(voxel / ${x.size}) % ${y.size}`)};
  let rz = ${rolled(z, `(voxel / ${x.size * y.size}) % ${z.size}`)};
  let sample = voxel / ${x.size * y.size * z.size};
  let w = ((sample * ${z.count} + rz / ${z.window}) * ${y.count} + ry / ${y.window}) * ${x.count} + rx / ${x.window};
  let token = ((rz % ${z.window}) * ${y.window} + ry % ${y.window}) * ${x.window} + rx % ${x.window};
  y[i] = x[(w * ${z.window * y.window * x.window} + token) * ${quads} + i % ${quads}];`,
  });
}

/** `[rows, heads]` and `[n, n] → [heads, n, n]` */
export function gatherBias(l: GpuLauncher, inputs: Inputs): TensorInfo {
  const [table, index] = [need(inputs, 'table'), need(inputs, 'index')];
  const [, heads = 1] = table.shape;
  const pairs = countOf(index);
  return flat(l, {
    key: `gather bias ${heads} ${pairs}`,
    inputs: [
      { name: 'table', of: table, type: 'f32' },
      { name: 'place', of: l.constant(index), type: 'i32' },
    ],
    ...{ shape: [heads, ...index.shape], type: 'f32' },
    each: `y[i] = table[place[i % ${pairs}] * ${heads} + i / ${pairs}];`,
  });
}

/** Pairs sorted by the row they take, and where each row's pairs begin. */
interface Occurrences {
  readonly pairs: Int32Array;
  readonly starts: Int32Array;
}

const occurrences = new WeakMap<object, Occurrences>();

function occurrencesOf(index: Int32Array, rows: number): Occurrences {
  const known = occurrences.get(index);
  if (known !== undefined) return known;
  const starts = new Int32Array(rows + 1);
  for (const row of index) starts[row + 1] = (starts[row + 1] ?? 0) + 1;
  for (let row = 0; row < rows; row++)
    starts[row + 1] = (starts[row + 1] ?? 0) + (starts[row] ?? 0);
  const next = starts.slice();
  const pairs = new Int32Array(index.length);
  index.forEach((row, pair) => {
    const at = next[row] ?? 0;
    pairs[at] = pair;
    next[row] = at + 1;
  });
  const found = { pairs, starts };
  occurrences.set(index, found);
  return found;
}

/** `[heads, n, n] → [rows, heads]`: each row sums its own pairs, in order. */
export function gatherBiasGradient(
  l: GpuLauncher,
  inputs: Inputs,
  attributes: Attributes,
): TensorInfo {
  const [dy, index] = [need(inputs, 'dy'), need(inputs, 'index')];
  const shape = attributes.shape as readonly number[];
  const [rows = 1, heads = 1] = shape;
  const pairs = countOf(index);
  const host = l.hostValues(index);
  const sum = { shape, type: 'f32' as const };
  if (host instanceof Int32Array) {
    const sorted = occurrencesOf(host, rows);
    return flat(l, {
      key: `gather bias gradient ${rows} ${heads} ${pairs}`,
      inputs: [
        { name: 'dy', of: dy, type: 'f32' },
        { name: 'pairs', of: l.constantOf(sorted.pairs), type: 'i32' },
        { name: 'starts', of: l.constantOf(sorted.starts), type: 'i32' },
      ],
      ...sum,
      each: `let row = i / ${heads};
  let head = i % ${heads};
  var sum = 0.0;
  for (var k = starts[row]; k < starts[row + 1]; k++) { sum += dy[head * ${pairs} + pairs[k]]; }
  y[i] = sum;`,
    });
  }
  return flat(l, {
    key: `gather bias gradient by search ${rows} ${heads} ${pairs}`,
    inputs: [
      { name: 'dy', of: dy, type: 'f32' },
      { name: 'place', of: index, type: 'i32' },
    ],
    ...sum,
    each: `let row = i / ${heads};
  var sum = 0.0;
  for (var k = 0; k < ${pairs}; k++) {
    if (place[k] == row) { sum += dy[(i % ${heads}) * ${pairs} + k]; }
  }
  y[i] = sum;`,
  });
}

/** Corners of a 2×2×2 block by their bits zyx, in the order in which their voxels are stacked, three bits each. */
const corners = 0o73561240;
/** The inverse: where in the stack the voxel of a corner lies. */
const positions = 0o74516230;

/** `[b, d, h, w, c] → [b, d/2, h/2, w/2, 8·c]`; `attributes.shape` is the grid's. */
export function mergePatches(l: GpuLauncher, inputs: Inputs, attributes: Attributes): TensorInfo {
  const [b = 1, d = 2, h = 2, w = 2, c = 1] = attributes.shape as number[];
  const type = vectorType(c);
  const n = c / widthOf(type);
  return flat(l, {
    key: `merge ${String(attributes.shape)}`,
    inputs: [read(inputs, 'x', type)],
    ...{ shape: [b, d / 2, h / 2, w / 2, 8 * c], type },
    each: `let place = i / ${n};
  let block = place / 8;
  let corner = (${corners}u >> u32(3 * (place % 8))) & 7u;
  let x2 = block % ${w / 2};
  let y2 = (block / ${w / 2}) % ${h / 2};
  let z2 = block / ${(w / 2) * (h / 2)};
  let plane = 2 * z2 + i32(corner >> 2u);
  let row = plane * ${h} + 2 * y2 + i32((corner >> 1u) & 1u);
  y[i] = x[(row * ${w} + 2 * x2 + i32(corner & 1u)) * ${n} + i % ${n}];`,
  });
}

/** `[b, d/2, h/2, w/2, 8·c] → [b, d, h, w, c]`: the voxels back to where they came from. */
export function mergePatchesGradient(
  l: GpuLauncher,
  inputs: Inputs,
  attributes: Attributes,
): TensorInfo {
  const shape = attributes.shape as number[];
  const [, , h = 2, w = 2, c = 1] = shape;
  const type = vectorType(c);
  const n = c / widthOf(type);
  return flat(l, {
    key: `unmerge ${String(shape)}`,
    inputs: [read(inputs, 'dy', type)],
    ...{ shape, type },
    each: `let voxel = i / ${n};
  let column = voxel % ${w};
  let row = (voxel / ${w}) % ${h};
  let plane = voxel / ${w * h};
  let place = u32((plane % 2) * 4 + (row % 2) * 2 + column % 2);
  let at = i32((${positions}u >> (3u * place)) & 7u);
  let block = ((plane / 2) * ${h / 2} + row / 2) * ${w / 2} + column / 2;
  y[i] = dy[(block * 8 + at) * ${n} + i % ${n}];`,
  });
}
