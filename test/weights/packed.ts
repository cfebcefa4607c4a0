/** Packed integers in one piece, for tests of short lists. */
import { concatBytes } from '../../src/base/index.ts';
import { IntegerPacker, IntegerUnpacker } from '../../src/weights/index.ts';

export function packIntegers(values: Int32Array): Uint8Array {
  const packer = new IntegerPacker();
  return concatBytes(packer.push(values), packer.end());
}

/** @throws {WeightsError} 'malformed' */
export function unpackIntegers(bytes: Uint8Array, count: number): Int32Array {
  return unpackPieces([bytes], count);
}

/** As `unpackIntegers`, of bytes that come in these pieces. */
export function unpackPieces(pieces: readonly Uint8Array[], count: number): Int32Array {
  const values: number[] = [];
  const unpacker = new IntegerUnpacker(count, (some, start) => {
    if (start !== values.length) throw new Error(`${start} after ${values.length} values`);
    for (const value of some) values.push(value);
  });
  for (const piece of pieces) unpacker.push(piece);
  unpacker.end();
  return Int32Array.from(values);
}
