/** The native kernels beside the convolutions, on sizes that are several pieces of work, and far from zero. */
import { expect } from 'chai';
import type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor5D } from '@tensorflow/tfjs';

import { seededRandom } from '../../../../src/base/index.ts';
import { openEngine, type Engine } from '../../../../src/compute/index.ts';
import { loadNative } from '../../../../src/compute/heap/native/module.ts';

/** Normal values around `mean`, fixed by the shape. */
function draw<R extends Rank>({ tf }: Engine, shape: number[], mean = 0): Tensor<R> {
  const random = seededRandom(shape.join());
  const length = shape.reduce((product, side) => product * side, 1);
  return tf.tensor<R>(
    Float32Array.from({ length }, () => mean + random.normal()),
    shape as never,
  );
}

/** Whole numbers from 0 to `below - 1`. */
function drawIntegers<R extends Rank>({ tf }: Engine, shape: number[], below: number): Tensor<R> {
  const random = seededRandom(shape.join());
  const length = shape.reduce((product, side) => product * side, 1);
  return tf.tensor<R>(
    Int32Array.from({ length }, () => random.integer(below)),
    shape as never,
    'int32',
  );
}

interface Work {
  readonly title: string;
  /** Shapes of the differentiable inputs. */
  readonly shapes: readonly number[][];
  readonly run: (engine: Engine, inputs: Tensor[]) => Tensor;
}

const normWork = [1, 3, 5, 12, 17].map((channels): Work => ({
  title: `instance norm of ${String(channels)} channels`,
  // More than one piece of work for each sample.
  shapes: [
    [2, ...(channels === 1 ? [37, 31, 29] : [19, 17, 35]), channels],
    [channels],
    [channels],
  ],
  run: ({ ops }, [x, gamma, beta]) =>
    ops.instanceNorm(x as Tensor5D, gamma as Tensor1D, beta as Tensor1D, { slope: 0.01 }),
}));

const works: readonly Work[] = [
  ...normWork,
  {
    title: 'layer norm',
    shapes: [[1401, 24], [24], [24]],
    run: ({ ops }, [x, gamma, beta]) =>
      ops.layerNorm(x as Tensor2D, gamma as Tensor1D, beta as Tensor1D),
  },
  { title: 'GELU', shapes: [[20001]], run: ({ ops }, [x]) => ops.gelu(x as Tensor1D) },
  {
    title: 'leaky ReLU of a sum',
    shapes: [[20001], [20001]],
    run: ({ tf, ops }, [a, b]) => ops.leakyRelu(tf.add(a as Tensor1D, b as Tensor1D), 0.01),
  },
  {
    title: 'cross-entropy and Dice',
    shapes: [[2, 13, 19, 23, 3]],
    run: (engine, [logits]) => {
      const labels = drawIntegers<Rank.R4>(engine, [2, 13, 19, 23], 3);
      const options = { batchDice: false };
      return engine.ops.crossEntropyDice(logits as Tensor5D, labels, options).loss;
    },
  },
  {
    title: 'attention',
    shapes: [
      [40, 27, 3 * 15],
      [3, 27, 27],
    ],
    run: ({ ops }, [qkv, bias]) =>
      ops.windowAttention(qkv as Tensor3D, { heads: 3, bias: bias as Tensor3D, regions: null }),
  },
  {
    title: 'windows and merged patches',
    shapes: [[2, 14, 16, 18, 5]],
    run: ({ ops }, [x]) => {
      const options = { window: [4, 4, 4], shift: [2, 2, 2] } as const;
      const merged = ops.mergePatches(x as Tensor5D);
      return ops.windowPartition(merged, options);
    },
  },
  {
    title: 'relative position bias',
    shapes: [[2197, 5]],
    run: (engine, [table]) =>
      engine.ops.gatherBias(table as Tensor2D, drawIntegers<Rank.R2>(engine, [200, 200], 2197)),
  },
];

/** Values, then the gradient of each input for an upstream gradient drawn at random. */
function valuesOf(engine: Engine, { shapes, run }: Work): Float32Array[] {
  const { tf } = engine;
  const results = tf.tidy(() => {
    const inputs = shapes.map((shape) => draw(engine, shape, 0.3));
    const y = run(engine, inputs);
    const gradients = tf.grads((...args: Tensor[]) => run(engine, args))(
      inputs,
      draw(engine, y.shape),
    );
    return [y, ...gradients];
  });
  const values = results.map((tensor) => tensor.dataSync<'float32'>().slice());
  tf.dispose(results);
  return values;
}

async function allValues(options: Parameters<typeof openEngine>[0]): Promise<Float32Array[][]> {
  const engine = await openEngine(options);
  try {
    return works.map((work) => valuesOf(engine, work));
  } finally {
    engine.close();
  }
}

function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const pairs = Array.from(expected, (value, i) => [value, actual[i]!] as const);
  const largest = pairs.reduce((max, [value]) => Math.max(max, Math.abs(value)), 1e-3);
  return pairs.reduce((max, [value, got]) => Math.max(max, Math.abs(value - got)), 0) / largest;
}

if (loadNative() === null) {
  process.stdout.write(
    'no native kernels here: run scripts/build-native.ts with a C++ compiler to test them\n',
  );
} else {
  describe('native kernels beside the convolutions', () => {
    let native: Float32Array[][];
    before(async () => {
      native = await allValues({ backend: 'native' });
    });

    it('give what plain JavaScript gives, values and gradients', async () => {
      const reference = await allValues({ backend: 'cpu' });
      reference.forEach((tensors, w) => {
        tensors.forEach((expected, t) => {
          const name = `${works[w]!.title}, ${t === 0 ? 'values' : `gradient ${String(t - 1)}`}`;
          expect(native[w]![t]!.length, name).equal(expected.length);
          expect(relativeError(native[w]![t]!, expected), name).most(1e-4);
        });
      });
    });

    for (const threads of [2, 3]) {
      it(`give the same bytes on ${String(threads)} threads`, async () => {
        const values = await allValues({ backend: 'native', threads });
        values.forEach((tensors, w) => {
          tensors.forEach((tensor, t) => {
            const bytes = Buffer.from(tensor.buffer);
            expect(bytes.equals(Buffer.from(native[w]![t]!.buffer)), works[w]!.title).true;
          });
        });
      });
    }

    it('take the variance of values a thousand deviations from zero', async () => {
      const engine = await openEngine({ backend: 'native', threads: 2 });
      try {
        const [voxels, channels] = [40 * 40 * 40, 3];
        const x = draw<Rank.R5>(engine, [1, 40, 40, 40, channels], 1000);
        const y = engine.ops.instanceNorm(x, null, null, { slope: 1 }).dataSync();
        const data = x.dataSync();
        for (let c = 0; c < channels; c++) {
          const column = Array.from({ length: voxels }, (_, v) => data[v * channels + c]!);
          const mean = column.reduce((sum, value) => sum + value, 0) / voxels;
          const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / voxels;
          const expected = column.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
          const actual = expected.map((_, v) => y[v * channels + c]!);
          // The mean is kept as a float: at 1000 half a unit of its last place is 3e-5.
          expect(relativeError(actual, expected), `channel ${String(c)}`).most(1e-4);
        }
      } finally {
        engine.close();
      }
    });
  });
}
