/**
 * Calls of the kernels that take a parameter block: the two window products and the layout moves around
 * them. Steps are in floats here and in bytes inside the kernels.
 */
import { invariant } from '../../base/index.ts';
import type { Padding } from '../ops/conv-geometry.ts';
import type { NativeKernels } from './native/module.ts';
import type { WasmHeap } from './wasm-heap.ts';
import type { Kernels, PortableKernels } from './wasm/module.ts';
import { ranges, type Range } from './wasm/ranges.ts';
import { piecesOf } from './wasm/split-kernels.ts';

/** Points of a grid with two linear addresses each: of the input, and of the output or gradient. */
export interface Grid {
  readonly batch: number;
  /** Points along depth, height, width. */
  readonly size: readonly [number, number, number];
  /** Steps of batch, depth, height, width in floats. */
  readonly first: readonly [number, number, number, number];
  readonly second: readonly [number, number, number, number];
}

/** The window that slides over the input: taps along z and y, and one run of taps × channels along x. */
export interface Window {
  readonly taps: readonly [number, number];
  /** Steps of a tap along z and y in floats. */
  readonly steps: readonly [number, number];
  readonly run: number;
}

/** Which weight belongs to which output, tap and input: counts, and steps in floats. */
export interface WeightOrder {
  readonly outputs: number;
  readonly taps: readonly [number, number, number];
  readonly inputs: number;
  readonly outputStep: number;
  readonly tapSteps: readonly [number, number, number];
  readonly inputStep: number;
}

/** Most pieces of work that is cut without regard to the threads. */
export const fixedPiecesMax = 16;
/** Fewest products of a piece that are worth another thread's waking. */
const pieceProductsMin = 262_144;
const paramWords = 32;
// 192 points and 11 repeats, two addresses each.
const tableBytes = 8 * 204;
const blockBytes = Math.ceil((paramWords * 4 + tableBytes) / 16) * 16;

/** Kernels that work on a range of the items that their parameter block describes. */
export type RangedKernel =
  | 'windowGemm'
  | 'windowGradient'
  | 'winogradForward'
  | 'winogradGradient'
  | 'windowAttention'
  | 'windowAttentionGradient';

/** A range and the words of its parameter block. */
export interface Piece extends Range {
  readonly words: readonly number[];
}

/** The kernels on one heap. */
export class Launcher {
  readonly heap: WasmHeap;
  readonly kernels: Kernels;
  /** The kernels that take convolutions whole, or null where they are made of window products. */
  readonly native: NativeKernels | null;
  readonly #portable: PortableKernels | null;
  readonly #params: number;
  /** In how many pieces to cut work; those of one call have parameter blocks and tables of their own. */
  readonly pieces: number;

  constructor(heap: WasmHeap, kernels: PortableKernels | NativeKernels) {
    this.heap = heap;
    this.kernels = kernels;
    this.native = 'convForward' in kernels ? kernels : null;
    this.#portable = 'convForward' in kernels ? null : kernels;
    this.pieces = this.#portable === null ? 1 : piecesOf(this.#portable.runner);
    this.#params = heap.allocate(blockBytes * Math.max(this.pieces, fixedPiecesMax));
  }

  /** `output[g] = bias + window(input at g) · packed`, over every grid point. */
  gemm(call: {
    readonly input: number;
    readonly packed: number;
    readonly bias: number;
    readonly output: number;
    readonly channels: number;
    readonly window: Window;
    readonly grid: Grid;
  }): void {
    const { window } = call;
    this.spread(
      'windowGemm',
      // Whole blocks of the kernel's table.
      ranges(pointCount(call.grid), 192, this.pieces).map((range, i) => ({
        ...range,
        words: [
          ...[call.input, call.packed, call.bias, call.output],
          ...[...window.taps, window.steps[0] * 4, window.steps[1] * 4, window.run],
          ...[call.channels, this.table(i), ...gridWords(call.grid)],
        ],
      })),
    );
  }

  /** `sums += window(input at g) ⊗ gradient[g]`, over every grid point; zeroes the sums first. */
  gradient(call: {
    readonly input: number;
    readonly gradient: number;
    readonly sums: number;
    readonly channels: number;
    readonly window: Window;
    readonly grid: Grid;
  }): void {
    const { window } = call;
    this.heap.zero(call.sums, sumsBytes(window, call.channels));
    const rows = window.taps[0] * window.taps[1] * Math.ceil(window.run / 4);
    const products = rows * 4 * call.channels * pointCount(call.grid);
    const most = Math.min(this.pieces, Math.ceil(products / pieceProductsMin));
    this.spread(
      'windowGradient',
      ranges(rows, 1, most).map((range, i) => ({
        ...range,
        words: [
          ...[call.input, call.gradient, call.sums],
          ...[...window.taps, window.steps[0] * 4, window.steps[1] * 4, window.run],
          ...[call.channels, this.table(i), ...gridWords(call.grid), pointCount(call.grid)],
        ],
      })),
    );
  }

  packWeights(weights: number, packed: number, order: WeightOrder): void {
    this.#write([weights, packed, ...orderWords(order)]);
    this.portable.packWeights(this.#params);
  }

  unpackGradient(weights: number, sums: number, order: WeightOrder): void {
    this.#write([weights, sums, ...orderWords(order)]);
    this.portable.unpackGradient(this.#params);
  }

  /** Runs `use` with the address of `[b, d, h, w, c]` inside zeros; no copy when there is no padding. */
  padded<T>(
    input: number,
    shape: readonly number[],
    padding: Padding,
    use: (pointer: number) => T,
  ): T {
    if (padding.every((zeros) => zeros === 0)) return use(input);
    const [batch = 1, ...rest] = shape;
    const sides = paddedSides(rest, padding);
    const bytes = 4 * batch * sides[0] * sides[1] * sides[2] * (rest[3] ?? 1);
    return this.heap.scratch(bytes, (pointer) => {
      this.#write([input, pointer, ...shape, ...padding]);
      this.portable.pad(this.#params);
      return use(pointer);
    });
  }

  /** Room for the addresses of a block of points of piece number `i`. */
  table(i: number): number {
    return this.#params + blockBytes * i + paramWords * 4;
  }

  /** Runs a kernel on pieces that do not write to the same place: all at once where there are threads for it. */
  spread(kernel: RangedKernel, pieces: readonly Piece[]): void {
    const calls = pieces.map(({ start, end, words }, i) => {
      const params = this.#params + blockBytes * i;
      this.heap.words(params, words.length).set(words);
      return [params, start, end] as const;
    });
    if (this.#portable !== null) {
      this.#portable.runner.run(kernel, calls);
    } else {
      const native = this.kernels[kernel as 'windowAttention'];
      for (const call of calls) native(...call);
    }
  }

  /** The address of a parameter block of these words, for one call. */
  params(words: readonly number[]): number {
    this.#write(words);
    return this.#params;
  }

  /** The kernels that convolutions are made of where none takes them whole. */
  get portable(): PortableKernels {
    invariant(this.#portable !== null, 'window products run on the portable kernels');
    return this.#portable;
  }

  #write(words: readonly number[]): void {
    this.heap.words(this.#params, paramWords).set(words);
  }
}

/** Depth, height and width with their zeros. */
export function paddedSides(
  sides: readonly number[],
  padding: Padding,
): readonly [number, number, number] {
  return [
    (sides[0] ?? 1) + padding[0] + padding[1],
    (sides[1] ?? 1) + padding[2] + padding[3],
    (sides[2] ?? 1) + padding[4] + padding[5],
  ];
}

/** Bytes of weights in the tiles of the gemm: 8 channels each, 4 in a last tile of at most 4. */
export function packedBytes(order: WeightOrder): number {
  const full = Math.floor((order.outputs + 3) / 8) * 8;
  const channels = full + (full < order.outputs ? 4 : 0);
  return 4 * channels * order.taps[0] * order.taps[1] * order.taps[2] * order.inputs;
}

/** Bytes of the gradient sums: runs in fours, channels in eights. */
export function sumsBytes(window: Window, channels: number): number {
  const run = Math.ceil(window.run / 4) * 4;
  return 4 * window.taps[0] * window.taps[1] * run * Math.ceil(channels / 8) * 8;
}

function pointCount(grid: Grid): number {
  return grid.batch * grid.size[0] * grid.size[1] * grid.size[2];
}

function gridWords(grid: Grid): number[] {
  return [...grid.size, ...[...grid.first, ...grid.second].map((step) => step * 4)];
}

function orderWords(order: WeightOrder): number[] {
  return [
    ...[order.outputs, ...order.taps, order.inputs],
    ...[order.outputStep, ...order.tapSteps, order.inputStep],
  ];
}
