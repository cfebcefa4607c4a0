import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../src/base/index.ts';
import { readVector } from '../wire/fixtures.ts';
import { concatBytes } from '../../src/base/index.ts';
import { IntegerPacker, WeightsError } from '../../src/weights/index.ts';
import { packIntegers, unpackIntegers, unpackPieces } from './packed.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('packed integers', () => {
  // By hand: 0, -1, 1, -2, 2 are 0, 1, 2, 3, 4; bits from the lowest up.
  const known: readonly (readonly [readonly number[], string])[] = [
    [[], ''],
    [[0], '00'],
    [[0, 0, 0], '00'],
    // 1 → 2, -2 → 3, 3 → 6: three bits each, 2 + 3·8 + 6·64 = 410 = 0x19a.
    [[1, -2, 3], '039a01'],
    // -1 → 1: one bit.
    [[-1], '0101'],
    // 300000 → 600000: 20 bits, 0x927c0; 1 → 2 and -2 → 3 before it: 2 + 3·2^20 + 600000·2^40.
    [[1, -2, 300000], '140200300000c02709'],
    [[-(2 ** 31)], '20ffffffff'],
    [[2 ** 31 - 1], '20feffffff'],
    // A block ends after 64: the 65th begins another.
    [[...Array<number>(64).fill(0), -1], '000101'],
  ];
  for (const [values, bytes] of known) {
    it(`writes ${values.length > 9 ? `${values.length} values` : `[${values.join()}]`} as worked out by hand`, () => {
      expect(hex(packIntegers(Int32Array.from(values)))).to.equal(bytes);
      const read = unpackIntegers(Buffer.from(bytes, 'hex'), values.length);
      expect([...read]).to.deep.equal(values);
    });
  }

  it('writes and reads as another implementation does', () => {
    const vector = readVector('packed.json');
    const values = Int32Array.from(vector.values!.split(' ').map(Number));
    expect(values.length).to.equal(161);
    expect(hex(packIntegers(values))).to.equal(vector.packed);
    expect(unpackIntegers(Buffer.from(vector.packed!, 'hex'), 161)).to.deep.equal(values);
    const update = Buffer.from(readVector('update.json').plaintext!, 'hex');
    expect([...unpackIntegers(update, 3)]).to.deep.equal([1, -2, 300_000]);
  });

  it('gives back what it was given, whatever the widths', () => {
    const anyWidth = fc
      .tuple(int32, fc.integer({ min: 0, max: 31 }))
      .map(([value, by]) => value >> by);
    fc.assert(
      fc.property(fc.array(anyWidth, { maxLength: 300 }), (list) => {
        const values = Int32Array.from(list);
        expect(unpackIntegers(packIntegers(values), values.length)).to.deep.equal(values);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('reads nothing but what it writes: other bytes are refused or are another list', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.integer({ min: 0, max: 140 }),
        (bytes, n) => {
          const read = codeOf(() => unpackIntegers(bytes, n));
          if (read instanceof Int32Array) expect(packIntegers(read)).to.deep.equal(bytes);
          else expect(read).to.equal('malformed');
        },
      ),
      { numRuns: 3000, seed: 2 },
    );
  });

  const wrong: readonly (readonly [string, string, number])[] = [
    ['too few bytes', '039a', 3],
    ['a byte too many', '039a0100', 3],
    ['no byte for a block', '', 1],
    ['a width of 33', '21ffffffff01', 1],
    ['a wider width than it needs', '0302', 1],
    ['a bit behind the last', '0103', 1],
    ['fewer values', '039a01', 2],
    ['more values', '039a01', 6],
  ];
  for (const [name, bytes, count] of wrong) {
    it(`refuses ${name}`, () => {
      expect(codeOf(() => unpackIntegers(Buffer.from(bytes, 'hex'), count))).to.equal('malformed');
    });
  }

  it('writes and reads the same in pieces of any sizes', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 12 });
    const anyWidth = fc
      .tuple(int32, fc.integer({ min: 0, max: 31 }))
      .map(([value, by]) => value >> by);
    fc.assert(
      fc.property(fc.array(anyWidth, { maxLength: 600 }), sizes, (list, cuts) => {
        const values = Int32Array.from(list);
        const packer = new IntegerPacker();
        const packed = inPieces(values, cuts).map((piece) => packer.push(piece));
        const whole = concatBytes(...packed, packer.end());
        expect(whole).to.deep.equal(packIntegers(values));
        expect(unpackPieces(inPieces(whole, cuts), values.length)).to.deep.equal(values);
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  it('hands on more than it holds: long runs of zeros, and a block over three pieces', () => {
    const values = new Int32Array(20_000);
    values[19_999] = -5;
    const bytes = packIntegers(values);
    expect(bytes.byteLength).to.equal(313 + 16); // 312 blocks of 64 and one of 32 values of 4 bits
    expect(unpackIntegers(bytes, 20_000)).to.deep.equal(values);
    const [a, b, c] = [bytes.subarray(0, 314), bytes.subarray(314, 320), bytes.subarray(320)];
    expect(unpackPieces([a, b, c], 20_000)).to.deep.equal(values);
  });

  it('notices every cut and every flipped bit, or reads another list', () => {
    const values = Int32Array.from({ length: 100 }, (_, i) => (i * 7919) % 1000);
    const bytes = packIntegers(values);
    for (let size = 0; size < bytes.byteLength; size++) {
      const cut = codeOf(() => unpackIntegers(bytes.subarray(0, size), 100));
      expect(cut, `cut at ${size}`).to.equal('malformed');
    }
    for (let bit = 0; bit < 8 * bytes.byteLength; bit++) {
      const bent = bytes.slice();
      bent[bit >> 3]! ^= 1 << (bit & 7);
      const read = codeOf(() => unpackIntegers(bent, 100));
      if (read instanceof Int32Array) expect(packIntegers(read), `bit ${bit}`).to.deep.equal(bent);
      else expect(read).to.equal('malformed');
    }
  });

  it('takes no memory for a model that the bytes cannot fill', () => {
    const act = (): Int32Array => unpackIntegers(new Uint8Array(1000), 2 ** 40);
    expect(codeOf(act)).to.equal('malformed');
  });

  it('needs little more than the entropy of normal numbers', () => {
    const random = seededRandom('normal');
    const sigma = 1000;
    const values = Int32Array.from({ length: 64_000 }, () => {
      const [u, v] = [1 - random.uniform(), random.uniform()];
      return Math.round(sigma * Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v));
    });
    // Entropy log2(σ·√(2πe)) = 12.01 bits; int32 takes 32.
    const bits = (8 * packIntegers(values).byteLength) / values.length;
    expect(bits).to.be.within(12.01, 13.3);
  });
});

/** `list` cut into pieces of these sizes, over and over; a size of 0 gives an empty one. */
function inPieces<T extends Int32Array | Uint8Array>(list: T, sizes: readonly number[]): T[] {
  const pieces: T[] = [];
  for (let at = 0, n = 0; at < list.length; n++) {
    const size = sizes[n % sizes.length]! + (n >= sizes.length ? 1 : 0);
    pieces.push(list.slice(at, at + size) as T);
    at += size;
  }
  return pieces;
}

function codeOf(act: () => Int32Array): Int32Array | string {
  try {
    return act();
  } catch (error) {
    if (error instanceof WeightsError) return error.code;
    throw error;
  }
}
