/** Files of a round, read and written in pieces: ciphertexts of updates, and models. */
import { AnnulusError, type Digest, type Store } from '../../base/index.ts';
import { BulkDecryption, CryptoError } from '../../crypto/index.ts';
import {
  elementCount,
  fileOrder,
  IntegerUnpacker,
  ModelWriter,
  pieceValues,
  WeightsError,
  type ModelLayout,
  type WrittenModel,
} from '../../weights/index.ts';
import type { UpdateWeights } from '../average/head-weights.ts';
import type { ValueRange } from '../average/round-sum.ts';
import { fileDigest, filePieces } from '../content/file-pieces.ts';

/** A ciphertext of an update: which it must be, and what it is under. */
export interface UpdateFile {
  readonly ciphertext: string;
  readonly digest: Digest;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** What the ciphertext is bound to (`updateContext`). */
  readonly context: Uint8Array;
  readonly weights: UpdateWeights;
  /** The values that it holds; all of the model's where absent. */
  readonly range?: ValueRange;
}

/** Decrypts and unpacks a ciphertext, handing its values on in order. */
export async function eachValue(
  store: Store,
  { ciphertext, key, context }: Pick<UpdateFile, 'ciphertext' | 'key' | 'context'>,
  count: number,
  take: (values: Int32Array, start: number) => void,
): Promise<void> {
  const unpacker = new IntegerUnpacker(count, take);
  const decryption = new BulkDecryption(key, context, (plaintext) => {
    unpacker.push(plaintext);
  });
  for await (const piece of filePieces(store, ciphertext)) decryption.push(piece);
  decryption.end();
  unpacker.end();
}

/** Writes a model whose numbers `make` gives: count of them from `start` on of the tensor at a place of the layout. */
export async function writeTensors(
  store: Store,
  into: string,
  layout: ModelLayout,
  make: (tensor: number, start: number, count: number) => Promise<Float32Array>,
): Promise<WrittenModel> {
  const writer = await ModelWriter.create(store, into, layout);
  try {
    for (const tensor of fileOrder(layout)) {
      for (const [at, count] of piecesOf(elementCount(layout[tensor]?.shape ?? []))) {
        await writer.write(await make(tensor, at, count));
      }
    }
    return await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Whether the file is the one that its digest names. */
export async function isSound(
  store: Store,
  { ciphertext, digest }: Pick<UpdateFile, 'ciphertext' | 'digest'>,
): Promise<boolean> {
  return (await fileDigest(store, ciphertext)) === digest;
}

/** Where the numbers of each tensor begin in the flat vector. */
export function firstValues(layout: ModelLayout): number[] {
  let next = 0;
  return layout.map(({ shape }) => {
    const first = next;
    next += elementCount(shape);
    return first;
  });
}

/** Stretches of at most a piece, of so many values. */
export function* piecesOf(
  count: number,
): Generator<[start: number, count: number], void, undefined> {
  for (let at = 0; at < count; at += pieceValues) yield [at, Math.min(pieceValues, count - at)];
}

/** Whether an error says that bytes are not an update: its author is at fault, or the disk. */
export function isRefusal(error: unknown): error is AnnulusError {
  return error instanceof WeightsError || error instanceof CryptoError;
}
