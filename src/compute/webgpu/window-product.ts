/**
 * Convolutions on the GPU. One program covers forward, input gradient, transposed convolution and dense
 * product: every thread holds a few neighbouring positions times a few output channels in registers, while the
 * window's input streams by and the weights lie in workgroup memory.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

import { forwardPadding, phasesOf, type ConvGeometry, type Phase } from '../ops/conv-geometry.ts';
import type { Triple } from '../ops/ops.ts';
import { folded, quadLoader, vectorType, type GpuLauncher } from './launcher.ts';

interface Product {
  readonly batch: number;
  /** Positions: the grid that a window is laid over. */
  readonly grid: Triple;
  readonly sides: Triple;
  readonly channels: number;
  /** Input coordinate of tap t at position m: m · step + from + t. */
  readonly step: Triple;
  readonly from: Triple;
  readonly taps: Triple;
  readonly outputs: number;
  /** WGSL index of the weight of output `n`, input `c`, taps `tz`, `ty`, `tx`. */
  readonly weight: string;
  /** Output coordinate of position m: m · outStep + outFrom, in sides `outSides` of `outChannels`. */
  readonly outStep: Triple;
  readonly outFrom: Triple;
  readonly outSides: Triple;
  readonly outChannels: number;
  /** Output n is channel n mod outChannels of the voxel n / outChannels of a block of this size. */
  readonly block: Triple;
}

const workgroup = 64;
/** Threads that keep a large card busy. */
const threadsWanted = 32_768;

function sidesOf(shape: readonly number[]): Triple {
  return [shape[1] ?? 1, shape[2] ?? 1, shape[3] ?? 1];
}

const ones: Triple = [1, 1, 1];
const zeros: Triple = [0, 0, 0];

/** `[b, d, h, w, I] → [b, d', h', w', O]` */
export function convForward(
  l: GpuLauncher,
  g: ConvGeometry,
  x: TensorInfo,
  w: TensorInfo,
  b: TensorInfo | null,
): TensorInfo {
  const [outputs, channels, kd, kh, kw] = g.weights;
  const padding = forwardPadding(g);
  const out = l.output(g.output);
  runProduct(l, [x, w, b, out], {
    ...{ batch: g.input[0], grid: sidesOf(g.output), sides: sidesOf(g.input), channels, outputs },
    ...{ step: g.stride, from: [-padding[0], -padding[2], -padding[4]], taps: [kd, kh, kw] },
    weight: `((n * ${channels} + c) * ${kd} + tz) * ${kh * kw} + ty * ${kw} + tx`,
    ...{ outStep: ones, outFrom: zeros, outSides: sidesOf(g.output), outChannels: outputs },
    block: ones,
  });
  return out;
}

/** `[b, d', h', w', O]` and `[O, I, kd, kh, kw] → [b, d, h, w, I]`; a bias `[I]` makes it the transposed one. */
export function convInputGradient(
  l: GpuLauncher,
  g: ConvGeometry,
  dy: TensorInfo,
  w: TensorInfo,
  b: TensorInfo | null = null,
): TensorInfo {
  const out = l.output(g.input);
  const [channels, outputs, kd, kh, kw] = g.weights;
  const taps = kd * kh * kw;
  const common = {
    ...{ batch: g.input[0], sides: sidesOf(g.output), channels },
    ...{ outSides: sidesOf(g.input), outChannels: outputs },
  };
  const fits = g.stride.every(
    (s, axis) => s === g.weights[axis + 2] && g.input[axis + 1] === s * (g.output[axis + 1] ?? 0),
  );
  if (fits && g.weights.slice(2).every((k) => k % 2 === 0 || k === 1)) {
    // Windows that do not overlap: every position gives one whole block of the output.
    runProduct(l, [dy, w, b, out], {
      ...{ ...common, grid: sidesOf(g.output), step: ones, from: zeros, taps: ones },
      ...{ outputs: outputs * taps, outStep: g.stride, outFrom: zeros, block: [kd, kh, kw] },
      weight: `(c * ${outputs} + n % ${outputs}) * ${taps} + n / ${outputs}`,
    });
    return out;
  }
  for (const z of phasesOf(g, 0)) {
    for (const y of phasesOf(g, 1)) {
      for (const x of phasesOf(g, 2)) {
        const phases = [z, y, x] as const;
        const each = (of: (phase: Phase) => number): Triple => [of(z), of(y), of(x)];
        const tap = (axis: 0 | 1 | 2, t: string): string =>
          `(${phases[axis].lastTap} - ${g.stride[axis]} * ${t})`;
        runProduct(l, [dy, w, b, out], {
          ...{ ...common, grid: each((p) => p.count), step: ones, from: each((p) => p.from) },
          ...{ taps: each((p) => p.taps), outputs, outStep: g.stride, block: ones },
          outFrom: each((p) => p.phase),
          weight: `((c * ${outputs} + n) * ${kd} + ${tap(0, 'tz')}) * ${kh * kw} + ${tap(1, 'ty')} * ${kw} + ${tap(2, 'tx')}`,
        });
      }
    }
  }
  return out;
}

interface Tile {
  /** Neighbouring positions along the last axis. */
  readonly positions: number;
  /** Output channels, a multiple of 4. */
  readonly outputs: number;
}

function tileOf(p: Product): Tile {
  const waste = (size: number): number => Math.ceil(p.outputs / size) * size;
  const sizes = [16, 12, 8, 4];
  const least = Math.min(...sizes.map(waste));
  let outputs = sizes.find((size) => waste(size) === least) ?? 4;
  const rows = p.batch * p.grid[0] * p.grid[1];
  const threads = (positions: number): number =>
    rows * Math.ceil(p.grid[2] / positions) * Math.ceil(p.outputs / outputs);
  let positions = 4;
  while (positions > 1 && (threads(positions) < threadsWanted || positions > p.grid[2])) {
    positions /= 2;
  }
  if (positions === 1 && threads(1) < threadsWanted / 2) outputs = 4;
  return { positions, outputs };
}

function runProduct(
  l: GpuLauncher,
  [x, w, b, out]: readonly [TensorInfo, TensorInfo, TensorInfo | null, TensorInfo],
  p: Product,
): void {
  const tile = l.isSoftware ? { positions: 1, outputs: 4 } : tileOf(p);
  const runs = p.batch * p.grid[0] * p.grid[1] * Math.ceil(p.grid[2] / tile.positions);
  const outType = vectorType(p.outChannels);
  l.run({
    key: `product ${JSON.stringify([p, tile, b === null])}`,
    bindings: [
      { name: 'x', of: x, type: vectorType(p.channels) },
      { name: 'w', of: w, type: 'f32' },
      ...(b === null ? [] : [{ name: 'bias', of: b, type: 'f32' as const }]),
      { name: 'y', of: out, type: outType, writes: true },
    ],
    workgroup,
    workgroups: [...folded(Math.ceil(runs / workgroup)), Math.ceil(p.outputs / tile.outputs)],
    code: () => productCode(p, tile, runs, b !== null, outType),
  });
}

/** What the text of a product depends on beside the product itself. */
interface ProductCode {
  readonly tile: Tile;
  /** Vectors of four output channels of a tile. */
  readonly blocks: number;
  /** Runs of positions, one a thread, and how many of them make a row. */
  readonly runs: number;
  readonly runsPerRow: number;
  /** Quads of input channels. */
  readonly quads: number;
  /** Quads whose weights lie in workgroup memory at once, and how many vectors that takes. */
  readonly quadsHeld: number;
  readonly held: number;
}

function list(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

function productCode(
  p: Product,
  tile: Tile,
  runs: number,
  hasBias: boolean,
  outType: string,
): { declarations: string; body: string } {
  const taps = p.taps[0] * p.taps[1] * p.taps[2];
  const quads = Math.ceil(p.channels / 4);
  const quadsHeld = Math.max(1, Math.min(quads, taps === 0 ? 1 : Math.floor(32 / taps)));
  const blocks = tile.outputs / 4;
  const c: ProductCode = {
    ...{ tile, blocks, runs, runsPerRow: Math.ceil(p.grid[2] / tile.positions) },
    ...{ quads, quadsHeld, held: quadsHeld * taps * 4 * blocks },
  };
  return {
    declarations: [
      `var<workgroup> held: array<vec4<f32>, ${Math.max(1, c.held)}>;`,
      quadLoader('loadX', 'x', p.channels),
      weightFunction(p),
      storeFunction(p, hasBias, outType),
    ].join('\n'),
    body: `${placeOfThread(p, c)}
  ${sumsOfThread(c)}
  for (var q0 = 0; q0 < ${taps === 0 ? 0 : quads}; q0 += ${quadsHeld}) {
    ${loadWeights(c, taps)}
    workgroupBarrier();
    ${passWindow(p, c)}
    workgroupBarrier();
  }
  if (run >= ${runs}) { return; }
  ${storeSums(p, c)}`,
  };
}

/** Which positions and outputs are this thread's. */
function placeOfThread(p: Product, { tile, runsPerRow }: ProductCode): string {
  return `
  let run = i32(wid.y * groups.x + wid.x) * ${workgroup} + i32(lid);
  let n0 = i32(wid.z) * ${tile.outputs};
  let mx = (run % ${runsPerRow}) * ${tile.positions};
  let my = (run / ${runsPerRow}) % ${p.grid[1]};
  let mz = (run / ${runsPerRow * p.grid[1]}) % ${p.grid[0]};
  let sample = run / ${runsPerRow * p.grid[1] * p.grid[0]};
  let ix0 = mx * ${p.step[2]} + ${p.from[2]};`;
}

/** Registers: a vector of sums for each position and block of outputs, and one of weights for each block. */
function sumsOfThread({ tile, blocks }: ProductCode): string {
  const sums = list(tile.positions).flatMap((m) =>
    list(blocks).map((n) => `var a${m}_${n} = vec4<f32>(0.0);`),
  );
  const weights = list(blocks).map((n) => `var wv${n} = vec4<f32>(0.0);`);
  return `${sums.join('\n  ')}
  ${weights.join(' ')}`;
}

/** Lays the weights of the quads from `q0` on into the workgroup's memory. */
function loadWeights({ blocks, held }: ProductCode, taps: number): string {
  return `for (var k = i32(lid); k < ${held}; k += ${workgroup}) {
      let c = 4 * (q0 + k / ${taps * 4 * blocks}) + (k / ${blocks}) % 4;
      let t = (k / ${4 * blocks}) % ${Math.max(1, taps)};
      let n = n0 + 4 * (k % ${blocks});
      held[k] = vec4<f32>(weightOf(n, c, t), weightOf(n + 1, c, t), weightOf(n + 2, c, t), weightOf(n + 3, c, t));
    }`;
}

/** Adds the products of the window over those quads: per row of taps a segment of the input, then all its products. */
function passWindow(p: Product, { tile, blocks, runs, quads, quadsHeld }: ProductCode): string {
  const [kz, ky, kx] = p.taps;
  const segment = (tile.positions - 1) * p.step[2] + kx;
  const loads = list(segment).map(
    (i) => `var v${i} = vec4<f32>(0.0);
        if (ix0 + ${i} >= 0 && ix0 + ${i} < ${p.sides[2]}) { v${i} = loadX(row + ix0 + ${i}, q0 + q); }`,
  );
  const products = list(kx).flatMap((tx) =>
    list(4).flatMap((c) => [
      ...list(blocks).map((n) => `wv${n} = held[at + ${(tx * 4 + c) * blocks + n}];`),
      ...list(tile.positions).flatMap((m) =>
        list(blocks).map(
          (n) => `a${m}_${n} = fma(vec4<f32>(v${m * p.step[2] + tx}[${c}]), wv${n}, a${m}_${n});`,
        ),
      ),
    ]),
  );
  return `for (var q = 0; q < min(${quadsHeld}, ${quads} - q0); q++) {
      for (var tz = 0; tz < ${kz}; tz++) {
        let iz = mz * ${p.step[0]} + ${p.from[0]} + tz;
        for (var ty = 0; ty < ${ky}; ty++) {
          let iy = my * ${p.step[1]} + ${p.from[1]} + ty;
          if (run >= ${runs} || iz < 0 || iz >= ${p.sides[0]} || iy < 0 || iy >= ${p.sides[1]}) { continue; }
          let row = ((sample * ${p.sides[0]} + iz) * ${p.sides[1]} + iy) * ${p.sides[2]};
          let at = ((q * ${kz} + tz) * ${ky} + ty) * ${kx * 4 * blocks};
          ${loads.join('\n          ')}
          ${products.join('\n          ')}
        }
      }
    }`;
}

/** Writes the sums of the positions that there are. */
function storeSums(p: Product, { tile, blocks }: ProductCode): string {
  return list(tile.positions)
    .map(
      (m) => `if (mx + ${m} < ${p.grid[2]}) {
    ${list(blocks)
      .map((n) => `store(sample, mz, my, mx + ${m}, n0 + ${4 * n}, a${m}_${n});`)
      .join('\n    ')}
  }`,
    )
    .join('\n  ');
}

function weightFunction(p: Product): string {
  const [, ky, kx] = p.taps;
  return `fn weightOf(n: i32, c: i32, t: i32) -> f32 {
  if (n >= ${p.outputs} || c >= ${p.channels}) { return 0.0; }
  let tx = t % ${Math.max(1, kx)};
  let ty = (t / ${Math.max(1, kx)}) % ${Math.max(1, ky)};
  let tz = t / ${Math.max(1, kx * ky)};
  return w[${p.weight}];
}`;
}

function storeFunction(p: Product, hasBias: boolean, outType: string): string {
  const [, by, bx] = p.block;
  const channels = p.outChannels;
  const isBlocked = p.block.some((side) => side > 1);
  const place = (n: string): string => `
    let block = ${isBlocked ? `${n} / ${channels}` : '0'};
    let z = mz * ${p.outStep[0]} + ${p.outFrom[0]} + block / ${by * bx};
    let y = my * ${p.outStep[1]} + ${p.outFrom[1]} + (block / ${bx}) % ${by};
    let x = mx * ${p.outStep[2]} + ${p.outFrom[2]} + block % ${bx};
    let voxel = ((sample * ${p.outSides[0]} + z) * ${p.outSides[1]} + y) * ${p.outSides[2]} + x;
    let channel = ${isBlocked ? `${n} % ${channels}` : n};`;
  const header = `fn store(sample: i32, mz: i32, my: i32, mx: i32, n: i32, value: vec4<f32>) {`;
  if (outType === 'vec4<f32>') {
    const bias = hasBias
      ? ' + vec4<f32>(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3])'
      : '';
    return `${header}
    if (n >= ${p.outputs}) { return; }${place('n')}
    put(voxel * ${channels / 4} + channel / 4, value${bias});
}
fn put(at: i32, value: vec4<f32>) { y[at] = value; }`;
  }
  return `${header}
  for (var k = 0; k < 4; k++) {
    let nk = n + k;
    if (nk >= ${p.outputs}) { return; }${place('nk')}
    put(voxel * ${channels} + channel, value[k]${hasBias ? ' + bias[channel]' : ''});
  }
}
fn put(at: i32, value: f32) { y[at] = value; }`;
}
