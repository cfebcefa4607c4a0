/** Moving values between layouts: padding, packing of weights, joining and splitting of channels. */

/**
 * Copies `[b, d, h, w, c]` into the middle of zeros.
 *
 * Words of `params`: input, output, b, d, h, w, c, then the pads z0, z1, y0, y1, x0, x1 in voxels.
 */
export function pad(params: usize): void {
  let from = load<usize>(params, 0);
  let to = load<usize>(params, 4);
  const batch = load<i32>(params, 8);
  const depth = load<i32>(params, 12);
  const height = load<i32>(params, 16);
  const width = load<i32>(params, 20);
  const voxel = load<i32>(params, 24) * 4;
  const z0 = load<i32>(params, 28);
  const z1 = load<i32>(params, 32);
  const y0 = load<i32>(params, 36);
  const y1 = load<i32>(params, 40);
  const x0 = load<i32>(params, 44) * voxel;
  const x1 = load<i32>(params, 48) * voxel;
  const row = width * voxel;
  const paddedRow = row + x0 + x1;
  const paddedPlane = paddedRow * (height + y0 + y1);
  for (let b = 0; b < batch; b++) {
    memory.fill(to, 0, z0 * paddedPlane);
    to += z0 * paddedPlane;
    for (let z = 0; z < depth; z++) {
      memory.fill(to, 0, y0 * paddedRow + x0);
      to += y0 * paddedRow + x0;
      for (let y = 0; y < height; y++) {
        memory.copy(to, from, row);
        from += row;
        to += row;
        // The right pad of this row and the left pad of the next are one piece.
        const gap = x1 + (y + 1 < height ? x0 : 0);
        zero(to, gap);
        to += gap;
      }
      memory.fill(to, 0, y1 * paddedRow);
      to += y1 * paddedRow;
    }
    memory.fill(to, 0, z1 * paddedPlane);
    to += z1 * paddedPlane;
  }
}

/** Short runs of floats; `memory.fill` costs a call out of wasm. */
// @ts-ignore: decorator
@inline
export function zero(to: usize, bytes: i32): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
}

/** As `zero` is to `memory.fill`. */
// @ts-ignore: decorator
@inline
export function copy(from: usize, to: usize, bytes: i32): void {
  let k = 0;
  for (; k + 16 <= bytes; k += 16) v128.store(to + k, v128.load(from + k));
  for (; k < bytes; k += 4) store<f32>(to + k, load<f32>(from + k));
}

/**
 * Weights in any order of axes → the tiles of `windowGemm`, padded with zeros.
 *
 * Words of `params`: weights, packed, outputs, tapsZ, tapsY, tapsX, inputs, then the steps in floats
 * (negative to flip) of output, z, y, x, input.
 */
export function packWeights(params: usize): void {
  const from = load<usize>(params, 0);
  let to = load<usize>(params, 4);
  const outputs = load<i32>(params, 8);
  const tapsZ = load<i32>(params, 12);
  const tapsY = load<i32>(params, 16);
  const tapsX = load<i32>(params, 20);
  const inputs = load<i32>(params, 24);
  const stepO = load<i32>(params, 28) * 4;
  const stepZ = load<i32>(params, 32) * 4;
  const stepY = load<i32>(params, 36) * 4;
  const stepX = load<i32>(params, 40) * 4;
  const stepI = load<i32>(params, 44) * 4;
  for (let o = 0; o < outputs; o += 8) {
    const lanes = outputs - o > 4 ? 8 : 4;
    const used = min(lanes, outputs - o);
    for (let z = 0; z < tapsZ; z++) {
      for (let y = 0; y < tapsY; y++) {
        for (let x = 0; x < tapsX; x++) {
          for (let i = 0; i < inputs; i++) {
            let p: usize = from + o * stepO + z * stepZ + y * stepY + x * stepX + i * stepI;
            for (let lane = 0; lane < used; lane++, p += stepO) {
              store<f32>(to + lane * 4, load<f32>(p));
            }
            for (let lane = used; lane < lanes; lane++) store<f32>(to + lane * 4, 0);
            to += lanes * 4;
          }
        }
      }
    }
  }
}

/** The sums of `windowGradient` → weights in any order of axes; `params` as for `packWeights`. */
export function unpackGradient(params: usize): void {
  const to = load<usize>(params, 0);
  let from = load<usize>(params, 4);
  const outputs = load<i32>(params, 8);
  const tapsZ = load<i32>(params, 12);
  const tapsY = load<i32>(params, 16);
  const tapsX = load<i32>(params, 20);
  const inputs = load<i32>(params, 24);
  const stepO = load<i32>(params, 28) * 4;
  const stepZ = load<i32>(params, 32) * 4;
  const stepY = load<i32>(params, 36) * 4;
  const stepX = load<i32>(params, 40) * 4;
  const stepI = load<i32>(params, 44) * 4;
  const rowBytes = ((outputs + 7) >> 3) * 32;
  const run = tapsX * inputs;
  const surplus = ((run + 3) & ~3) - run;
  for (let z = 0; z < tapsZ; z++) {
    for (let y = 0; y < tapsY; y++) {
      for (let x = 0; x < tapsX; x++) {
        for (let i = 0; i < inputs; i++) {
          let p: usize = to + z * stepZ + y * stepY + x * stepX + i * stepI;
          for (let o = 0; o < outputs; o++, p += stepO) store<f32>(p, load<f32>(from + o * 4));
          from += rowBytes;
        }
      }
      from += surplus * rowBytes;
    }
  }
}

/** `[rows, channels]` → sums over the rows, in blocks so that long sums stay exact to rounding. */
export function columnSums(from: usize, to: usize, rows: i32, channels: i32): void {
  const row = channels * 4;
  memory.fill(to, 0, row);
  for (let at = 0; at < rows; at += 256) {
    const end = from + min(256, rows - at) * row;
    let c = 0;
    for (; c + 4 <= channels; c += 4) {
      let sum = f32x4.splat(0);
      for (let p = from + c * 4; p < end; p += row) sum = f32x4.add(sum, v128.load(p));
      v128.store(to + c * 4, f32x4.add(v128.load(to + c * 4), sum));
    }
    for (; c < channels; c++) {
      let sum: f32 = 0;
      for (let p = from + c * 4; p < end; p += row) sum += load<f32>(p);
      store<f32>(to + c * 4, load<f32>(to + c * 4) + sum);
    }
    from = end;
  }
}

/** Copies `rows` pieces of `bytes`, stepping both sides by their own row sizes. Bytes are a multiple of 4. */
export function copyRows(
  from: usize,
  fromStep: i32,
  to: usize,
  toStep: i32,
  bytes: i32,
  rows: i32,
): void {
  for (let i = 0; i < rows; i++) {
    let k = 0;
    for (; k + 16 <= bytes; k += 16) v128.store(to + k, v128.load(from + k));
    for (; k < bytes; k += 4) store<f32>(to + k, load<f32>(from + k));
    from += fromStep;
    to += toStep;
  }
}

/**
 * Stacks the voxels of each 2×2×2 block into channels, `[b, d, h, w, c]` → `[b, d/2, h/2, w/2, 8c]`, the corners
 * (z, y, x) in the order 000 100 010 001 110 101 011 111; `reverse` copies back.
 *
 * Words of `params`: grid, blocks, reverse, b, d, h, w, c.
 */
export function mergePatches(params: usize): void {
  const grid = load<usize>(params, 0);
  let at = load<usize>(params, 4);
  const reverse = load<i32>(params, 8);
  const planes = load<i32>(params, 12) * load<i32>(params, 16);
  const height = load<i32>(params, 20);
  const width = load<i32>(params, 24);
  const voxel = load<i32>(params, 28) * 4;
  const row = width * voxel;
  for (let z = 0; z < planes; z += 2) {
    for (let y = 0; y < height; y += 2) {
      for (let x = 0; x < width; x += 2) {
        for (let corner = 0; corner < 8; corner++) {
          // Three bits zyx for each corner.
          const place = (0o73561240 >> (3 * corner)) & 7;
          const plane = z + (place >> 2);
          const p = grid + (plane * height + y + ((place >> 1) & 1)) * row + (x + (place & 1)) * voxel;
          if (reverse) copy(at, p, voxel);
          else copy(p, at, voxel);
          at += voxel;
        }
      }
    }
  }
}
