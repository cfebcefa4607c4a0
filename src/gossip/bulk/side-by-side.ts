/** The values of several updates at the same parameters, out of their ciphertexts, a stretch at a time. */
import type { Store } from '../../base/index.ts';
import { BulkDecryption } from '../../crypto/index.ts';
import { filePieces } from '../content/file-pieces.ts';
import {
  rangeOf,
  unpackerOf,
  type Unpacker,
  type UpdateFile,
  type UpdateForm,
} from './update-file.ts';

/** Parameters of a stretch. */
const stretchValues = 8192;
/** An update of zeros alone unpacks to 64 values a byte: so many bytes are held of each update at a time, at most 4 MiB unpacked. */
const pieceBytes = 16 * 1024;

/** An update that is read. */
type Sealed = Omit<UpdateFile, 'digest'>;

/**
 * Hands on the values of each update, all of one range, in stretches of the same parameters; the arrays are used again.
 * @throws {WeightsError} and {CryptoError} when a file is no such update
 */
export async function eachTogether(
  store: Store,
  updates: readonly Sealed[],
  form: UpdateForm,
  take: (values: readonly Int32Array[]) => void,
): Promise<void> {
  const [first] = updates;
  const { start, end } = rangeOf(first ?? {}, form);
  const count = end - start;
  const streams = updates.map((one) => new ValueStream(store, one, form));
  for (let at = 0; at < count; at += stretchValues) {
    const values: Int32Array[] = [];
    for (const stream of streams) {
      values.push(await stream.next(Math.min(stretchValues, count - at)));
    }
    take(values);
  }
  for (const stream of streams) await stream.end();
}

/** The values of one update, asked for in turn. */
class ValueStream {
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>;
  readonly #decryption: BulkDecryption;
  readonly #unpacker: Unpacker;
  #held: Int32Array = new Int32Array(2 * stretchValues);
  #from = 0;
  #to = 0;
  #isOver = false;

  constructor(store: Store, update: Sealed, form: UpdateForm) {
    const { ciphertext, key, context } = update;
    this.#pieces = filePieces(store, ciphertext, pieceBytes);
    this.#unpacker = unpackerOf(update, form, (values) => {
      this.#hold(values);
    });
    this.#decryption = new BulkDecryption(key, context, (plaintext) => {
      this.#unpacker.push(plaintext);
    });
  }

  /** So many values more, until the next call. There are as many, or the unpacker throws. */
  async next(count: number): Promise<Int32Array> {
    while (this.#to - this.#from < count) await this.#readOn();
    this.#from += count;
    return this.#held.subarray(this.#from - count, this.#from);
  }

  /** Nothing must come after the last value. */
  async end(): Promise<void> {
    while (!this.#isOver) await this.#readOn();
  }

  async #readOn(): Promise<void> {
    const piece = await this.#pieces.next();
    if (piece.done !== true) {
      this.#decryption.push(piece.value);
      return;
    }
    this.#isOver = true;
    this.#decryption.end();
    this.#unpacker.end();
  }

  #hold(values: Int32Array): void {
    const left = this.#to - this.#from;
    if (this.#to + values.length > this.#held.length) {
      const size = Math.max(this.#held.length, 2 * (left + values.length));
      const room = size > this.#held.length ? new Int32Array(size) : this.#held;
      room.set(this.#held.subarray(this.#from, this.#to));
      this.#held = room;
      [this.#from, this.#to] = [0, left];
    }
    this.#held.set(values, this.#to);
    this.#to += values.length;
  }
}
