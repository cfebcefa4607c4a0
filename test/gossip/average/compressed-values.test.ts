/** Updates that travel as int8 or bf16: the numbers by hand, the integers of all, and bytes that nobody wrote. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  CompressedIntegers,
  CompressedPacker,
  CompressedUnpacker,
  compressedBytes,
  compressedMax,
} from '../../../src/gossip/average/compressed-values.ts';
import type { AveragingRule } from '../../../src/gossip/index.ts';
import { WeightsError } from '../../../src/weights/index.ts';

const rule: AveragingRule = {
  ...{ memberCount: 1, clamp: 1, weightMax: 100, samplesCap: 100 },
  ...{ outerRate: 1, outerMomentum: 0 },
};
const kinds = ['int8', 'bf16'] as const;

/** The bytes of numbers that come in pieces of these sizes, and what they stand for. */
function packed(
  kind: (typeof kinds)[number],
  values: Float32Array,
  sizes: readonly number[] = [values.length],
): { bytes: Uint8Array; sent: Float64Array } {
  const sent = new Float64Array(values.length);
  const packer = new CompressedPacker(kind, (numbers, start) => {
    sent.set(numbers, start);
  });
  const parts: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; at < values.length; i++) {
    const size = sizes[i % sizes.length]!;
    parts.push(packer.push(values.subarray(at, at + size)));
    at += size;
  }
  parts.push(packer.end());
  return { bytes: new Uint8Array(Buffer.concat(parts)), sent };
}

function unpacked(
  kind: (typeof kinds)[number],
  bytes: Uint8Array,
  count: number,
  pieceBytes = bytes.byteLength,
): Float64Array {
  const out = new Float64Array(count);
  const unpacker = new CompressedUnpacker(kind, count, (numbers, start) => {
    out.set(numbers, start);
  });
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    unpacker.push(bytes.subarray(at, at + pieceBytes));
  }
  unpacker.end();
  return out;
}

describe('compressed updates', () => {
  it('are the messages of the laboratory, one after the other, each of 8192 numbers', () => {
    // mixing.md, 6: largest 254, so the scale is 2; 3 / 2 = 1.5 goes up to 2, -3 / 2 up to -1.
    const { bytes, sent } = packed('int8', Float32Array.of(254, 3, -3, -254));
    expect(Buffer.from(bytes).toString('hex')).to.equal('000000407f02ff81');
    expect([...sent]).to.deep.equal([254, 4, -2, -254]);
    // 8192 numbers have 32 scales; 8193 begin another message of one scale and one number.
    expect(compressedBytes('int8', 8192)).to.equal(8192 + 32 * 4);
    expect(compressedBytes('int8', 8193)).to.equal(8192 + 32 * 4 + 5);
    expect(compressedBytes('bf16', 8193)).to.equal(2 * 8193);
    expect(compressedBytes('int8', 0)).to.equal(0);
  });

  it('are the same bytes in pieces of any sizes, and are read in pieces of any sizes', () => {
    const arbitrary = fc.record({
      kind: fc.constantFrom(...kinds),
      count: fc.integer({ min: 1, max: 20_000 }),
      size: fc.integer({ min: 1, max: 9_000 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(arbitrary, ({ kind, count, size, seed }) => {
        const values = Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i * i));
        const whole = packed(kind, values);
        expect(whole.bytes.byteLength).to.equal(compressedBytes(kind, count));
        expect(packed(kind, values, [size]).bytes).to.deep.equal(whole.bytes);
        expect(unpacked(kind, whole.bytes, count, size)).to.deep.equal(whole.sent);
      }),
      { numRuns: 30 },
    );
  });

  it('hold the same numbers where they are cut at a multiple of 256', () => {
    for (const kind of kinds) {
      const values = Float32Array.from(
        { length: 20_000 },
        (_, i) => Math.sin(i * i) / (1 + (i % 700)),
      );
      const { sent } = packed(kind, values);
      for (const cut of [256, 8192, 9_984]) {
        const [before, after] = [values.slice(0, cut), values.slice(cut)];
        const parts = [...packed(kind, before).sent, ...packed(kind, after).sent];
        expect(Float64Array.from(parts), `${kind} at ${cut}`).to.deep.equal(sent);
      }
    }
  });

  it('count as integers by weight, and what those leave of a number is what was rounded away', () => {
    // One member, clamp 1: s = 30 and units of 2^-30. Weight 50 of 100: 0.5 counts as 0.25 · 2^30.
    const segments = [
      { head: null, start: 0, end: 2 },
      { head: 'ms', start: 2, end: 3 },
    ];
    const integers = new CompressedIntegers(
      segments,
      { weight: 50, heads: { ms: 0 } },
      rule,
      'bf16',
    );
    expect([...integers.of(Float64Array.of(0.5, -1, 0), 0)]).to.deep.equal([
      2 ** 28,
      -(2 ** 29),
      0,
    ]);
    const wanted = Float32Array.of(0.5 + 2 ** -10, -1, 0.125);
    integers.takeFrom(wanted, Int32Array.of(2 ** 28, -(2 ** 29), 0), 0);
    // The head that was not trained keeps what waits for it.
    expect([...wanted]).to.deep.equal([2 ** -10, 0, 0.125]);
  });

  it('lose nothing over many updates: their sum and the rest are the changes', () => {
    const count = 700;
    for (const kind of kinds) {
      const segments = [{ head: null, start: 0, end: count }];
      const rest = new Float32Array(count);
      const [wanted, got] = [new Float64Array(count), new Float64Array(count)];
      for (let round = 0; round < 40; round++) {
        // The weight of a hospital changes with its cases.
        const weight = 10 + round;
        const integers = new CompressedIntegers(segments, { weight, heads: {} }, rule, kind);
        for (let i = 0; i < count; i++) {
          const change = 0.001 * Math.sin(i * i + round);
          wanted[i]! += change;
          rest[i]! += change;
        }
        const packer = new CompressedPacker(kind, (numbers, start) => {
          const values = integers.of(numbers, start);
          integers.takeFrom(rest, values, start);
          for (const [i, q] of values.entries()) got[start + i]! += (q * 100) / (weight * 2 ** 30);
        });
        packer.push(rest.slice());
        packer.end();
      }
      for (let i = 0; i < count; i++) {
        expect(got[i]! + rest[i]!, kind).to.be.closeTo(wanted[i]!, 1e-8);
        // Half a step of the largest number of a block, 0.001 and what was left before: 0.001 / 254 and a bit.
        expect(Math.abs(rest[i]!), kind).to.be.below(1e-5);
      }
    }
  });
});

describe('bytes that are no compressed update', () => {
  it('are refused where they are too few or too many, whatever the pieces', () => {
    for (const kind of kinds) {
      const { bytes } = packed(kind, new Float32Array(9_000).fill(0.5));
      for (const wrong of [bytes.slice(0, -1), Uint8Array.of(...bytes, 0), bytes.slice(0, 0)]) {
        for (const piece of [1, 4_000, 100_000]) {
          expect(() => unpacked(kind, wrong, 9_000, piece), `${kind} ${piece}`).to.throw(
            WeightsError,
          );
        }
      }
    }
  });

  it('are refused for a scale that is none, a level that none has, and a number that is none', () => {
    const scale = (value: number): Uint8Array => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat32(0, value, true);
      return bytes;
    };
    for (const value of [NaN, Infinity, -1, -0]) {
      expect(() => unpacked('int8', scale(value), 4), String(value)).to.throw(
        WeightsError,
        /scale/,
      );
    }
    const lowest = scale(1);
    lowest[4] = 0x80;
    expect(() => unpacked('int8', lowest, 4)).to.throw(WeightsError, /127/);
    const pastZero = scale(0);
    pastZero[4] = 1;
    expect(() => unpacked('int8', pastZero, 4)).to.throw(WeightsError, /0 where the scale is/);
    expect(() => unpacked('bf16', Uint8Array.of(0x80, 0x7f), 1)).to.throw(WeightsError, /finite/);
  });

  it('are read or refused, and never break: bytes of chance', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.uint8Array({ maxLength: 2_000 }),
        fc.integer({ min: 0, max: 1_000 }),
        (kind, bytes, count) => {
          try {
            const numbers = unpacked(kind, bytes, count, 97);
            expect(numbers.every(Number.isFinite)).to.equal(true);
            expect(bytes.byteLength).to.equal(compressedBytes(kind, count));
          } catch (error) {
            expect(error).to.be.instanceOf(WeightsError);
          }
        },
      ),
    );
  });

  it('are refused for a number beyond the clamp, and for one of a head that was not trained', () => {
    const segments = [
      { head: null, start: 0, end: 1 },
      { head: 'ms', start: 1, end: 2 },
    ];
    for (const kind of kinds) {
      const integers = new CompressedIntegers(
        segments,
        { weight: 1, heads: { ms: 0 } },
        rule,
        kind,
      );
      const max = compressedMax(kind, rule.clamp);
      expect([...integers.of(Float64Array.of(max, 0), 0)]).to.deep.equal([
        Math.floor(2 ** 30 / 100 + 0.5),
        0,
      ]);
      const beyond = Float64Array.of(max * (1 + 2 ** -20), 0);
      expect(() => integers.of(beyond, 0)).to.throw(WeightsError, /within/);
      expect(() => integers.of(Float64Array.of(0, 2 ** -20), 0)).to.throw(WeightsError, /at 1/);
      expect(() => integers.of(Float64Array.of(NaN, 0), 0)).to.throw(WeightsError);
    }
  });

  it('are not made of numbers that are not finite', () => {
    const packer = new CompressedPacker('int8', () => undefined);
    packer.push(Float32Array.of(1, NaN));
    expect(() => packer.end()).to.throw(WeightsError, /finite/);
  });
});
