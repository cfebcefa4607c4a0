/** Compressed vectors: their bytes by hand, what they lose at most, and bytes that nobody wrote. */
import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../../../src/base/index.ts';
import {
  compress,
  compressedBytesMax,
  compressWithFeedback,
  decompress,
  GossipError,
  type Compression,
} from '../../../../src/gossip/index.ts';

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const through = (rule: Compression, values: readonly number[], key = 'k'): number[] => {
  const bytes = compress(rule, Float64Array.from(values), key);
  return [...decompress(rule, bytes, { length: values.length, key })];
};

/** Each rule, and the part of a vector's square that it loses at most. */
const rules: readonly (readonly [Compression, number])[] = [
  [{ kind: 'none' }, 1e-13],
  [{ kind: 'bf16' }, 2 ** -16],
  // blockValues / (4 · levels²)
  [{ kind: 'int8' }, 256 / (4 * 127 ** 2)],
  [{ kind: 'int4' }, 64 / (4 * 7 ** 2)],
  [{ kind: 'sign' }, 1],
  [{ kind: 'top-k', share: 0.25 }, 0.75],
  [{ kind: 'random-k', share: 0.25 }, 1],
  [{ kind: 'low-rank', rank: 2, rows: 4, iterations: 2 }, 1],
];

describe('compressed bytes', () => {
  it('of int8 are a scale and a byte each', () => {
    // Largest 254: the scale is 2 (0x40000000). 3 / 2 = 1.5 goes up to 2, -3 / 2 up to -1.
    const bytes = compress({ kind: 'int8' }, Float64Array.of(254, 3, -3, -254), 'k');
    expect(hexOf(bytes)).equal('000000407f02ff81');
    expect(through({ kind: 'int8' }, [254, 3, -3, -254])).deep.equal([254, 4, -2, -254]);
  });

  it('of int4 are a scale and half a byte each, the first in the lower half', () => {
    // Largest 14: the scale is 2. 7, -1, 1 (of 1/2, up).
    expect(hexOf(compress({ kind: 'int4' }, Float64Array.of(14, -2, 1), 'k'))).equal(
      '00000040f701',
    );
  });

  it('of signs are the mean size and a bit each, the first the lowest', () => {
    // (3 + 1 + 2 + 2) / 4 = 2; below 0 are the second and the third: 0b0110.
    expect(hexOf(compress({ kind: 'sign' }, Float64Array.of(3, -1, -2, 2), 'k'))).equal(
      '0000004006',
    );
    expect(through({ kind: 'sign' }, [3, -1, -2, 2])).deep.equal([2, -2, -2, 2]);
  });

  it('of top-k are gaps in LEB128 and float32 values; of equals the first is taken', () => {
    const values = new Array<number>(400).fill(0.5);
    values[3] = -2;
    values[304] = 4;
    // Places 0, 3, 304: gaps 0, 2, 300 = 0xac 0x02; values 0.5, -2, 4.
    const bytes = compress({ kind: 'top-k', share: 3 / 400 }, Float64Array.from(values), 'k');
    expect(hexOf(bytes)).equal('0002ac02' + '0000003f' + '000000c0' + '00008040');
  });

  it('are exactly as many as the rule says, or at most for top-k', () => {
    const sizes: readonly (readonly [Compression, number, number])[] = [
      [{ kind: 'none' }, 1000, 4000],
      [{ kind: 'bf16' }, 1000, 2000],
      [{ kind: 'int8' }, 1000, 4 * 4 + 1000],
      [{ kind: 'int4' }, 1001, 16 * 4 + 501],
      [{ kind: 'sign' }, 1025, 2 * 4 + 129],
      [{ kind: 'random-k', share: 0.1 }, 1001, 4 * 101],
      [{ kind: 'low-rank', rank: 2, rows: 30, iterations: 1 }, 1000, 4 * 2 * (30 + 34)],
    ];
    for (const [rule, length, expected] of sizes) {
      const bytes = compress(rule, new Float64Array(length).fill(1), 'k');
      expect(bytes.byteLength, rule.kind).equal(expected);
      expect(compressedBytesMax(rule, length), rule.kind).equal(expected);
    }
  });

  it('of random-k hold the same places for who has the key, others for another key', () => {
    const rule = { kind: 'random-k', share: 0.5 } as const;
    const values = Array.from({ length: 40 }, (_, i) => i + 1);
    const a = through(rule, values, 'a');
    expect(a.filter((value) => value !== 0).length).equal(20);
    a.forEach((value, i) => expect([0, i + 1]).include(value));
    expect(through(rule, values, 'b')).not.deep.equal(a);
  });
});

describe('every compression', () => {
  it('loses at most what it says of a vector, and nothing of zeros', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 8, maxLength: 700 }),
        (values) => {
          for (const [rule, share] of rules) {
            const read = through(rule, values);
            let [lost, all] = [0, 0];
            values.forEach((value, i) => {
              lost += (value - read[i]!) ** 2;
              all += value ** 2;
            });
            // Beside the share there is what rounds to the smallest float32.
            expect(lost, rule.kind).at.most(share * all * (1 + 1e-5) + 1e-60);
          }
        },
      ),
    );
    for (const [rule] of rules) {
      for (const value of through(rule, new Array<number>(9).fill(0))) expect(value).equal(0);
    }
  });

  it('with feedback sends in the end all that it was given', () => {
    const random = seededRandom('feedback');
    for (const [rule] of rules) {
      const values = Float64Array.from({ length: 40 }, () => random.normal());
      let residual: Float64Array | null = null;
      const sum = new Float64Array(40);
      for (let round = 0; round < 300; round++) {
        const key = String(round);
        const sent = compressWithFeedback(rule, values, { residual, key });
        residual = sent.residual;
        decompress(rule, sent.bytes, { length: 40, key }).forEach((value, i) => {
          sum[i] = sum[i]! + value;
        });
      }
      values.forEach((value, i) => {
        expect(sum[i]! + residual![i]!, rule.kind).closeTo(300 * value, 1e-9);
        expect(sum[i]! / 300, rule.kind).closeTo(value, 0.2);
      });
    }
  });

  it('reads any bytes as it would write them, or refuses them', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.uint8Array({ maxLength: 100 }), (length, bytes) => {
        for (const [rule] of rules) {
          try {
            const read = decompress(rule, bytes, { length, key: 'k' });
            expect(read.length).equal(length);
            expect(read.every(Number.isFinite)).equal(true);
          } catch (error) {
            expect(error, rule.kind).instanceOf(GossipError);
            expect((error as GossipError).code).equal('bad_mixing_message');
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses its own bytes with one too many, one too few, or for another length', () => {
    for (const [rule] of rules) {
      const bytes = compress(
        rule,
        Float64Array.from({ length: 36 }, (_, i) => i - 7),
        'k',
      );
      const read =
        (part: Uint8Array, length = 36): (() => void) =>
        () => {
          decompress(rule, part, { length, key: 'k' });
        };
      expect(read(bytes), rule.kind).not.throw();
      expect(read(bytes.subarray(1)), rule.kind).throw(GossipError);
      expect(read(Uint8Array.of(...bytes, 0)), rule.kind).throw(GossipError);
      expect(read(bytes, 70), rule.kind).throw(GossipError);
    }
  });

  it('refuses numbers that are not finite, or not as float32', () => {
    for (const [rule] of rules) {
      for (const wrong of [NaN, Infinity, 1e39]) {
        expect(
          () => compress(rule, Float64Array.of(1, wrong, 1, 1, 1, 1, 1, 1), 'k'),
          rule.kind,
        ).throw(GossipError);
      }
    }
  });
});

describe('bytes that nobody writes', () => {
  const refused: readonly (readonly [string, Compression, number, string])[] = [
    ['a scale below 0', { kind: 'int8' }, 1, '000080bf01'],
    ['a scale of -0', { kind: 'int8' }, 1, '0000008000'],
    ['a scale without end', { kind: 'sign' }, 1, '0000807f00'],
    ['a level of -128', { kind: 'int8' }, 1, '0000803f80'],
    ['a level of -8', { kind: 'int4' }, 2, '0000803f18'],
    ['a level where the scale is 0', { kind: 'int8' }, 1, '0000000001'],
    ['a half byte that is left over', { kind: 'int4' }, 1, '0000803f17'],
    ['a sign behind the last', { kind: 'sign' }, 3, '0000803f08'],
    ['a gap in more bytes than it needs', { kind: 'top-k', share: 0.01 }, 100, '80000000803f'],
    ['a gap without end', { kind: 'top-k', share: 0.01 }, 100, 'ffffffffff0000803f'],
    ['a place behind the vector', { kind: 'top-k', share: 0.5 }, 2, '020000803f'],
    ['a float32 that is no number', { kind: 'none' }, 1, '0000c07f'],
    ['a bf16 without end', { kind: 'bf16' }, 1, '807f'],
  ];
  for (const [what, rule, length, text] of refused) {
    it(`are refused: ${what}`, () => {
      const bytes = new Uint8Array(Buffer.from(text, 'hex'));
      expect(() => decompress(rule, bytes, { length, key: 'k' })).throw(GossipError);
    });
  }

  it('rules that do not fit are refused', () => {
    const wrong: Compression[] = [
      { kind: 'top-k', share: 0 },
      { kind: 'top-k', share: 1.1 },
      { kind: 'random-k', share: NaN },
      { kind: 'low-rank', rank: 5, rows: 4, iterations: 1 },
      { kind: 'low-rank', rank: 0, rows: 4, iterations: 1 },
      { kind: 'low-rank', rank: 1, rows: 4, iterations: 1000 },
    ];
    for (const rule of wrong) {
      expect(() => compress(rule, new Float64Array(16), 'k'), JSON.stringify(rule)).throw(
        GossipError,
      );
    }
  });
});
