/** Files of a round, read and written in pieces: ciphertexts of updates, and models. */
import { AnnulusError, type Digest, type Store } from '../../base/index.ts';
import { BulkDecryption, bulkHeaderBytes, CryptoError } from '../../crypto/index.ts';
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
import type { AveragingRule } from '../average/averaging-rule.ts';
import {
  compressedBytes,
  CompressedIntegers,
  CompressedUnpacker,
} from '../average/compressed-values.ts';
import { segmentsOf, type Segment, type UpdateWeights } from '../average/head-weights.ts';
import type { ValueRange } from '../average/round-sum.ts';
import { fileDigest, filePieces } from '../content/file-pieces.ts';

/** Plaintext of a chunk of a ciphertext. docs/specs/update-envelope.md, 4 */
const chunkBytes = 16_384;

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

/** What is needed to read the integers of a round's updates. */
export interface UpdateForm {
  readonly segments: readonly Segment[];
  readonly rule: AveragingRule;
}

/** The form of the updates of a model under a rule. */
export function formOf({
  layout,
  rule,
}: {
  readonly layout: ModelLayout;
  readonly rule: AveragingRule;
}): UpdateForm {
  return { segments: segmentsOf(layout), rule };
}

/** The places in the flat vector of an update's values. */
export function rangeOf(
  { range }: Pick<UpdateFile, 'range'>,
  { segments }: UpdateForm,
): ValueRange {
  return range ?? { start: 0, end: segments.at(-1)?.end ?? 0 };
}

/** What turns the plaintext of an update into its integers, in pieces of any sizes. */
export interface Unpacker {
  push(plaintext: Uint8Array): void;
  end(): void;
}

/** Reads plaintext of an update. @param take gets the integers; the first stands at the start of its range */
export function unpackerOf(
  update: Pick<UpdateFile, 'range' | 'weights'>,
  form: UpdateForm,
  take: (values: Int32Array, start: number) => void,
): Unpacker {
  const { segments, rule } = form;
  const { start: first, end } = rangeOf(update, form);
  if (rule.compression === undefined) return new IntegerUnpacker(end - first, take);
  const integers = new CompressedIntegers(segments, update.weights, rule, rule.compression);
  return new CompressedUnpacker(rule.compression, end - first, (numbers, start) => {
    take(integers.of(numbers, first + start), start);
  });
}

/** Decrypts and unpacks a ciphertext, handing its integers on in order. */
export async function eachValue(
  store: Store,
  update: Omit<UpdateFile, 'digest'>,
  form: UpdateForm,
  take: (values: Int32Array, start: number) => void,
): Promise<void> {
  const unpacker = unpackerOf(update, form, take);
  const decryption = new BulkDecryption(update.key, update.context, (plaintext) => {
    unpacker.push(plaintext);
  });
  for await (const piece of filePieces(store, update.ciphertext)) decryption.push(piece);
  decryption.end();
  unpacker.end();
}

/** Size of a ciphertext of so many bytes. */
export function ciphertextBytes(plaintextBytes: number): number {
  return bulkHeaderBytes + plaintextBytes + 16 * (Math.floor(plaintextBytes / chunkBytes) + 1);
}

/** Size of the ciphertext of so many values under a rule; null where it depends on the values. */
export function updateBytesOf({ compression }: AveragingRule, count: number): number | null {
  return compression === undefined ? null : ciphertextBytes(compressedBytes(compression, count));
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
