/** Convolutions in tiles, of the portable and the native kernels: grids large enough for them, odd sides and channels. */
import { expect } from 'chai';
import type { Rank, Tensor, Tensor1D, Tensor5D } from '@tensorflow/tfjs';

import { seededRandom } from '../../../src/base/index.ts';
import { openEngine, type Engine } from '../../../src/compute/index.ts';
import { loadNative } from '../../../src/compute/heap/native/module.ts';
import { isWorthTiling } from '../../../src/compute/heap/winograd.ts';

type Shape5 = readonly [number, number, number, number, number];

interface Case {
  readonly x: Shape5;
  readonly outputs: number;
}

const cases: readonly Case[] = [
  { x: [2, 25, 26, 27, 5], outputs: 7 },
  { x: [1, 64, 16, 17, 4], outputs: 20 },
  { x: [1, 1, 130, 127, 9], outputs: 17 },
  { x: [1, 33, 23, 22, 8], outputs: 8 },
  { x: [1, 26, 25, 28, 24], outputs: 33 },
  // More sums than are kept for each share: the filter gradient is cut along the outputs too.
  { x: [1, 18, 30, 31, 64], outputs: 78 },
];
const titleOf = ({ x, outputs }: Case): string =>
  `[${x.join(', ')}] to ${String(outputs)} channels`;

const errorMax = 1e-5;
const sampleCount = 300;

/** Input, weights, bias, and the gradient of the result. */
interface Given {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly b: Float32Array;
  readonly dy: Float32Array;
}

/** @param draw one value; called in a fixed order */
function givenOf({ x, outputs }: Case, draw: () => number): Given {
  const voxels = x[0] * x[1] * x[2] * x[3];
  const array = (length: number): Float32Array => Float32Array.from({ length }, draw);
  return {
    ...{ x: array(voxels * x[4]), w: array(outputs * x[4] * 27) },
    ...{ b: array(outputs), dy: array(voxels * outputs) },
  };
}

/** Result, gradients by input and by weights. */
function valuesOf({ tf, ops }: Engine, { x, outputs }: Case, given: Given): Float32Array[] {
  const results = tf.tidy(() => {
    const inputs = [
      tf.tensor<Rank.R5>(given.x, [...x]),
      tf.tensor<Rank.R5>(given.w, [outputs, x[4], 3, 3, 3]),
    ];
    const bias = tf.tensor1d(given.b);
    const run = (a: Tensor, w: Tensor, b: Tensor1D | null): Tensor =>
      ops.conv3d(a as Tensor5D, w as Tensor5D, b, { stride: 1 });
    const dy = tf.tensor(given.dy, [...x.slice(0, 4), outputs]);
    const gradients = tf.grads((a: Tensor, w: Tensor) => run(a, w, null))(inputs, dy);
    return [run(inputs[0]!, inputs[1]!, bias), ...gradients];
  });
  const values = results.map((tensor) => tensor.dataSync<'float32'>().slice());
  tf.dispose(results);
  return values;
}

/** One value of each of the three tensors as the definition has it, in float64. */
function expectedAt(
  { x: [batch, depth, height, width, inputs], outputs }: Case,
  { x, w, b, dy }: Given,
): ((at: number) => number)[] {
  const voxelAt = (sample: number, z: number, r: number, c: number): number =>
    ((sample * depth + z) * height + r) * width + c;
  /** Sums `term(voxel, tap)` over the neighbours in the grid; the tap is that of the neighbour. */
  const window = (voxel: number, term: (neighbour: number, tap: number) => number): number => {
    const c = voxel % width;
    const r = Math.floor(voxel / width) % height;
    const z = Math.floor(voxel / width / height) % depth;
    const sample = Math.floor(voxel / width / height / depth);
    let sum = 0;
    for (let tap = 0; tap < 27; tap++) {
      const at = [
        z + Math.floor(tap / 9) - 1,
        r + (Math.floor(tap / 3) % 3) - 1,
        c + (tap % 3) - 1,
      ];
      const [tz = 0, tr = 0, tc = 0] = at;
      if (tz < 0 || tr < 0 || tc < 0 || tz >= depth || tr >= height || tc >= width) continue;
      sum += term(voxelAt(sample, tz, tr, tc), tap);
    }
    return sum;
  };
  const dot = (count: number, term: (k: number) => number): number => {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += term(k);
    return sum;
  };
  return [
    (at) => {
      const o = at % outputs;
      const sum = window(Math.floor(at / outputs), (voxel, tap) =>
        dot(inputs, (i) => x[voxel * inputs + i]! * w[(o * inputs + i) * 27 + tap]!),
      );
      return sum + b[o]!;
    },
    // The neighbour at tap t sees this voxel at tap 26 - t.
    (at) => {
      const i = at % inputs;
      return window(Math.floor(at / inputs), (voxel, tap) =>
        dot(outputs, (o) => dy[voxel * outputs + o]! * w[(o * inputs + i) * 27 + 26 - tap]!),
      );
    },
    (at) => {
      const i = Math.floor(at / 27) % inputs;
      const o = Math.floor(at / 27 / inputs);
      return dot(batch * depth * height * width, (voxel) =>
        window(voxel, (neighbour, tap) =>
          tap === at % 27 ? x[neighbour * inputs + i]! * dy[voxel * outputs + o]! : 0,
        ),
      );
    },
  ];
}

/** First, last and drawn places: the grid's corners and its inside. */
function samplePlaces(length: number, count: number): number[] {
  const random = seededRandom('places');
  const drawn = Array.from({ length: count }, () => random.integer(length));
  return [0, 1, length - 2, length - 1, ...drawn];
}

type Open = (threads: number) => Promise<Engine>;

/** Places in one of the three tensors and what the definition gives there. */
interface Sample {
  readonly places: readonly number[];
  readonly wanted: readonly number[];
}

const prepared = new Map<Case, { data: Given; samples: readonly Sample[] }>();

/** Drawn once for all implementations. */
function prepare(given: Case): { data: Given; samples: readonly Sample[] } {
  const known = prepared.get(given);
  if (known !== undefined) return known;
  const random = seededRandom(titleOf(given));
  const data = givenOf(given, () => random.normal());
  const lengths = [data.dy.length, data.x.length, data.w.length];
  const samples = expectedAt(given, data).map((expected, t) => {
    // A weight's gradient is a sum over all voxels.
    const places = samplePlaces(lengths[t]!, t === 2 ? 12 : sampleCount);
    return { places, wanted: places.map(expected) };
  });
  prepared.set(given, { data, samples });
  return { data, samples };
}

/** Of small whole numbers: whether result and gradients are whole too. */
function areWhole(engine: Engine, given: Case): boolean[] {
  const random = seededRandom('whole');
  const data = givenOf(given, () => random.integer(7) - 3);
  return valuesOf(engine, given, data).map((values) => values.every(Number.isInteger));
}

async function withEngine<T>(opening: Promise<Engine>, use: (engine: Engine) => T): Promise<T> {
  const engine = await opening;
  try {
    return use(engine);
  } finally {
    engine.close();
  }
}

function tilingSuite(name: string, open: Open): void {
  describe(`convolutions in tiles on ${name}`, () => {
    let results: Float32Array[][];
    before(async () => {
      results = await withEngine(open(1), (engine) =>
        cases.map((given) => valuesOf(engine, given, prepare(given).data)),
      );
    });

    cases.forEach((given, c) => {
      it(`give direct sums of ${titleOf(given)}`, () => {
        prepare(given).samples.forEach(({ places, wanted }, t) => {
          const largest = Math.max(...wanted.map(Math.abs));
          places.forEach((at, k) => {
            const error = Math.abs(results[c]![t]![at]! - wanted[k]!) / largest;
            expect(error, `${['y', 'dx', 'dw'][t]!} at ${String(at)}`).most(errorMax);
          });
        });
      });
    });

    it('begin at 16,384 voxels: they round small whole numbers, and direct sums do not', async () => {
      // Sums below 2 ** 24: at most 27 · 8 · 9 + 3, in a filter gradient 17,576 · 9.
      await withEngine(open(1), (engine) => {
        const direct = areWhole(engine, { x: [1, 25, 25, 26, 8], outputs: 8 });
        expect(direct).deep.equal([true, true, true]);
        const tiled = areWhole(engine, { x: [1, 26, 26, 26, 8], outputs: 8 });
        expect(tiled).deep.equal([false, false, false]);
      });
    });

    for (const threads of [2, 3]) {
      it(`give the same bytes on ${String(threads)} threads`, async () => {
        await withEngine(open(threads), (engine) => {
          cases.forEach((given, c) => {
            valuesOf(engine, given, prepare(given).data).forEach((values, t) => {
              const bytes = Buffer.from(values.buffer);
              expect(bytes.equals(Buffer.from(results[c]![t]!.buffer)), titleOf(given)).true;
            });
          });
        });
      });
    }
  });
}

describe('the choice of tiles', () => {
  const size = { grid: [1, 16, 32, 32], inputs: 4, outputs: 4 } as const;

  it('takes them from 4 channels on both sides and 16,384 voxels of an image on', () => {
    expect(isWorthTiling(size)).true;
    expect(isWorthTiling({ ...size, inputs: 3 })).false;
    expect(isWorthTiling({ ...size, outputs: 3 })).false;
    expect(isWorthTiling({ ...size, grid: [2, 16, 32, 31] })).false;
    // Many channels make up for voxels: 4096 × 32 activations.
    const small = { grid: [1, 16, 16, 16], inputs: 32, outputs: 32 } as const;
    expect(isWorthTiling(small)).true;
    expect(isWorthTiling({ ...small, outputs: 31 })).false;
    expect(isWorthTiling({ ...small, grid: [1, 15, 16, 16], inputs: 64, outputs: 64 })).false;
  });

  it('leaves grids that tiles overhang to direct sums', () => {
    expect(isWorthTiling({ ...size, grid: [1, 512, 4, 8] })).true;
    // 16 voxels of a tile for 4 of the grid.
    expect(isWorthTiling({ ...size, grid: [1, 4096, 2, 2] })).false;
  });

  it('takes them for all that is tested here', () => {
    for (const { x, outputs } of cases) {
      const [batch, depth, height, width, inputs] = x;
      expect(isWorthTiling({ grid: [batch, depth, height, width], inputs, outputs })).true;
    }
  });
});

tilingSuite('own kernels', (threads) => openEngine({ backend: 'wasm', threads }));
const native = loadNative();
if (native === null) {
  process.stdout.write(
    'no native kernels here: run scripts/build-native.ts with a C++ compiler to test them\n',
  );
} else {
  tilingSuite(`native kernels ${native.variant}`, (threads) =>
    openEngine({ backend: 'native', threads }),
  );
}
