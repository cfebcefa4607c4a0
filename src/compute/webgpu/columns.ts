/** Sums over the rows of `[groups, rows, channels]`, of several quantities at once, in a fixed order. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { flatWorkgroup, vectorType, widthOf, type Binding, type GpuLauncher } from './launcher.ts';
import { addShares } from './shares.ts';

/** What is summed over the rows of each group. */
export interface Columns {
  readonly key: string;
  readonly groups: number;
  readonly rows: number;
  readonly channels: number;
  /** How many quantities are summed. */
  readonly values: number;
  readonly inputs: readonly Binding[];
  /** WGSL that declares `v0`, `v1`, … of type `V` for `group`, `row` (over all groups) and `q`, vectors of V. */
  readonly each: string;
}

/** Partial sums `[shares, groups, values, channels]`. */
export interface PartialSums {
  readonly sums: TensorInfo;
  readonly shares: number;
  readonly count: number;
}

/** Sums over shares of the rows; the caller adds the shares up and frees them. */
export function columnShares(l: GpuLauncher, c: Columns): PartialSums {
  const type = vectorType(c.channels);
  const quads = c.channels / widthOf(type);
  const across = Math.min(quads, flatWorkgroup);
  const down = Math.floor(flatWorkgroup / across);
  const shares = Math.max(1, Math.min(128, Math.ceil(c.rows / (down * 8))));
  const share = Math.ceil(c.rows / shares);
  const sums = l.output([shares, c.groups, c.values, c.channels]);
  const list = Array.from({ length: c.values }, (_, i) => i);
  l.run({
    key: `columns ${c.key} ${c.groups} ${c.rows} ${c.channels}`,
    bindings: [...c.inputs, { name: 'sums', of: sums, type, writes: true }],
    workgroup: flatWorkgroup,
    workgroups: [shares, c.groups, Math.ceil(quads / across)],
    code: () => ({
      declarations: `alias V = ${type};
var<workgroup> held: array<V, ${c.values * flatWorkgroup}>;`,
      body: `
  let group = i32(wid.y);
  let q = i32(wid.z) * ${across} + i32(lid) % ${across};
  let lane = i32(lid) / ${across};
  ${list.map((i) => `var a${i} = V(0.0);`).join(' ')}
  if (lane < ${down} && q < ${quads}) {
    let end = min((i32(wid.x) + 1) * ${share}, ${c.rows});
    for (var r = i32(wid.x) * ${share} + lane; r < end; r += ${down}) {
      let row = group * ${c.rows} + r;
      ${c.each}
      ${list.map((i) => `a${i} += v${i};`).join(' ')}
    }
  }
  ${list.map((i) => `held[${i * flatWorkgroup} + i32(lid)] = a${i};`).join(' ')}
  workgroupBarrier();
  if (lane == 0 && q < ${quads}) {
    for (var k = 0; k < ${c.values}; k++) {
      var sum = V(0.0);
      for (var j = 0; j < ${down}; j++) { sum += held[k * ${flatWorkgroup} + j * ${across} + i32(lid)]; }
      sums[((i32(wid.x) * ${c.groups} + group) * ${c.values} + k) * ${quads} + q] = sum;
    }
  }`,
    }),
  });
  return { sums, shares, count: c.groups * c.values * c.channels };
}

/** `[…, channels] → [channels]`: the gradient of a bias. */
export function columnSums(l: GpuLauncher, dy: TensorInfo): TensorInfo {
  const channels = dy.shape.at(-1) ?? 1;
  const rows = dy.shape.reduce((product, side) => product * side, 1) / channels;
  const type = vectorType(channels);
  const partial = columnShares(l, {
    ...{ key: 'sum', groups: 1, rows, channels, values: 1 },
    inputs: [{ name: 'dy', of: dy, type }],
    each: `let v0 = dy[row * ${channels / widthOf(type)} + q];`,
  });
  const out = l.output([channels]);
  addShares(l, partial.sums, out);
  return out;
}
