/** bf16 of the native kernels: how operands are rounded, and that their products are those of rounded operands. */
import { expect } from 'chai';

import { openEngine } from '../../../../src/compute/index.ts';
import { loadNative, type NativeModule } from '../../../../src/compute/heap/native/module.ts';
import {
  operandsOf,
  relativeError,
  resultsOf,
  sumsOf,
  type Convolution,
  type Kernels,
  type Operands,
} from './direct-convolution.ts';

/** The nearest number of 8 significant bits, ties to the even one. Neither subnormal nor near the largest. */
function rounded(value: number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
  const below = Math.floor(value / unit);
  const rest = value / unit - below;
  const isUp = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return (below + (isUp ? 1 : 0)) * unit;
}

/** A value and the bf16 that it rounds to. */
const roundings: readonly (readonly [number, number])[] = [
  [1, 1],
  // Between 1 and 1 + 2^-7: the tie goes to 1, whose last bit is 0.
  [1 + 2 ** -8, 1],
  [1 + 2 ** -8 - 2 ** -23, 1],
  [1 + 2 ** -8 + 2 ** -23, 1 + 2 ** -7],
  // Between 1 + 2^-7 and 1 + 2^-6: the tie goes up.
  [1 + 3 * 2 ** -8, 1 + 2 ** -6],
  [-1 - 2 ** -8, -1],
  [-1 - 3 * 2 ** -8, -1 - 2 ** -6],
  // Carries into the exponent.
  [2 - 2 ** -23, 2],
  // The largest bf16, (2 - 2^-7)·2^127; what is half a unit or more above it is infinite.
  [(2 - 2 ** -7) * 2 ** 127, (2 - 2 ** -7) * 2 ** 127],
  [(2 - 2 ** -8 - 2 ** -23) * 2 ** 127, (2 - 2 ** -7) * 2 ** 127],
  [(2 - 2 ** -8) * 2 ** 127, Infinity],
  [(2 - 2 ** -23) * 2 ** 127, Infinity],
  [Infinity, Infinity],
  [-Infinity, -Infinity],
];

/** Below 2^-126 the unit is 2^-133 throughout; the processor's own instruction takes all of these for 0. */
const subnormalRoundings: readonly (readonly [number, number])[] = [
  [2 ** -133, 2 ** -133],
  [2 ** -134, 0],
  [2 ** -134 + 2 ** -149, 2 ** -133],
  [3 * 2 ** -134, 2 * 2 ** -133],
  [2 ** -126 - 2 ** -149, 2 ** -126],
];

/** By their bits: quiet, signalling, with only low bits set, with all. */
const notNumbers = [0x7fc00000, 0x7f800001, 0xff80ffff, 0x7fffffff];

const convolutions: readonly Convolution[] = [
  { batch: 2, input: [4, 5, 7], inputs: 3, outputs: 5, kernel: 3, stride: 1 },
  { batch: 1, input: [5, 6, 11], inputs: 8, outputs: 16, kernel: 3, stride: 1 },
  { batch: 1, input: [2, 3, 13], inputs: 17, outputs: 40, kernel: 3, stride: 1 },
  { batch: 2, input: [5, 6, 7], inputs: 4, outputs: 9, kernel: 3, stride: 2 },
  { batch: 1, input: [4, 6, 10], inputs: 6, outputs: 12, kernel: 2, stride: 2 },
  { batch: 1, input: [1, 1, 35], inputs: 7, outputs: 8, kernel: 1, stride: 1 },
  { batch: 1, input: [9, 9, 9], inputs: 1, outputs: 1, kernel: 3, stride: 1 },
];

function kernelsOf({ addon }: NativeModule, form: 'Bf16' | 'Pairs'): Kernels {
  return ['convForward', 'convInputGradient', 'convFilterGradient'].map(
    (name) => addon.kernels[`${name}${form}`]!,
  );
}

/** Values times a weight of 1, which is how they are rounded. */
function timesOne(native: NativeModule, form: 'Bf16' | 'Pairs', values: number[]): Float32Array {
  const row: Convolution = {
    ...{ batch: 1, input: [1, 1, values.length], inputs: 1, outputs: 1, kernel: 1, stride: 1 },
  };
  const none = new Float32Array(values.length);
  const operands: Operands = [Float32Array.from(values), Float32Array.of(1), none, none];
  return resultsOf(row, operands, kernelsOf(native, form))[0]!;
}

const native = loadNative();

if (native !== null) {
  for (const form of ['Bf16', 'Pairs'] as const) {
    describe(`bf16 products of the native kernels, ${form === 'Bf16' ? 'one by one' : 'in pairs'}`, () => {
      const hasOwnInstruction = form === 'Pairs' && native.variant === 'avx512bf16';

      it('round to the nearest, ties to even, and overflow to infinity', () => {
        const table = [...roundings, ...(hasOwnInstruction ? [] : subnormalRoundings)];
        const values = timesOne(
          native,
          form,
          table.map(([value]) => value),
        );
        table.forEach(([value, expected], i) => {
          expect(values[i], String(value)).equal(expected);
        });
      });

      it('keep what is not a number', () => {
        const bits = Uint32Array.from(notNumbers);
        const values = timesOne(native, form, [...new Float32Array(bits.buffer)]);
        expect([...values].map(Number.isNaN)).deep.equal(notNumbers.map(() => true));
      });

      for (const conv of convolutions) {
        const { input, inputs, outputs, kernel, stride } = conv;
        const title = `${String(kernel)}³ stride ${String(stride)} of [${input.join(', ')}], ${String(inputs)} → ${String(outputs)}`;

        it(`of a convolution ${title} are those of rounded operands, added up in float32`, () => {
          const given = operandsOf(conv);
          const [x, w, dy, bias] = given;
          const [rx, rw, rdy] = [x, w, dy].map((values) => values.map(rounded)) as [
            Float32Array,
            Float32Array,
            Float32Array,
          ];
          const actual = resultsOf(conv, given, kernelsOf(native, form));
          const expected = sumsOf(conv, [rx, rw, rdy, bias]);
          const unrounded = sumsOf(conv, given);
          ['y', 'dx', 'dw'].forEach((name, i) => {
            expect(relativeError(actual[i]!, expected[i]!), name).most(2e-6);
            expect(relativeError(actual[i]!, unrounded[i]!), name).least(1e-4);
          });
        });
      }

      it('give the same bytes on 1, 2 and 3 threads', () => {
        const [, , conv] = convolutions as [Convolution, Convolution, Convolution];
        const wide = { ...conv, input: [12, 13, 14] as const };
        const bytes = [1, 2, 3].map((threads) => {
          native.addon.setThreads(threads);
          const results = resultsOf(wide, operandsOf(wide), kernelsOf(native, form));
          return Buffer.concat(results.map(({ buffer }) => Buffer.from(buffer)));
        });
        native.addon.setThreads(1);
        expect(bytes.every((one) => one.equals(bytes[0]!))).true;
      });
    });
  }

  describe('an engine of bf16', () => {
    it('says so, rounds what a dense product takes in, and keeps its bias and its sum', async () => {
      const engine = await openEngine({ backend: 'native', precision: 'bf16' });
      try {
        const { tf, ops, backendVariant } = engine;
        expect(backendVariant).match(new RegExp(`^native ${native.variant} bf16`));
        const [fine, bias] = [1 + 2 ** -8, 2 ** -20];
        const x = tf.tensor2d([[fine, 1]]);
        const y = ops.linear(x, tf.tensor2d([[1, fine]]), tf.tensor1d([bias]));
        // 1·1 + 1·1 + 2^-20; unrounded it would be 2 + 2^-7 + 2^-20.
        expect(y.dataSync()[0]).equal(2 + bias);
        // What is no product stays float32.
        expect(ops.leakyRelu(x, 0.01).dataSync()[0]).equal(fine);
      } finally {
        engine.close();
      }
    });
  });
}
