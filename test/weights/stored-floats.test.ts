/** Numbers of other widths, bit by bit as IEEE 754 and bfloat16 define them. */
import { expect } from 'chai';

import { floatsOf, type StoredType } from '../../src/weights/index.ts';

function floats(dtype: StoredType, bytes: Uint8Array): number[] | null {
  const found = floatsOf({ name: 'a', dtype, shape: [], bytes });
  return found === null ? null : [...found];
}

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);

describe('stored numbers', () => {
  it('of 16 bits are half-precision floats', () => {
    // 1, -2, 65504 (the largest), 2^-14 (the smallest normal), 2^-24 (the smallest), 0.333251953125 (nearest 1/3)
    const bits = words(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555);
    expect(floats('F16', bits)).deep.equal([1, -2, 65504, 2 ** -14, 2 ** -24, 0.333251953125]);
    expect(floats('F16', words(0x7c00, 0xfc00, 0x7e00))).deep.equal([Infinity, -Infinity, NaN]);
  });

  it('or the upper half of a float32', () => {
    // 1, -2, 3.140625: 0x4049 of 0x40490fdb
    expect(floats('BF16', words(0x3f80, 0xc000, 0x4049))).deep.equal([1, -2, 3.140625]);
  });

  it('of 32 and 64 bits are float32, rounded', () => {
    const singles = Float32Array.of(0.1, -7);
    expect(floats('F32', new Uint8Array(singles.buffer))).deep.equal([...singles]);
    const doubles = Float64Array.of(0.1, 1e300);
    expect(floats('F64', new Uint8Array(doubles.buffer))).deep.equal([Math.fround(0.1), Infinity]);
  });

  it('may lie anywhere in a file', () => {
    const file = Uint8Array.of(9, 9, 9, 0x80, 0x3f, 0, 0).subarray(3, 5);
    expect(floats('BF16', file)).deep.equal([1]);
  });

  it('are none where there is no fraction, or too little of one', () => {
    for (const dtype of ['I64', 'I32', 'U8', 'BOOL', 'F8_E4M3', 'F8_E5M2'] as const) {
      expect(floats(dtype, new Uint8Array(8)), dtype).equal(null);
    }
  });
});
