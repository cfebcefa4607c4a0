/**
 * Convolutions 3×3×3 of stride 1 by Winograd's minimal filtering: a quarter of the products, see
 * `kernels/assembly/winograd.ts`. Its rounding error is some ten times a direct sum's, 1e-6 of the largest value.
 */
import { packedBytes, type Launcher, type WeightOrder } from './launcher.ts';

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
/** Two tiles of 36 vectors. */
const tileBytes = 2 * positions * 16;

/**
 * Fewest voxels of an image. On a smaller grid one activation weighs so much that the tiles' rounding, where it moves
 * one across the leaky ReLU's kink, is seen in the gradients; and there is little to save.
 */
const voxelCountMin = 16_384;

/** Whether the tiles' own work and the voxels by which they overhang cost less than the products they save. */
export function isWorthTiling({ grid, inputs, outputs }: WinogradSize): boolean {
  const [, depth, height, width] = grid;
  if (Math.min(inputs, outputs) < 4 || depth * height * width < voxelCountMin) return false;
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
    heap.scratch(bytes + tileBytes, (packed) => {
      l.packWeights(weights, packed, order);
      portable.winogradWeights(packed, tiled, size.inputs, size.outputs, packed + bytes);
    });
    withBlocks(l, size, [call.input, tiled, call.bias, call.output], portable.winogradForward);
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
  heap.scratch(bytes + tileBytes, (tiled) => {
    heap.zero(tiled, bytes);
    withBlocks(l, size, [call.input, tiled, 0, call.gradient], portable.winogradGradient);
    portable.winogradSums(tiled, call.sums, size.inputs, size.outputs, tiled + bytes);
  });
}

/** Runs a kernel over all columns, with room for the tiles of as many as the cache holds. */
function withBlocks(
  l: Launcher,
  { grid, inputs, outputs }: WinogradSize,
  pointers: readonly number[],
  kernel: (params: number, start: number, end: number) => void,
): void {
  const [, depth, , width] = grid;
  const columns = columnsOf(grid);
  const columnBytes = 4 * positions * ((depth + 2) * inputs + depth * outputs);
  const block = Math.min(columns, Math.max(1, Math.round(blockBytes / columnBytes)));
  const stripBytes = 4 * 6 * (Math.ceil(width / 4) * 4 + 2) * Math.max(inputs, outputs);
  // Vectors read up to three lanes past the end of a row.
  l.heap.scratch(columnBytes * block + tileBytes + stripBytes + 16, (work) => {
    const words = [...pointers, work, l.table, ...grid, inputs, outputs, block];
    kernel(l.params(words), 0, columns);
  });
}

/** Tiles of 4 × 4 over all planes. */
function columnsOf([batch, , height, width]: WinogradSize['grid']): number {
  return batch * Math.ceil(height / 4) * Math.ceil(width / 4);
}
