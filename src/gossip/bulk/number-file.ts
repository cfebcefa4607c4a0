/** Files of a store with one float32 number for each parameter, little-endian: states of a mixing, residuals. */
import type { Store } from '../../base/index.ts';
import { pieceValues, WeightsError } from '../../weights/index.ts';
import { filePieces } from '../content/file-pieces.ts';

/** Bytes of a number. */
export const numberBytes = 4;

/** Writes the file. */
export async function writeNumbers(
  store: Pick<Store, 'create'>,
  into: string,
  values: Float32Array,
): Promise<void> {
  const writer = await store.create(into);
  try {
    for (let at = 0; at < values.length; at += pieceValues) {
      const piece = values.subarray(at, at + pieceValues);
      await writer.write(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    }
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/**
 * The whole file; null when there is none.
 * @throws {WeightsError} 'shape_mismatch' unless it has `count` numbers
 */
export async function readNumbers(
  store: Store,
  name: string,
  count: number,
): Promise<Float32Array | null> {
  const size = await store.size(name);
  if (size === null) return null;
  if (size !== numberBytes * count) throw wrongCount(name, count);
  const out = new Float32Array(count);
  let at = 0;
  for await (const bytes of filePieces(store, name)) {
    const values = numbersIn(bytes);
    out.set(values, at);
    at += values.length;
  }
  return out;
}

/** The numbers of a piece. A store may give a view at an odd place of a larger buffer. */
export function numbersIn(bytes: Uint8Array): Float32Array {
  const count = Math.floor(bytes.byteLength / numberBytes);
  return bytes.byteOffset % numberBytes === 0
    ? new Float32Array(bytes.buffer, bytes.byteOffset, count)
    : new Float32Array(bytes.slice().buffer, 0, count);
}

/** What is thrown for a file of another length. */
export function wrongCount(name: string, count: number): WeightsError {
  const expected = `${count} numbers, one for each parameter`;
  return new WeightsError({ code: 'shape_mismatch', expected }, `${name}: expected ${expected}`);
}
