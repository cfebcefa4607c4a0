/**
 * The addresses of a block of grid points, worked out once and read by every register tile. A grid point
 * (b, z, y, x) has two addresses, `first` and `second`, each linear in its coordinates, so that one table
 * serves strides, transposed convolutions and plain matrix products alike.
 */

/** Grid points per block: a multiple of 12, so that every tile width divides it. */
export const BLOCK: i32 = 192;

/** Layout of a grid in the parameter block, as 32-bit words; steps are in bytes. */
export const GRID_WORDS: i32 = 11;

/**
 * Writes (first, second) for points `start` ≤ i < `end`, then repeats the last one up to a multiple of 12:
 * the surplus lanes of a tile recompute that point and store the same value.
 *
 * `grid`: nz, ny, nx, then steps b, z, y, x of the first address, then of the second.
 */
export function fillTable(
  table: usize,
  grid: usize,
  first: usize,
  second: usize,
  start: i32,
  end: i32,
): void {
  const nz = load<i32>(grid, 0);
  const ny = load<i32>(grid, 4);
  const nx = load<i32>(grid, 8);
  const fb = load<i32>(grid, 12);
  const fz = load<i32>(grid, 16);
  const fy = load<i32>(grid, 20);
  const fx = load<i32>(grid, 24);
  const sb = load<i32>(grid, 28);
  const sz = load<i32>(grid, 32);
  const sy = load<i32>(grid, 36);
  const sx = load<i32>(grid, 40);
  let x = start % nx;
  let rest = start / nx;
  let y = rest % ny;
  rest = rest / ny;
  let z = rest % nz;
  let b = rest / nz;
  for (let i = start; i < end; i++) {
    const p: usize = first + b * fb + z * fz + y * fy + x * fx;
    const q: usize = second + b * sb + z * sz + y * sy + x * sx;
    store<usize>(table, p, 0);
    store<usize>(table, q, 4);
    table += 8;
    if (++x == nx) {
      x = 0;
      if (++y == ny) {
        y = 0;
        if (++z == nz) {
          z = 0;
          b++;
        }
      }
    }
  }
  repeatLast(table - (end - start) * 8, end - start);
}

/** Repeats the last of `count` entries up to a multiple of 12. */
export function repeatLast(table: usize, count: i32): void {
  const last = v128.load64_splat(table + (count - 1) * 8);
  for (let i = count; i % 12 != 0; i++) v128.store64_lane(table + i * 8, last, 0);
}
