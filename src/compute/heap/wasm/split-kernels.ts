/**
 * The portable kernels in pieces for several threads. Where a piece ends never changes a rounding: sums are split by
 * channels or into blocks that are added in order, so results do not depend on the number of threads.
 */
import type { WasmHeap } from '../wasm-heap.ts';
import type { PortableKernels, RawKernels, Runner } from './module.ts';
import { ranges, type Range } from './ranges.ts';
import { splitLoss } from './split-loss.ts';

/** Pieces per thread, so that one that is interrupted does not keep the others waiting. */
const piecesPerThread = 4;
/** Fewest bytes of a piece that are worth another thread's waking. */
const pieceBytesMin = 32 * 1024;

/** How many pieces to cut work of which results do not depend on it. */
export function piecesOf({ threads }: Runner): number {
  return threads === 1 ? 1 : threads * piecesPerThread;
}

/** See `PortableKernels`. */
export function splitKernels(raw: RawKernels, runner: Runner, heap: WasmHeap): PortableKernels {
  const cut = new Cut(runner);
  return {
    ...raw,
    runner,
    ...elementKernels(runner, cut),
    ...rowKernels(runner, cut, raw, heap),
    ...instanceNormKernels(runner, cut, heap),
    crossEntropyDice: (...call) => {
      splitLoss(runner, heap, call);
    },
  };
}

/** Where to cut for a runner: into no more pieces than serve it, and none too small to be worth a thread's waking. */
class Cut {
  readonly #most: number;

  constructor(runner: Runner) {
    this.#most = piecesOf(runner);
  }

  /** Pieces of `count` items of `bytes` each, in multiples of `unit`. */
  items(count: number, unit: number, bytes: number): Range[] {
    const worthwhile = Math.max(1, Math.floor((count * bytes) / pieceBytesMin));
    return ranges(count, unit, Math.min(this.#most, worthwhile));
  }

  /** Of values one beside the other: four in a piece at least. */
  values(count: number): Range[] {
    return this.items(count, 4, 4);
  }

  /** Of channels, in fours. */
  channels(count: number): Range[] {
    return ranges(Math.ceil(count / 4) * 4, 4, this.#most);
  }
}

/** Kernels over values one beside the other. */
function elementKernels(
  runner: Runner,
  cut: Cut,
): Pick<PortableKernels, 'leakyRelu' | 'add' | 'gelu' | 'scale' | 'adamW' | 'sgd'> {
  return {
    leakyRelu: (x = 0, g = 0, y = 0, count = 0, slope = 0) => {
      const calls = cut
        .values(count)
        .map(({ start: i, end }) => [x + 4 * i, g + 4 * i, y + 4 * i, end - i, slope]);
      runner.run('leakyRelu', calls);
    },
    add: (a = 0, b = 0, y = 0, count = 0) => {
      const calls = cut
        .values(count)
        .map(({ start: i, end }) => [a + 4 * i, b + 4 * i, y + 4 * i, end - i]);
      runner.run('add', calls);
    },
    gelu: (x = 0, dy = 0, y = 0, count = 0) => {
      const calls = cut
        .values(count)
        .map(({ start: i, end }) => [
          ...[x + 4 * i, dy === 0 ? 0 : dy + 4 * i, y + 4 * i, end - i],
        ]);
      runner.run('gelu', calls);
    },
    scale: (x = 0, factor = 0, y = 0, count = 0) => {
      const calls = cut
        .values(count)
        .map(({ start: i, end }) => [x + 4 * i, factor, y + 4 * i, end - i]);
      runner.run('scale', calls);
    },
    adamW: (p = 0, g = 0, m = 0, v = 0, count = 0, ...settings) => {
      const calls = cut
        .values(count)
        .map(({ start: i, end }) => [
          ...[p, g, m, v].map((pointer) => pointer + 4 * i),
          ...[end - i, ...settings],
        ]);
      runner.run('adamW', calls);
    },
    sgd: (p = 0, g = 0, v = 0, count = 0, ...settings) => {
      const calls = cut
        .values(count)
        .map(({ start: i, end }) => [
          ...[p, g, v].map((pointer) => pointer + 4 * i),
          ...[end - i, ...settings],
        ]);
      runner.run('sgd', calls);
    },
  };
}

/** Kernels over rows, each on its own. */
function rowKernels(
  runner: Runner,
  cut: Cut,
  raw: RawKernels,
  heap: WasmHeap,
): Pick<PortableKernels, 'copyRows' | 'layerNorm' | 'layerNormGradient'> {
  return {
    copyRows: (from = 0, fromStep = 0, to = 0, toStep = 0, bytes = 0, rows = 0) => {
      const calls = cut
        .items(rows, 1, bytes)
        .map(({ start: i, end }) => [
          ...[from + i * fromStep, fromStep, to + i * toStep, toStep, bytes, end - i],
        ]);
      runner.run('copyRows', calls);
    },
    layerNorm: (x = 0, gamma = 0, beta = 0, y = 0, stats = 0, rows = 0, channels = 0, eps = 0) => {
      const calls = cut
        .items(rows, 1, 4 * channels)
        .map(({ start: i, end }) => [
          ...[x + 4 * i * channels, gamma, beta, y + 4 * i * channels, stats + 8 * i],
          ...[end - i, channels, eps],
        ]);
      runner.run('layerNorm', calls);
    },
    layerNormGradient: (...call) => {
      layerNormGradient(runner, raw, heap, call);
    },
  };
}

/** Statistics by channels, and what uses them by voxels. */
function instanceNormKernels(
  runner: Runner,
  cut: Cut,
  heap: WasmHeap,
): Pick<PortableKernels, 'instanceMoments' | 'instanceNorm' | 'instanceNormGradient'> {
  return {
    instanceMoments: (...call) => {
      const calls = cut.channels(call[5] ?? 0).map(({ start, end }) => [...call, start, end]);
      runner.run('instanceMoments', calls);
    },
    instanceNorm: (...call) => {
      const [x = 0, stats = 0, gamma = 0, beta = 0, y = 0, , batch = 0, voxels = 0] = call;
      const [channels = 0, slope = 0] = call.slice(8);
      const parts = cut.items(voxels, 64, 4 * channels);
      // The tables of a piece are its own.
      const table = 12 * Math.ceil(channels / 4) * 4;
      heap.scratch(table * parts.length * batch, (tables) => {
        const calls = Array.from({ length: batch }, (_, b) =>
          parts.map(({ start, end }, i) => {
            const at = 4 * channels * (b * voxels + start);
            const own = tables + table * (b * parts.length + i);
            const sample = stats + 8 * channels * b;
            return [x + at, sample, gamma, beta, y + at, own, 1, end - start, channels, slope];
          }),
        );
        runner.run('instanceNorm', calls.flat());
      });
    },
    instanceNormGradient: (...call) => {
      const [x = 0, dy = 0, stats = 0, gamma = 0, beta = 0, dx = 0, dgamma = 0, dbeta = 0] = call;
      const [scratch = 0, batch = 0, voxels = 0, channels = 0, slope = 0] = call.slice(8);
      heap.zero(dgamma, 4 * channels);
      heap.zero(dbeta, 4 * channels);
      for (let b = 0; b < batch; b++) {
        const at = 4 * channels * voxels * b;
        const sums = [x + at, dy + at, stats + 8 * channels * b, gamma, beta, dgamma, dbeta];
        const sizes = [scratch, voxels, channels, slope];
        runner.run(
          'instanceNormSums',
          cut.channels(channels).map(({ start, end }) => [...sums, ...sizes, start, end]),
        );
        const calls = cut.items(voxels, 64, 4 * channels).map(({ start, end }) => {
          const from = at + 4 * channels * start;
          return [x + from, dy + from, dx + from, scratch, end - start, channels, slope];
        });
        runner.run('instanceNormSpread', calls);
      }
    },
  };
}

/** Rows that the kernel adds up before it adds them to the sums; a piece is one such block. */
const blockRows = 256;

/** Blocks leave sums of their own, added in order as the kernel alone adds them. */
function layerNormGradient(
  runner: Runner,
  raw: RawKernels,
  heap: WasmHeap,
  call: readonly number[],
): void {
  const [x = 0, dy = 0, stats = 0, gamma = 0, dx = 0, dgamma = 0, dbeta = 0] = call;
  const [, rows = 0, channels = 0] = call.slice(7);
  const blocks = Math.ceil(rows / blockRows);
  const scratchBytes = 8 * Math.ceil(channels / 4) * 4;
  heap.scratch(blocks * (8 * channels + scratchBytes), (own) => {
    const gammas = own + blocks * scratchBytes;
    const betas = gammas + blocks * 4 * channels;
    const calls = Array.from({ length: blocks }, (_, i) => {
      const first = i * blockRows;
      const at = 4 * channels * first;
      return [
        ...[x + at, dy + at, stats + 8 * first, gamma, dx + at],
        ...[gammas + 4 * channels * i, betas + 4 * channels * i, own + scratchBytes * i],
        ...[Math.min(blockRows, rows - first), channels],
      ];
    });
    runner.run('layerNormGradient', calls);
    raw.columnSums(gammas, dgamma, blocks, channels);
    raw.columnSums(betas, dbeta, blocks, channels);
  });
}
