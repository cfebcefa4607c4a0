/**
 * The gradient of 3×3×3 weights at stride 1, row by row: a workgroup lays a run of a row of the output's gradient and the
 * nine rows of the input around it into its own memory; each of its threads holds the sums of one tile of the weights,
 * three taps times four input channels times a few output channels, and passes along the run.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

import { forwardPadding, type ConvGeometry } from '../ops/conv-geometry.ts';
import { quadLoader, vectorType, type GpuLauncher } from './launcher.ts';

const threadsMax = 256;
/** Workgroups that keep a large card busy. */
const workgroupsWanted = 512;
const sharesMax = 256;
/** Bytes of a workgroup's memory, no more than most cards have. */
const memoryMax = 32_768;
const runMax = 32;
/** Shorter rows leave most of a workgroup idle between its barriers. */
const widthMin = 8;

/** How the work is laid out over workgroups and threads. */
export interface RowPlan {
  /** Voxels of a run, a multiple of `lanes`. */
  readonly run: number;
  readonly runsPerRow: number;
  readonly runs: number;
  /** Runs of a share, and shares. */
  readonly share: number;
  readonly shares: number;
  /** Quads of input channels, and of a workgroup's. */
  readonly inputQuads: number;
  readonly quads: number;
  /** Quads of output channels that a thread holds; blocks of so many, and of a workgroup's. */
  readonly held: number;
  readonly outputBlocks: number;
  readonly blocks: number;
  /** Threads that share a run. */
  readonly lanes: number;
}

/** Null where this way does not pay or does not fit. */
export function rowPlanOf(
  g: ConvGeometry,
  isSoftware: boolean,
  memoryBytes: number,
): RowPlan | null {
  const [outputs, inputs, ...kernel] = g.weights;
  const [batch, depth, height, width] = g.output;
  if (kernel.join() !== '3,3,3' || g.stride.join() !== '1,1,1' || width < widthMin) return null;
  const inputQuads = Math.ceil(inputs / 4);
  const outputQuads = Math.ceil(outputs / 4);
  const wanted = outputQuads % 2 === 0 ? 2 : outputQuads % 3 === 0 ? 3 : 1;
  const held = isSoftware ? 1 : wanted;
  const outputBlocks = Math.ceil(outputQuads / held);
  const [quads, blocks] = sharesOfTiles(inputQuads, outputBlocks);
  let runsPerRow = Math.ceil(width / runMax);
  const bytes = (run: number): number =>
    16 * (9 * (run + 2) * quads + run * blocks * held + threadsMax);
  const lanesOf = (run: number): number =>
    [8, 4, 2, 1].find((n) => n * 9 * quads * blocks <= threadsMax && run % n === 0) ?? 1;
  const runOf = (count: number): number => Math.ceil(width / count / 4) * 4;
  while (bytes(runOf(runsPerRow)) > Math.min(memoryMax, memoryBytes)) {
    runsPerRow += 1;
    if (runOf(runsPerRow) < widthMin) return null;
  }
  const run = runOf(runsPerRow);
  const runs = batch * depth * height * runsPerRow;
  const groups = (inputQuads / quads) * (outputBlocks / blocks);
  const most = Math.min(Math.ceil(workgroupsWanted / groups), Math.ceil(runs / 4), sharesMax);
  const share = Math.ceil(runs / most);
  return {
    ...{ run, runsPerRow, runs, share, shares: Math.ceil(runs / share) },
    ...{ inputQuads, quads, held, outputBlocks, blocks, lanes: lanesOf(run) },
  };
}

/** How many quads of inputs and blocks of outputs a workgroup takes: whole fractions, as many as its threads allow. */
function sharesOfTiles(inputQuads: number, outputBlocks: number): [number, number] {
  const divisors = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => i + 1).filter((n) => count % n === 0);
  let best: [number, number] = [1, 1];
  for (const quads of divisors(inputQuads)) {
    for (const blocks of divisors(outputBlocks)) {
      if (9 * quads * blocks > threadsMax) continue;
      if (quads * blocks > best[0] * best[1]) best = [quads, blocks];
    }
  }
  return best;
}

/** Tiles of the weights that a workgroup sums: three taps along x each. */
function tilesOf({ quads, blocks }: RowPlan): number {
  return 9 * quads * blocks;
}

/** A thread for each tile and lane, in whole groups as cards run them. */
function threadsOf(plan: RowPlan): number {
  return Math.ceil((tilesOf(plan) * plan.lanes) / 32) * 32;
}

/** `sums` is `[shares, …weights]`. */
export function filterGradientByRows(
  l: GpuLauncher,
  g: ConvGeometry,
  plan: RowPlan,
  [x, dy, sums]: readonly [TensorInfo, TensorInfo, TensorInfo],
): void {
  const { inputQuads, quads, outputBlocks, blocks, shares } = plan;
  l.run({
    key: `filter gradient by rows ${JSON.stringify(g)}`,
    bindings: [
      { name: 'x', of: x, type: vectorType(g.input[4]) },
      { name: 'dy', of: dy, type: vectorType(g.output[4]) },
      { name: 'sums', of: sums, type: 'f32', writes: true },
    ],
    workgroup: threadsOf(plan),
    workgroups: [inputQuads / quads, outputBlocks / blocks, shares],
    code: () => codeOf(g, plan),
  });
}

/** A vector of sums that a thread holds: four output channels of quad `n`, for tap `tx` along x and input channel `c`. */
interface HeldSum {
  readonly tx: number;
  readonly c: number;
  readonly n: number;
  /** Its WGSL variable. */
  readonly name: string;
}

function heldSums({ held }: RowPlan): HeldSum[] {
  return list(3).flatMap((tx) =>
    list(4).flatMap((c) => list(held).map((n) => ({ tx, c, n, name: `a${tx}_${c}_${n}` }))),
  );
}

function list(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** For each run of a share: both parts are laid into the workgroup's memory, then each thread passes along them. */
function codeOf(g: ConvGeometry, plan: RowPlan): { declarations: string; body: string } {
  const { run, runsPerRow, runs, share, quads, held, blocks, lanes } = plan;
  const [, depth, height] = g.output;
  const sums = heldSums(plan);
  const tiles = tilesOf(plan);
  const dQuads = blocks * held;
  const body = `
  let lane = i32(lid) / ${tiles};
  let tile = i32(lid) % ${tiles};
  let isTile = lane < ${lanes};
  let quad = tile % ${quads};
  let block = (tile / ${quads}) % ${blocks};
  let tap = tile / ${quads * blocks};
  let firstQuad = i32(wid.x) * ${quads};
  let firstBlock = i32(wid.y) * ${blocks};
  ${sums.map(({ name }) => `var ${name} = vec4<f32>(0.0);`).join('\n  ')}
  let end = min((i32(wid.z) + 1) * ${share}, ${runs});
  for (var r = i32(wid.z) * ${share}; r < end; r++) {
    let ox = (r % ${runsPerRow}) * ${run};
    let oy = (r / ${runsPerRow}) % ${height};
    let oz = (r / ${runsPerRow * height}) % ${depth};
    let sample = r / ${runsPerRow * height * depth};
    ${loadInput(g, plan)}
    ${loadGradient(g, plan)}
    workgroupBarrier();
    ${passAlong(plan, sums)}
    workgroupBarrier();
  }
  ${writeSums(plan, sums)}`;
  return {
    declarations: [
      `var<workgroup> rows: array<vec4<f32>, ${9 * (run + 2) * quads}>;`,
      `var<workgroup> slopes: array<vec4<f32>, ${run * dQuads}>;`,
      ...(lanes === 1 ? [] : [`var<workgroup> added: array<vec4<f32>, ${threadsOf(plan)}>;`]),
      quadLoader('loadX', 'x', g.input[4]),
      quadLoader('loadD', 'dy', g.output[4]),
      putFunction(g),
    ].join('\n'),
    body,
  };
}

/** Lays the nine rows of the input around the run, one voxel wider on both sides, into `rows`. */
function loadInput(g: ConvGeometry, plan: RowPlan): string {
  const { run, quads } = plan;
  const [, depth, height, width] = g.input;
  const padding = forwardPadding(g);
  return `for (var k = i32(lid); k < ${9 * (run + 2) * quads}; k += ${threadsOf(plan)}) {
      let ix = ox + (k / ${quads}) % ${run + 2} - ${padding[4]};
      let row = k / ${quads * (run + 2)};
      let iz = oz + row / 3 - ${padding[0]};
      let iy = oy + row % 3 - ${padding[2]};
      var v = vec4<f32>(0.0);
      if (iz >= 0 && iz < ${depth} && iy >= 0 && iy < ${height} && ix >= 0 && ix < ${width}) {
        v = loadX(((sample * ${depth} + iz) * ${height} + iy) * ${width} + ix, firstQuad + k % ${quads});
      }
      rows[k] = v;
    }`;
}

/** Lays the run of the output's gradient into `slopes`. */
function loadGradient(g: ConvGeometry, plan: RowPlan): string {
  const { run, held, blocks } = plan;
  const [, depth, height, width, outputs] = g.output;
  const quads = blocks * held;
  return `for (var k = i32(lid); k < ${run * quads}; k += ${threadsOf(plan)}) {
      let at = ox + k / ${quads};
      let q = firstBlock * ${held} + k % ${quads};
      var v = vec4<f32>(0.0);
      if (at < ${width} && q < ${Math.ceil(outputs / 4)}) {
        v = loadD(((sample * ${depth} + oz) * ${height} + oy) * ${width} + at, q);
      }
      slopes[k] = v;
    }`;
}

/** Adds the products of the thread's part of the run: three voxels of the input are at hand for the three taps. */
function passAlong({ run, quads, held, blocks, lanes }: RowPlan, sums: readonly HeldSum[]): string {
  const slopes = list(held).map(
    (n) => `let d${n} = slopes[m * ${blocks * held} + block * ${held} + ${n}];`,
  );
  const products = sums.map(
    ({ tx, c, n, name }) => `${name} = fma(vec4<f32>(v${tx}[${c}]), d${n}, ${name});`,
  );
  return `if (isTile) {
      let first = lane * ${run / lanes};
      var at = (tap * ${run + 2} + first) * ${quads} + quad;
      var v0 = rows[at];
      var v1 = rows[at + ${quads}];
      at += ${2 * quads};
      for (var m = first; m < first + ${run / lanes}; m++) {
        let v2 = rows[at];
        at += ${quads};
        ${slopes.join('\n        ')}
        ${products.join('\n        ')}
        v0 = v1;
        v1 = v2;
      }
    }`;
}

/** Writes the sums, added up over the lanes of a tile first. */
function writeSums(plan: RowPlan, sums: readonly HeldSum[]): string {
  const { held, lanes } = plan;
  return sums
    .map(({ tx, c, n, name }) => {
      const put = `put(i32(wid.z), (firstBlock + block) * ${held} + ${n}, (firstQuad + quad) * 4 + ${c}, tap, ${tx}, total);`;
      if (lanes === 1) return `if (isTile) { let total = ${name}; ${put} }`;
      return `workgroupBarrier();
  added[lid] = ${name};
  workgroupBarrier();
  if (isTile && lane == 0) {
    var total = ${name};
    for (var k = 1; k < ${lanes}; k++) { total += added[k * ${tilesOf(plan)} + i32(lid)]; }
    ${put}
  }`;
    })
    .join('\n  ');
}

/** Writes four sums to their places in `[shares, outputs, inputs, 3, 3, 3]`, where there are such channels. */
function putFunction({ weights: [outputs, inputs] }: ConvGeometry): string {
  return `fn put(part: i32, outQuad: i32, c: i32, tap: i32, tx: i32, total: vec4<f32>) {
  if (c >= ${inputs}) { return; }
  for (var k = 0; k < 4; k++) {
    let o = 4 * outQuad + k;
    if (o < ${outputs}) { sums[((part * ${outputs} + o) * ${inputs} + c) * 27 + tap * 3 + tx] = total[k]; }
  }
}`;
}
