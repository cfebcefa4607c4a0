/**
 * conv3d 3×3×3, stride 1, by Winograd's minimal filtering F(4×4, 3×3) over y and x (Lavin & Gray 2016): a quarter of
 * the products of `window-gemm.ts`. Per tile of 4 × 4 outputs and each of the 36 positions p of a 6 × 6 tile
 *
 *   Y = Aᵀ [ Σ kz, i  V[p][z + kz][i] · U[p][kz][i][o] ] A,  V = Bᵀ d B,  U = G w Gᵀ
 *
 * with the input's tile d, and for the filter's gradient dw = Gᵀ [ Σ z  V[p][z + kz][i] · (A dY Aᵀ)[p][z][o] ] G.
 *
 * A column is the tiles of all z at one place in y and x; along it the taps kz and the channels i lie side by side in
 * V, so that the product of a position is one run. Columns go in blocks that the cache holds.
 *
 * Words of `params`: input, packed weights or sums, bias or 0, output or its gradient, work, table, then batch, depth,
 * height, width, inputs, outputs, columns in a block. Work holds, for the columns of a block, V `[36][columns]
 * [depth + 2][inputs]`, the products or gradients `[36][columns][depth][outputs]`, and a strip: six padded rows of the
 * wider of input and output, and two tiles of 36 vectors.
 */
import { copy, zero } from './layout';
import { put } from './vector-math';
import { BLOCK, repeatLast } from './voxel-table';
import { blockGemm } from './window-gemm';
import { blockGradient } from './window-gradient';
import { filterLine, gradientLine, inputLine, outputLine, sumLine } from './winograd-lines';

/** Positions of a tile. */
const TILE: i32 = 36;

/** Output tiles of the columns `start` ≤ c < `end`. */
export function winogradForward(params: usize, start: i32, end: i32): void {
  const outputs = load<i32>(params, 44);
  const block = load<i32>(params, 48);
  const run = 3 * load<i32>(params, 40);
  const depth = load<i32>(params, 28);
  const table = load<usize>(params, 20);
  const positionBytes: usize = 3 * load<i32>(params, 40) * tiledChannels(outputs) * 4;
  for (let at = start; at < end; at += block) {
    const columns = min(block, end - at);
    inputTiles(params, at, columns);
    const v = load<usize>(params, 16);
    const m = v + vBytes(params) * TILE;
    const count = columns * depth;
    for (let first = 0; first < count; first += BLOCK) {
      const points = min(BLOCK, count - first);
      columnTable(params, v, m, first, points);
      let u = load<usize>(params, 4);
      for (let p = 0; p < TILE; p++, u += positionBytes) {
        blockGemm(table, points, p * vBytes(params), p * mBytes(params), u, 0, outputs, 1, 1, 0, 0, run);
      }
    }
    outputTiles(params, at, columns);
  }
}

/** Sums the columns `start` ≤ c < `end`: `[36][3·inputs rounded up to 4][outputs rounded up to 8]`. */
export function winogradGradient(params: usize, start: i32, end: i32): void {
  const outputs = load<i32>(params, 44);
  const block = load<i32>(params, 48);
  const run = 3 * load<i32>(params, 40);
  const depth = load<i32>(params, 28);
  const table = load<usize>(params, 20);
  const positionBytes: usize = ((run + 3) & ~3) * ((outputs + 7) & ~7) * 4;
  memory.fill(load<usize>(params, 4), 0, TILE * positionBytes);
  for (let at = start; at < end; at += block) {
    const columns = min(block, end - at);
    inputTiles(params, at, columns);
    gradientTiles(params, at, columns);
    const v = load<usize>(params, 16);
    const m = v + vBytes(params) * TILE;
    const count = columns * depth;
    for (let first = 0; first < count; first += BLOCK) {
      const points = min(BLOCK, count - first);
      columnTable(params, v, m, first, points);
      let sums = load<usize>(params, 4);
      for (let p = 0; p < TILE; p++, sums += positionBytes) {
        blockGradient(table, points, p * vBytes(params), p * mBytes(params), run, outputs, sums);
      }
    }
  }
}

/** Channels of the gemm's tiles: eights, and four for a last tile of at most 4. */
function tiledChannels(outputs: i32): i32 {
  const full = (outputs + 3) & ~7;
  return full < outputs ? full + 4 : full;
}

/** Bytes of one position of V in a block. */
// @ts-ignore: decorator
@inline
function vBytes(params: usize): usize {
  return load<i32>(params, 48) * (load<i32>(params, 28) + 2) * load<i32>(params, 40) * 4;
}

/** Bytes of one position of the products in a block. */
// @ts-ignore: decorator
@inline
function mBytes(params: usize): usize {
  return load<i32>(params, 48) * load<i32>(params, 28) * load<i32>(params, 44) * 4;
}

/** The strip of rows behind V and the products; its tiles come first. */
// @ts-ignore: decorator
@inline
function stripOf(params: usize): usize {
  return load<usize>(params, 16) + TILE * (vBytes(params) + mBytes(params));
}

/** The addresses in V and in the products of a block's points `first` ≤ j < `first + count`, column by column. */
function columnTable(params: usize, v: usize, m: usize, first: i32, count: i32): void {
  const table = load<usize>(params, 20);
  const depth = load<i32>(params, 28);
  const inputBytes = load<i32>(params, 40) * 4;
  const outputBytes = load<i32>(params, 44) * 4;
  let z = first % depth;
  let p: usize = v + ((first / depth) * (depth + 2) + z) * inputBytes;
  let q: usize = m + first * outputBytes;
  for (let j = 0; j < count; j++) {
    store<usize>(table + j * 8, p, 0);
    store<usize>(table + j * 8, q, 4);
    q += outputBytes;
    p += inputBytes;
    if (++z == depth) {
      z = 0;
      p += 2 * inputBytes;
    }
  }
  repeatLast(table, count);
}

/** V of `columns` columns from number `at` on. */
function inputTiles(params: usize, at: i32, columns: i32): void {
  const depth = load<i32>(params, 28);
  const across = (load<i32>(params, 36) + 3) >> 2;
  const channels = load<i32>(params, 40);
  const voxel = channels * 4;
  const step = vBytes(params);
  const tile = stripOf(params);
  const strip = tile + 1152;
  const column: usize = (depth + 2) * voxel;
  for (let c = 0; c < columns; ) {
    const n = min(across - ((at + c) % across), columns - c);
    const rowBytes: usize = (4 * n + 2) * voxel;
    const v = load<usize>(params, 16) + c * column;
    for (let z = 0; z < depth; z++) {
      fillStrip(params, load<usize>(params, 0), at + c, n, z, 6, channels, strip);
      for (let k = 0; k < n; k++) {
        for (let i = 0; i < channels; i += 4) {
          const from = strip + k * 4 * voxel + i * 4;
          const to = v + k * column + (z + 1) * voxel + i * 4;
          for (let r = 0; r < 6; r++) inputLine(from + r * rowBytes, voxel, tile + r * 96, 16);
          // The last vector may reach into the next plane, which is written later.
          for (let x = 0; x < 6; x++) inputLine(tile + x * 16, 96, to + x * step, 6 * step);
        }
      }
    }
    for (let p = 0; p < TILE; p++) {
      for (let k = 0; k < n; k++) {
        const border = v + p * step + k * column;
        zero(border, voxel);
        zero(border + column - voxel, voxel);
      }
    }
    c += n;
  }
}

/** `A dY Aᵀ` of `columns` columns from number `at` on, where the products would be. */
function gradientTiles(params: usize, at: i32, columns: i32): void {
  const depth = load<i32>(params, 28);
  const across = (load<i32>(params, 36) + 3) >> 2;
  const channels = load<i32>(params, 44);
  const voxel = channels * 4;
  const step = mBytes(params);
  const tile = stripOf(params);
  const strip = tile + 1152;
  const last = tile + 576;
  const column: usize = depth * voxel;
  for (let c = 0; c < columns; ) {
    const n = min(across - ((at + c) % across), columns - c);
    const rowBytes: usize = 4 * n * voxel;
    const m = load<usize>(params, 16) + TILE * vBytes(params) + c * column;
    for (let z = 0; z < depth; z++) {
      fillStrip(params, load<usize>(params, 12), at + c, n, z, 4, channels, strip);
      for (let k = 0; k < n; k++) {
        for (let o = 0; o < channels; o += 4) {
          const from = strip + k * 4 * voxel + o * 4;
          const to = m + k * column + z * voxel + o * 4;
          for (let r = 0; r < 4; r++) gradientLine(from + r * rowBytes, voxel, tile + r * 96, 16);
          if (channels - o >= 4) {
            for (let x = 0; x < 6; x++) gradientLine(tile + x * 16, 96, to + x * step, 6 * step);
          } else {
            for (let x = 0; x < 6; x++) {
              gradientLine(tile + x * 16, 96, last, 16);
              for (let y = 0; y < 6; y++) {
                put(to + (y * 6 + x) * step, v128.load(last + y * 16), channels - o);
              }
            }
          }
        }
      }
    }
    c += n;
  }
}

/** The outputs of `columns` columns from number `at` on. */
function outputTiles(params: usize, at: i32, columns: i32): void {
  const bias = load<usize>(params, 8);
  const depth = load<i32>(params, 28);
  const height = load<i32>(params, 32);
  const width = load<i32>(params, 36);
  const channels = load<i32>(params, 44);
  const across = (width + 3) >> 2;
  const down = (height + 3) >> 2;
  const voxel = channels * 4;
  const step = mBytes(params);
  const tile = stripOf(params);
  const line = tile + 576;
  let m = load<usize>(params, 16) + TILE * vBytes(params);
  for (let c = at; c < at + columns; c++) {
    const x0 = (c % across) * 4;
    const y0 = ((c / across) % down) * 4;
    const b = c / across / down;
    const rows = min(4, height - y0);
    const places = min(4, width - x0);
    for (let z = 0; z < depth; z++, m += voxel) {
      const to = load<usize>(params, 12) + (((b * depth + z) * height + y0) * width + x0) * voxel;
      for (let o = 0; o < channels; o += 4) {
        const base = bias ? v128.load(bias + o * 4) : f32x4.splat(0);
        for (let x = 0; x < 6; x++) {
          outputLine(m + x * step + o * 4, 6 * step, tile + x * 16, 96, f32x4.splat(0));
        }
        const lanes = channels - o;
        for (let r = 0; r < rows; r++) {
          const row = to + r * width * voxel + o * 4;
          if (places == 4 && lanes >= 4) {
            outputLine(tile + r * 96, 16, row, voxel, base);
          } else {
            outputLine(tile + r * 96, 16, line, 16, base);
            for (let x = 0; x < places; x++) put(row + x * voxel, v128.load(line + x * 16), lanes);
          }
        }
      }
    }
  }
}

/**
 * Copies the rows that `n` tiles of a plane see, with zeros outside of the grid: 6 rows (or 4 of a gradient) from the
 * tiles' first, less one voxel on each side where there are 6.
 */
function fillStrip(
  params: usize,
  from: usize,
  c: i32,
  n: i32,
  z: i32,
  rows: i32,
  channels: i32,
  strip: usize,
): void {
  const depth = load<i32>(params, 28);
  const height = load<i32>(params, 32);
  const width = load<i32>(params, 36);
  const across = (width + 3) >> 2;
  const down = (height + 3) >> 2;
  const rim = (rows - 4) >> 1;
  const voxel = channels * 4;
  const x0 = (c % across) * 4 - rim;
  const y0 = ((c / across) % down) * 4 - rim;
  const plane = from + ((c / across / down) * depth + z) * height * width * voxel;
  const length = 4 * n + 2 * rim;
  const left = max(0, -x0);
  const right = min(length, width - x0);
  for (let y = y0; y < y0 + rows; y++, strip += length * voxel) {
    if (y < 0 || y >= height) {
      zero(strip, length * voxel);
      continue;
    }
    zero(strip, left * voxel);
    copy(plane + (y * width + x0 + left) * voxel, strip + left * voxel, (right - left) * voxel);
    zero(strip + right * voxel, (length - right) * voxel);
  }
}

/**
 * Weights as `packWeights` leaves them, taps 3×3×3 → U `[36][tile of channels][kz][inputs][8 or 4]`, for the output
 * channels `start` ≤ o < `end`, from a multiple of 8 on.
 *
 * @param tile 18 vectors of scratch
 */
export function winogradWeights(
  packed: usize,
  u: usize,
  inputs: i32,
  outputs: i32,
  tile: usize,
  start: i32,
  end: i32,
): void {
  const step: usize = 3 * inputs * tiledChannels(outputs) * 4;
  packed += 27 * inputs * start * 4;
  u += 3 * inputs * start * 4;
  for (let o = start; o < end; o += 8) {
    const row: usize = outputs - o > 4 ? 32 : 16;
    const tap: usize = inputs * row;
    for (let z = 0; z < 3; z++) {
      for (let at: usize = 0; at < tap; at += 16) {
        for (let y = 0; y < 3; y++) filterLine(packed + y * 3 * tap + at, tap, tile + y * 96, 16);
        for (let x = 0; x < 6; x++) filterLine(tile + x * 16, 96, u + x * step + at, 6 * step);
      }
      packed += 9 * tap;
      u += tap;
    }
  }
}

/** Adds the floats `start` ≤ k < `end`, in fours, of `pieces` sums that lie `bytes` apart, in their order. */
export function addSums(
  from: usize,
  to: usize,
  pieces: i32,
  bytes: usize,
  start: i32,
  end: i32,
): void {
  for (let k: usize = start; k < <usize>end; k += 4) {
    let sum = f32x4.splat(0);
    let p = from + k * 4;
    for (let i = 0; i < pieces; i++, p += bytes) sum = f32x4.add(sum, v128.load(p));
    v128.store(to + k * 4, sum);
  }
}

/** The sums of `winogradGradient` → those of `windowGradient` for taps 3×3×3. */
export function winogradSums(
  from: usize,
  to: usize,
  inputs: i32,
  outputs: i32,
  tile: usize,
): void {
  const row: usize = ((outputs + 7) & ~7) * 4;
  const tapRow: usize = ((3 * inputs + 3) & ~3) * row;
  for (let z = 0; z < 3; z++) {
    for (let i = 0; i < inputs; i++) {
      for (let o: usize = 0; o < row; o += 16) {
        const p = from + (z * inputs + i) * row + o;
        const q = to + z * 3 * tapRow + i * row + o;
        for (let x = 0; x < 6; x++) sumLine(p + x * tapRow, 6 * tapRow, tile + x * 16, 96);
        for (let y = 0; y < 3; y++) sumLine(tile + y * 96, 16, q + y * tapRow, inputs * row);
      }
    }
  }
}
