/**
 * Window attention on the GPU. The scores are never stored: forward keeps a running maximum and sum per query,
 * backward computes them again from the logarithm of that sum. Each gradient is summed by one thread, in order.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

import { need, type Inputs } from '../ops/kernel-registry.ts';
import { float, vectorType, widthOf } from './launcher.ts';
import type { Binding, GpuLauncher } from './launcher.ts';

const workgroup = 64;
/** Queries whose bias a thread sums, so that a key is read once for them. */
const queriesHeld = 4;
/** Keys or queries in workgroup memory at once. */
const tile = 32;

interface Sizes {
  readonly windows: number;
  readonly n: number;
  readonly heads: number;
  readonly depth: number;
  readonly groups: number;
}

interface Call {
  readonly sizes: Sizes;
  readonly type: 'f32' | 'vec4<f32>';
  /** Vectors of a head. */
  readonly parts: number;
  readonly bindings: readonly Binding[];
  readonly declarations: string;
}

function list(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** What all programs share: sizes, the inputs, and functions for places and scores. */
function callOf(l: GpuLauncher, inputs: Inputs): Call {
  const [qkv, bias] = [need(inputs, 'qkv'), need(inputs, 'bias')];
  const regions = need(inputs, 'regions');
  const [windows = 1, n = 1, width = 3] = qkv.shape;
  const [heads = 1] = bias.shape;
  const [groups = 0] = regions.shape;
  const depth = width / 3 / heads;
  const type = vectorType(depth);
  const parts = depth / widthOf(type);
  const dot = type === 'f32' ? 'a * b' : 'dot(a, b)';
  const region = (token: string): string => `regions[(window % ${groups}) * ${n} + ${token}]`;
  const lowered = groups === 0 ? '' : ` + select(0.0, -100.0, ${region('i')} != ${region('j')})`;
  return {
    sizes: { windows, n, heads, depth, groups },
    ...{ type, parts },
    bindings: [
      { name: 'qkv', of: qkv, type },
      { name: 'bias', of: bias, type: 'f32' },
      ...(groups === 0 ? [] : [{ name: 'regions', of: l.constant(regions), type: 'i32' as const }]),
    ],
    declarations: `alias V = ${type};
fn inner(a: V, b: V) -> f32 { return ${dot}; }
// First vector of part 0, 1, 2 (q, k, v) of a token, and of the same place in the output.
fn placeOf(window: i32, token: i32, part: i32, head: i32) -> i32 {
  return ((window * ${n} + token) * 3 + part) * ${heads * parts} + head * ${parts};
}
fn outOf(window: i32, token: i32, head: i32) -> i32 {
  return (window * ${n} + token) * ${heads * parts} + head * ${parts};
}
fn added(window: i32, head: i32, i: i32, j: i32) -> f32 {
  return bias[(head * ${n} + i) * ${n} + j]${lowered};
}`,
  };
}

function read(inputs: Inputs, name: string, type: Binding['type'] = 'f32'): Binding {
  return { name, of: need(inputs, name), type };
}

/** `Σ a · b` over the vectors of a head; `a` and `b` are given their number. */
function innerSum(parts: number, a: (p: number) => string, b: (p: number) => string): string {
  return list(parts)
    .map((p) => `inner(${a(p)}, ${b(p)})`)
    .join(' + ');
}

function keyOf(name: string, { sizes }: Call): string {
  return `${name} ${Object.values(sizes).join(' ')}`;
}

/** Outputs `[windows, n, C]` and the logarithm of each softmax's sum, `[windows, heads, n]`. */
export function windowAttention(l: GpuLauncher, inputs: Inputs): TensorInfo[] {
  const call = callOf(l, inputs);
  const { type, parts } = call;
  const { windows, n, heads, depth } = call.sizes;
  const out = l.output([windows, n, heads * depth]);
  const logsums = l.output([windows, heads, n]);
  l.run({
    key: keyOf('attention', call),
    bindings: [
      ...call.bindings,
      { name: 'result', of: out, type, writes: true },
      { name: 'logsums', of: logsums, type: 'f32', writes: true },
    ],
    workgroup,
    workgroups: [windows, heads, Math.ceil(n / workgroup)],
    code: () => ({
      declarations: `${call.declarations}
var<workgroup> ks: array<V, ${tile * parts}>;
var<workgroup> vs: array<V, ${tile * parts}>;`,
      body: `
  let window = i32(wid.x);
  let head = i32(wid.y);
  let i = i32(wid.z) * ${workgroup} + i32(lid);
  let token = min(i, ${n - 1});
  ${list(parts)
    .map(
      (p) => `let q${p} = qkv[placeOf(window, token, 0, head) + ${p}] * ${float(depth ** -0.5)};
  var o${p} = V(0.0);`,
    )
    .join('\n  ')}
  var top = -1e30;
  var total = 0.0;
  for (var j0 = 0; j0 < ${n}; j0 += ${tile}) {
    for (var k = i32(lid); k < ${tile * parts}; k += ${workgroup}) {
      let at = min(j0 + k / ${parts}, ${n - 1});
      ks[k] = qkv[placeOf(window, at, 1, head) + k % ${parts}];
      vs[k] = qkv[placeOf(window, at, 2, head) + k % ${parts}];
    }
    workgroupBarrier();
    for (var k = 0; k < min(${tile}, ${n} - j0); k++) {
      let s = ${innerSum(
        parts,
        (p) => `q${p}`,
        (p) => `ks[k * ${parts} + ${p}]`,
      )} + added(window, head, token, j0 + k);
      let higher = max(top, s);
      let keep = exp(top - higher);
      let p = exp(s - higher);
      top = higher;
      total = total * keep + p;
      ${list(parts)
        .map((p) => `o${p} = o${p} * keep + p * vs[k * ${parts} + ${p}];`)
        .join('\n      ')}
    }
    workgroupBarrier();
  }
  if (i >= ${n}) { return; }
  ${list(parts)
    .map((p) => `result[outOf(window, i, head) + ${p}] = o${p} / total;`)
    .join('\n  ')}
  logsums[(window * ${heads} + head) * ${n} + i] = top + log(total);`,
    }),
  });
  return [out, logsums];
}

/** Outputs the gradients of qkv and of the bias. */
export function windowAttentionGradient(l: GpuLauncher, inputs: Inputs): TensorInfo[] {
  const call = callOf(l, inputs);
  const { type } = call;
  const { windows, n, heads } = call.sizes;
  const dQkv = l.output(need(inputs, 'qkv').shape);
  const dBias = l.output(need(inputs, 'bias').shape);
  const given = [
    ...call.bindings,
    ...[read(inputs, 'dy', type), read(inputs, 'out', type), read(inputs, 'logsums')],
  ];
  const tokens = { workgroup, workgroups: [windows, heads, Math.ceil(n / workgroup)] } as const;
  const writes: Binding = { name: 'dQkv', of: dQkv, type, writes: true };
  l.run({
    key: keyOf('attention queries', call),
    ...{ bindings: [...given, writes], ...tokens },
    code: () => queryCode(call),
  });
  l.run({
    key: keyOf('attention keys', call),
    ...{ bindings: [...given, writes], ...tokens },
    code: () => keyCode(call),
  });
  l.run({
    key: keyOf('attention bias', call),
    bindings: [...given, { name: 'dBias', of: dBias, type: 'f32', writes: true }],
    workgroup,
    workgroups: [Math.ceil(n / workgroup), Math.ceil(n / queriesHeld), heads],
    code: () => biasCode(call),
  });
  return [dQkv, dBias];
}

/** One query per thread: dq = scale · Σ_j p · (dy·v - dy·out) · k. */
function queryCode(call: Call): { declarations: string; body: string } {
  const { parts } = call;
  const { n, heads, depth } = call.sizes;
  return {
    declarations: `${call.declarations}
var<workgroup> ks: array<V, ${tile * parts}>;
var<workgroup> vs: array<V, ${tile * parts}>;`,
    body: `
  let window = i32(wid.x);
  let head = i32(wid.y);
  let i = i32(wid.z) * ${workgroup} + i32(lid);
  let token = min(i, ${n - 1});
  let own = outOf(window, token, head);
  ${list(parts)
    .map(
      (p) => `let q${p} = qkv[placeOf(window, token, 0, head) + ${p}] * ${float(depth ** -0.5)};
  let g${p} = dy[own + ${p}];
  var d${p} = V(0.0);`,
    )
    .join('\n  ')}
  let mean = ${innerSum(
    parts,
    (p) => `g${p}`,
    (p) => `out[own + ${p}]`,
  )};
  let logsum = logsums[(window * ${heads} + head) * ${n} + token];
  for (var j0 = 0; j0 < ${n}; j0 += ${tile}) {
    for (var k = i32(lid); k < ${tile * parts}; k += ${workgroup}) {
      let at = min(j0 + k / ${parts}, ${n - 1});
      ks[k] = qkv[placeOf(window, at, 1, head) + k % ${parts}];
      vs[k] = qkv[placeOf(window, at, 2, head) + k % ${parts}];
    }
    workgroupBarrier();
    for (var k = 0; k < min(${tile}, ${n} - j0); k++) {
      let s = ${innerSum(
        parts,
        (p) => `q${p}`,
        (p) => `ks[k * ${parts} + ${p}]`,
      )} + added(window, head, token, j0 + k);
      let slope = exp(s - logsum) * (${innerSum(
        parts,
        (p) => `g${p}`,
        (p) => `vs[k * ${parts} + ${p}]`,
      )} - mean);
      ${list(parts)
        .map((p) => `d${p} += slope * ks[k * ${parts} + ${p}];`)
        .join('\n      ')}
    }
    workgroupBarrier();
  }
  if (i >= ${n}) { return; }
  ${list(parts)
    .map((p) => `dQkv[placeOf(window, i, 0, head) + ${p}] = d${p} * ${float(depth ** -0.5)};`)
    .join('\n  ')}`,
  };
}

/** One key per thread: dv = Σ_i p · dy, dk = scale · Σ_i p · (dy·v - dy·out) · q. */
function keyCode(call: Call): { declarations: string; body: string } {
  const { parts } = call;
  const { n, heads, depth } = call.sizes;
  const scale = float(depth ** -0.5);
  return {
    declarations: `${call.declarations}
var<workgroup> qs: array<V, ${tile * parts}>;
var<workgroup> gs: array<V, ${tile * parts}>;
// Logarithm of the sum, and dy·out.
var<workgroup> rows: array<vec2<f32>, ${tile}>;`,
    body: `
  let window = i32(wid.x);
  let head = i32(wid.y);
  let j = i32(wid.z) * ${workgroup} + i32(lid);
  let token = min(j, ${n - 1});
  ${list(parts)
    .map(
      (p) => `let k${p} = qkv[placeOf(window, token, 1, head) + ${p}];
  let v${p} = qkv[placeOf(window, token, 2, head) + ${p}];
  var dk${p} = V(0.0);
  var dv${p} = V(0.0);`,
    )
    .join('\n  ')}
  for (var i0 = 0; i0 < ${n}; i0 += ${tile}) {
    for (var k = i32(lid); k < ${tile * parts}; k += ${workgroup}) {
      let at = min(i0 + k / ${parts}, ${n - 1});
      qs[k] = qkv[placeOf(window, at, 0, head) + k % ${parts}] * ${scale};
      gs[k] = dy[outOf(window, at, head) + k % ${parts}];
    }
    if (lid < ${tile}u) {
      let at = min(i0 + i32(lid), ${n - 1});
      let own = outOf(window, at, head);
      rows[lid] = vec2<f32>(logsums[(window * ${heads} + head) * ${n} + at], ${innerSum(
        parts,
        (p) => `dy[own + ${p}]`,
        (p) => `out[own + ${p}]`,
      )});
    }
    workgroupBarrier();
    for (var k = 0; k < min(${tile}, ${n} - i0); k++) {
      let s = ${innerSum(
        parts,
        (p) => `qs[k * ${parts} + ${p}]`,
        (p) => `k${p}`,
      )} + added(window, head, i0 + k, token);
      let p = exp(s - rows[k].x);
      let slope = p * (${innerSum(
        parts,
        (p) => `gs[k * ${parts} + ${p}]`,
        (p) => `v${p}`,
      )} - rows[k].y);
      ${list(parts)
        .map(
          (p) => `dv${p} += p * gs[k * ${parts} + ${p}];
      dk${p} += slope * qs[k * ${parts} + ${p}];`,
        )
        .join('\n      ')}
    }
    workgroupBarrier();
  }
  if (j >= ${n}) { return; }
  ${list(parts)
    .map(
      (p) => `dQkv[placeOf(window, j, 1, head) + ${p}] = dk${p};
  dQkv[placeOf(window, j, 2, head) + ${p}] = dv${p};`,
    )
    .join('\n  ')}`,
  };
}

/** A key and a few queries per thread, summed over the windows. */
function biasCode(call: Call): { declarations: string; body: string } {
  const { parts } = call;
  const { windows, n } = call.sizes;
  return {
    declarations: call.declarations,
    body: `
  let j = i32(wid.x) * ${workgroup} + i32(lid);
  let first = i32(wid.y) * ${queriesHeld};
  let head = i32(wid.z);
  if (j >= ${n}) { return; }
  var sums = array<f32, ${queriesHeld}>();
  for (var window = 0; window < ${windows}; window++) {
    let k = placeOf(window, j, 1, head);
    let v = placeOf(window, j, 2, head);
    ${list(parts)
      .map((p) => `let k${p} = qkv[k + ${p}]; let v${p} = qkv[v + ${p}];`)
      .join('\n    ')}
    ${list(queriesHeld)
      .map((m) => biasTerm(call, m))
      .join('\n    ')}
  }
  for (var m = 0; m < min(${queriesHeld}, ${n} - first); m++) {
    dBias[(head * ${n} + first + m) * ${n} + j] = sums[m];
  }`,
  };
}

/** What a window adds to the sum of query `first + m` and key `j`. */
function biasTerm({ parts, sizes }: Call, m: number): string {
  const { n, heads, depth } = sizes;
  const sum = (a: string, b: (p: number) => string): string =>
    innerSum(parts, (p) => `${a} + ${p}]`, b);
  return `{
      let i = min(first + ${m}, ${n - 1});
      let own = outOf(window, i, head);
      let q = placeOf(window, i, 0, head);
      let s = (${sum('qkv[q', (p) => `k${p}`)}) * ${float(depth ** -0.5)} + added(window, head, i, j);
      let mean = ${sum('dy[own', (p) => `out[own + ${p}]`)};
      let slope = ${sum('dy[own', (p) => `v${p}`)} - mean;
      sums[${m}] += exp(s - logsums[(window * ${heads} + head) * ${n} + i]) * slope;
    }`;
}
