/** Convolutions and dense products of the native kernels against plain JavaScript, over drawn shapes. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Tensor, Tensor1D, Tensor2D, Tensor5D } from '@tensorflow/tfjs';

import { seededRandom } from '../../../../src/base/index.ts';
import { openEngine, type Engine } from '../../../../src/compute/index.ts';
import { loadNative } from '../../../../src/compute/heap/native/module.ts';

type Shape5 = [number, number, number, number, number];

interface Case {
  readonly kind: 'conv' | 'transposed' | 'linear';
  readonly x: Shape5;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly bias: boolean;
}

const side = fc.integer({ min: 1, max: 9 });
// Few, odd, and more than the registers hold at once.
const channels = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.constantFrom(12, 16, 17, 24, 25, 40, 64),
);

const drawnCase: fc.Arbitrary<Case> = fc
  .record({
    kind: fc.constantFrom(
      'conv' as const,
      'conv' as const,
      'transposed' as const,
      'linear' as const,
    ),
    x: fc.tuple(fc.integer({ min: 1, max: 2 }), side, side, side, channels),
    outputs: channels,
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    bias: fc.boolean(),
  })
  .map((drawn) =>
    drawn.kind === 'transposed' ? { ...drawn, kernel: Math.min(drawn.kernel, 2) } : drawn,
  )
  .filter(({ kernel, x }) => kernel !== 2 || Math.min(x[1], x[2], x[3]) >= 2);

const cases: readonly Case[] = [
  ...fc.sample(drawnCase, { seed: 3, numRuns: 48 }),
  // More than one block of points, and edges of every kind between them.
  { kind: 'conv', x: [2, 7, 11, 13, 3], outputs: 10, kernel: 3, stride: 1, bias: true },
  { kind: 'conv', x: [1, 9, 14, 15, 8], outputs: 8, kernel: 3, stride: 2, bias: false },
  // Enough voxels for tiles.
  { kind: 'conv', x: [2, 25, 26, 27, 5], outputs: 7, kernel: 3, stride: 1, bias: true },
];

/** The result and the gradients by input, weights and bias, for an upstream gradient drawn at random. */
function valuesOf({ tf, ops }: Engine, drawn: Case): Float32Array[] {
  const random = seededRandom(JSON.stringify(drawn));
  const draw = (shape: readonly number[]): Tensor => {
    const length = shape.reduce((product, n) => product * n, 1);
    return tf.tensor(
      Float32Array.from({ length }, () => random.normal()),
      [...shape],
    );
  };
  const { kind, outputs, kernel, stride } = drawn;
  const inputs = drawn.x[4];
  const sides = [kernel, kernel, kernel];
  const weights = {
    conv: [outputs, inputs, ...sides],
    transposed: [inputs, outputs, ...sides],
    linear: [outputs, inputs],
  }[kind];
  const run = (x: Tensor, w: Tensor, b: Tensor | null): Tensor => {
    const bias = b as Tensor1D | null;
    if (kind === 'linear') return ops.linear(x, w as Tensor2D, bias);
    if (kind === 'transposed') return ops.convTranspose3d(x as Tensor5D, w as Tensor5D, bias);
    return ops.conv3d(x as Tensor5D, w as Tensor5D, bias, { stride });
  };
  const given = [draw(drawn.x), draw(weights), ...(drawn.bias ? [draw([outputs])] : [])];
  const y = tf.tidy(() => run(given[0]!, given[1]!, given[2] ?? null));
  const dy = draw(y.shape);
  const gradients = tf.grads((...[x, w, b]: Tensor[]) => run(x!, w!, b ?? null))(given, dy);
  const values = [y, ...gradients].map((tensor) => tensor.dataSync<'float32'>().slice());
  tf.dispose([...given, y, dy, ...gradients]);
  return values;
}

async function allValues(options: Parameters<typeof openEngine>[0]): Promise<Float32Array[][]> {
  const engine = await openEngine(options);
  try {
    return cases.map((drawn) => valuesOf(engine, drawn));
  } finally {
    engine.close();
  }
}

if (loadNative() === null) {
  // eslint-disable-next-line no-console -- says why nothing runs
  console.log(
    'no native kernels here: run scripts/build-native.ts with a C++ compiler to test them',
  );
} else {
  describe('native convolutions', () => {
    let native: Float32Array[][];
    before(async () => {
      native = await allValues({ backend: 'native' });
    });

    it('give what plain JavaScript gives, values and gradients, over drawn shapes', async () => {
      const reference = await allValues({ backend: 'cpu' });
      reference.forEach((tensors, c) => {
        tensors.forEach((expected, t) => {
          const name = `${JSON.stringify(cases[c])}, ${['y', 'dx', 'dw', 'db'][t]!}`;
          const actual = native[c]![t]!;
          expect(actual.length, name).equal(expected.length);
          const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
          const error = expected.reduce(
            (max, value, i) => Math.max(max, Math.abs(value - actual[i]!)),
            0,
          );
          expect(error / largest, name).most(1e-4);
        });
      });
    });

    for (const threads of [2, 3]) {
      it(`give the same bytes on ${String(threads)} threads`, async () => {
        const values = await allValues({ backend: 'native', threads });
        values.forEach((tensors, c) => {
          tensors.forEach((tensor, t) => {
            const bytes = Buffer.from(tensor.buffer);
            expect(bytes.equals(Buffer.from(native[c]![t]!.buffer)), JSON.stringify(cases[c])).true;
          });
        });
      });
    }
  });
}
