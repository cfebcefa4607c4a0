/** The gradient of convolution weights: sums over shares of the voxels, each and then all added in a fixed order. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { forwardPadding, type ConvGeometry } from '../ops/conv-geometry.ts';
import { filterGradientByRows, rowPlanOf } from './filter-gradient-rows.ts';
import { folded, quadLoader, vectorType, type GpuLauncher } from './launcher.ts';
import { addShares } from './shares.ts';

const lanes = 64;
/** Workgroups that keep a large card busy. */
const workgroupsWanted = 2048;

interface Plan {
  readonly voxels: number;
  readonly share: number;
  readonly shares: number;
  readonly inputQuads: number;
  /** Quads of output channels that a thread holds. */
  readonly held: number;
  readonly outputBlocks: number;
  readonly tiles: number;
}

function planOf(g: ConvGeometry, isSoftware: boolean): Plan {
  const [outputs, inputs, kd, kh, kw] = g.weights;
  const voxels = g.output[0] * g.output[1] * g.output[2] * g.output[3];
  const outputQuads = Math.ceil(outputs / 4);
  // Three vectors of four per input channel fill the workgroup's memory.
  const most = isSoftware ? 1 : Math.max(1, Math.floor(3 / kw));
  const held = most === 3 && outputQuads % 3 !== 0 && outputQuads % 2 === 0 ? 2 : most;
  const outputBlocks = Math.ceil(outputQuads / held);
  const inputQuads = Math.ceil(inputs / 4);
  const tiles = kd * kh * inputQuads * outputBlocks;
  const shares = Math.min(
    ...[Math.ceil(workgroupsWanted / tiles), Math.ceil(voxels / (4 * lanes)), 256],
  );
  return {
    ...{ voxels, share: Math.ceil(voxels / shares), shares, inputQuads, held, outputBlocks, tiles },
  };
}

/** `[b, d', h', w', O]` and `[b, d, h, w, I] → [O, I, kd, kh, kw]` */
export function convFilterGradient(
  l: GpuLauncher,
  g: ConvGeometry,
  x: TensorInfo,
  dy: TensorInfo,
): TensorInfo {
  const { maxComputeWorkgroupStorageSize: bytes } = l.backend.device.limits;
  const plan = rowPlanOf(g, l.isSoftware, bytes) ?? planOf(g, l.isSoftware);
  const { shares } = plan;
  const count = g.weights.reduce((product, side) => product * side, 1);
  const out = l.output(g.weights);
  const sums = shares === 1 ? out : l.output([shares, count]);
  if ('run' in plan) filterGradientByRows(l, g, plan, [x, dy, sums]);
  else filterGradientByTiles(l, g, plan, [x, dy, sums]);
  if (shares > 1) addShares(l, sums, out);
  return out;
}

/** Any kernel and stride: each workgroup one tile of the weights, its threads a share of the voxels each. */
function filterGradientByTiles(
  l: GpuLauncher,
  g: ConvGeometry,
  plan: Plan,
  [x, dy, sums]: readonly [TensorInfo, TensorInfo, TensorInfo],
): void {
  const count = g.weights.reduce((product, side) => product * side, 1);
  l.run({
    key: `filter gradient ${JSON.stringify(g)}`,
    bindings: [
      { name: 'x', of: x, type: vectorType(g.input[4]) },
      { name: 'dy', of: dy, type: vectorType(g.output[4]) },
      { name: 'sums', of: sums, type: 'f32', writes: true },
    ],
    workgroup: lanes,
    workgroups: [...folded(plan.tiles), plan.shares],
    code: () => gradientCode(g, plan, count),
  });
}

function gradientCode(
  g: ConvGeometry,
  plan: Plan,
  count: number,
): { declarations: string; body: string } {
  const [outputs, inputs, kd, kh, kw] = g.weights;
  const [, depth, height, width] = g.output;
  const padding = forwardPadding(g);
  const { held } = plan;
  const list = (length: number): number[] => Array.from({ length }, (_, i) => i);
  const sums = list(kw).flatMap((tx) =>
    list(4).flatMap((c) => list(held).map((n) => ({ tx, c, n, name: `a${tx}_${c}_${n}` }))),
  );
  const body = `
  let tile = i32(wid.y * groups.x + wid.x);
  if (tile >= ${plan.tiles}) { return; }
  let block = tile % ${plan.outputBlocks};
  let quad = (tile / ${plan.outputBlocks}) % ${plan.inputQuads};
  let tap = tile / ${plan.outputBlocks * plan.inputQuads};
  let tz = tap / ${kh};
  let ty = tap % ${kh};
  ${sums.map(({ name }) => `var ${name} = vec4<f32>(0.0);`).join('\n  ')}
  let first = i32(wid.z) * ${plan.share};
  let end = min(first + ${plan.share}, ${plan.voxels});
  for (var m = first + i32(lid); m < end; m += ${lanes}) {
    let iz = ((m / ${width * height}) % ${depth}) * ${g.stride[0]} + tz - ${padding[0]};
    let iy = ((m / ${width}) % ${height}) * ${g.stride[1]} + ty - ${padding[2]};
    if (iz < 0 || iz >= ${g.input[1]} || iy < 0 || iy >= ${g.input[2]}) { continue; }
    let ix = (m % ${width}) * ${g.stride[2]} - ${padding[4]};
    let sample = m / ${width * height * depth};
    let row = ((sample * ${g.input[1]} + iz) * ${g.input[2]} + iy) * ${g.input[3]};
    ${list(held)
      .map(
        (n) => `var d${n} = vec4<f32>(0.0);
    if (block * ${held} + ${n} < ${Math.ceil(outputs / 4)}) { d${n} = loadD(m, block * ${held} + ${n}); }`,
      )
      .join('\n    ')}
    ${list(kw)
      .map(
        (tx) => `if (ix + ${tx} >= 0 && ix + ${tx} < ${g.input[3]}) {
      let v = loadX(row + ix + ${tx}, quad);
      ${sums
        .filter((sum) => sum.tx === tx)
        .map(({ name, c, n }) => `${name} = fma(vec4<f32>(v[${c}]), d${n}, ${name});`)
        .join('\n      ')}
    }`,
      )
      .join('\n    ')}
  }
  ${sums.map(({ name }, at) => `held[${at * lanes} + i32(lid)] = ${name};`).join('\n  ')}
  workgroupBarrier();
  for (var k = i32(lid); k < ${4 * sums.length}; k += ${lanes}) {
    var sum = 0.0;
    for (var lane = 0; lane < ${lanes}; lane++) { sum += held[(k / 4) * ${lanes} + lane][k % 4]; }
    let o = (block * ${held} + (k / 4) % ${held}) * 4 + k % 4;
    let c = quad * 4 + (k / ${4 * held}) % 4;
    let tx = k / ${16 * held};
    if (o < ${outputs} && c < ${inputs}) {
      sums[i32(wid.z) * ${count} + ((o * ${inputs} + c) * ${kd * kh} + tap) * ${kw} + tx] = sum;
    }
  }`;
  return {
    declarations: [
      `var<workgroup> held: array<vec4<f32>, ${sums.length * lanes}>;`,
      quadLoader('loadX', 'x', g.input[4]),
      quadLoader('loadD', 'dy', g.output[4]),
    ].join('\n'),
    body,
  };
}
