/**
 * Convolutions 3×3×3 of stride 1 by Winograd's minimal filtering: a quarter of the products, see
 * `wasm/assembly/winograd.ts`. Its rounding error is some ten times a direct sum's, 1e-6 of the largest value. When it
 * is worth it is said here for the native kernels too (`native/winograd.h`); the rest calls the portable ones.
 */
import { fixedPiecesMax, packedBytes, type Launcher, type WeightOrder } from './launcher.ts';
import { ranges, type Range } from './wasm/ranges.ts';

/** A grid and the channels on both sides of the product. */
export interface WinogradSize {
  /** `[batch, depth, height, width]` */
  readonly grid: readonly [number, number, number, number];
  readonly inputs: number;
  readonly outputs: number;
}

/** Positions of a 6 × 6 tile. */
const positions = 36;
/** What the tiles of a block should take of the second cache, in bytes. */
const blockBytes = 320 * 1024;
/** Most bytes of the pieces' sums together. */
const privateBytes = 32 * 1024 * 1024;
/** Two tiles of 36 vectors. */
const tileBytes = 2 * positions * 16;

/**
 * Fewest voxels of an image, and fewest of a smaller one that has many channels. With fewer activations one weighs so
 * much that the tiles' rounding, where it moves one across the leaky ReLU's kink, is seen in the gradients.
 */
const voxelCountMin = 16_384;
const smallVoxelCountMin = 4096;
const smallActivationCountMin = 131_072;

/** Whether the tiles' own work and the voxels by which they overhang cost less than the products they save. */
export function isWorthTiling({ grid, inputs, outputs }: WinogradSize): boolean {
  const [, depth, height, width] = grid;
  const voxels = depth * height * width;
  const channels = Math.min(inputs, outputs);
  const isSmall = voxels < smallVoxelCountMin || voxels * channels < smallActivationCountMin;
  if (channels < 4 || (voxels < voxelCountMin && isSmall)) return false;
  return columnsOf([1, 1, height, width]) * 6 <= height * width;
}

/** Sums over 3×3×3 taps of `input`, `[b, d, h, w, inputs] → [b, d, h, w, outputs]`; weights in their own order. */
export function winogradProduct(
  l: Launcher,
  weights: number,
  order: WeightOrder,
  call: {
    readonly input: number;
    readonly bias: number;
    readonly output: number;
    readonly grid: WinogradSize['grid'];
  },
): void {
  const size = { grid: call.grid, inputs: order.inputs, outputs: order.outputs };
  const { heap, portable } = l;
  const bytes = packedBytes(order);
  heap.scratch((bytes * positions) / 9, (tiled) => {
    const channels = ranges(size.outputs, 8, l.pieces);
    heap.scratch(bytes + tileBytes * channels.length, (packed) => {
      l.packWeights(weights, packed, order);
      const calls = channels.map(({ start, end }, i) => [
        ...[packed, tiled, size.inputs, size.outputs, packed + bytes + tileBytes * i, start, end],
      ]);
      portable.runner.run('winogradWeights', calls);
    });
    const parts = ranges(columnsOf(size.grid), 1, l.pieces);
    withBlocks(l, 'winogradForward', size, parts, () => [
      ...[call.input, tiled, call.bias, call.output],
    ]);
  });
}

/** The sums of `Launcher.gradient` for the same product. */
export function winogradGradient(
  l: Launcher,
  size: WinogradSize,
  call: { readonly input: number; readonly gradient: number; readonly sums: number },
): void {
  const { heap, portable } = l;
  const rows = Math.ceil((3 * size.inputs) / 4) * 4;
  const bytes = 4 * positions * rows * Math.ceil(size.outputs / 8) * 8;
  // Cut by size alone: the pieces' sums are added in order, and the number of threads must not change them.
  const most = Math.max(1, Math.min(fixedPiecesMax, Math.floor(privateBytes / bytes)));
  const parts = ranges(columnsOf(size.grid), 1, most);
  heap.scratch(bytes * (parts.length + 1) + tileBytes, (tiled) => {
    const own = tiled + bytes + tileBytes;
    withBlocks(l, 'winogradGradient', size, parts, (i) => [
      ...[call.input, own + bytes * i, 0, call.gradient],
    ]);
    const floats = ranges(bytes / 4, 4, l.pieces);
    portable.runner.run(
      'addSums',
      floats.map(({ start, end }) => [own, tiled, parts.length, bytes, start, end]),
    );
    portable.winogradSums(tiled, call.sums, size.inputs, size.outputs, tiled + bytes);
  });
}

/** Runs a kernel over columns, with room for the tiles of as many as the cache holds. */
function withBlocks(
  l: Launcher,
  kernel: 'winogradForward' | 'winogradGradient',
  { grid, inputs, outputs }: WinogradSize,
  parts: readonly Range[],
  pointers: (piece: number) => readonly number[],
): void {
  const [, depth, , width] = grid;
  const columnBytes = 4 * positions * ((depth + 2) * inputs + depth * outputs);
  const block = Math.min(columnsOf(grid), Math.max(1, Math.round(blockBytes / columnBytes)));
  const stripBytes = 4 * 6 * (Math.ceil(width / 4) * 4 + 2) * Math.max(inputs, outputs);
  // Vectors read up to three lanes past the end of a row.
  const workBytes = Math.ceil((columnBytes * block + tileBytes + stripBytes + 16) / 64) * 64;
  l.heap.scratch(workBytes * parts.length, (work) => {
    l.spread(
      kernel,
      parts.map((part, i) => ({
        ...part,
        words: [
          ...[...pointers(i), work + workBytes * i, l.table(i)],
          ...[...grid, inputs, outputs, block],
        ],
      })),
    );
  });
}

/** Tiles of 4 × 4 over all planes. */
function columnsOf([batch, , height, width]: WinogradSize['grid']): number {
  return batch * Math.ceil(height / 4) * Math.ceil(width / 4);
}
