/**
 * Bulk encryption: Cobblestone-256 of c2sp.org/chunked-encryption. Salt (24) || commitment (32) || chunks of
 * 16 KiB under AES-256-GCM, the last one always shorter, so that truncation shows. Key, nonce and
 * commitment come from HKDF-Expand-SHA-512 over key, salt and context. docs/specs/update-envelope.md
 *
 * Both ways in pieces of any sizes: what is encrypted is as large as a model and never lies in memory whole.
 */
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';

import { concatBytes, invariant, utf8 } from '../base/index.ts';
import { CryptoError } from './errors.ts';
import { hkdfExpandSha512 } from './hkdf.ts';

/** Size of the random salt of one message. */
export const bulkSaltBytes = 24;
const commitmentBytes = 32;
/** Bytes of a ciphertext that say which key it is under: `isBulkKey` needs no more. */
export const bulkHeaderBytes: number = bulkSaltBytes + commitmentBytes;
const nonceBytes = 12;
/** Size of a key, which is for one message. */
export const bulkKeyBytes = 32;
const tagBytes = 16;
const chunkBytes = 16 * 1024;
const fullChunkBytes = chunkBytes + tagBytes;
const algorithm = 'aes-256-gcm';
const infoPrefix = utf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0');

/** Whether key and context are those that `ciphertext`, or its first bytes, commits to: none commits to two. */
export function isBulkKey(key: Uint8Array, context: Uint8Array, ciphertext: Uint8Array): boolean {
  if (key.byteLength !== bulkKeyBytes || ciphertext.byteLength < bulkHeaderBytes) return false;
  const { commitment } = deriveKeys(key, ciphertext.subarray(0, bulkSaltBytes), context);
  return timingSafeEqual(commitment, ciphertext.subarray(bulkSaltBytes, bulkHeaderBytes));
}

/** Encrypts under a uniformly random 32-byte `key`. The reader must give the same `context`. Single use. */
export class BulkEncryption {
  readonly #keys: MessageKeys;
  readonly #chunks = new Chunks(chunkBytes);
  #header: Uint8Array | null;
  #index = 0;

  /** `salt` is random; only known-answer tests set it. */
  constructor(key: Uint8Array, context: Uint8Array, salt: Uint8Array = randomBytes(bulkSaltBytes)) {
    this.#keys = deriveKeys(key, salt, context);
    this.#header = concatBytes(salt, this.#keys.commitment);
  }

  /** The ciphertext that `plaintext` completes. */
  push(plaintext: Uint8Array): Uint8Array {
    const out = [...this.#takeHeader()];
    this.#chunks.push(plaintext, (chunk) => {
      out.push(...this.#encrypt(chunk));
    });
    return concatBytes(...out);
  }

  /** The rest of the ciphertext. */
  end(): Uint8Array {
    // The last chunk is shorter than the others, and empty when the size is a multiple.
    return concatBytes(...this.#takeHeader(), ...this.#encrypt(this.#chunks.rest()));
  }

  #takeHeader(): Uint8Array[] {
    const header = this.#header;
    this.#header = null;
    return header === null ? [] : [header];
  }

  #encrypt(chunk: Uint8Array): [Uint8Array, Uint8Array] {
    const cipher = createCipheriv(algorithm, this.#keys.key, nonceOf(this.#keys, this.#index++));
    const encrypted = cipher.update(chunk);
    cipher.final();
    return [encrypted, cipher.getAuthTag()];
  }
}

/**
 * Gives the plaintext back if key and context are those of the writer and nothing was changed, cut or added. Single use.
 * Every method throws {CryptoError} 'bad_ciphertext'; what was taken before that is worth nothing, for a cut shows only at
 * the end.
 */
export class BulkDecryption {
  readonly #key: Uint8Array;
  readonly #context: Uint8Array;
  readonly #take: (plaintext: Uint8Array) => void;
  readonly #header = new Chunks(bulkHeaderBytes);
  readonly #chunks = new Chunks(fullChunkBytes);
  #keys: MessageKeys | null = null;
  #index = 0;

  /** @param take gets each chunk's plaintext, once its tag held; it may be used again afterwards */
  constructor(key: Uint8Array, context: Uint8Array, take: (plaintext: Uint8Array) => void) {
    this.#key = key;
    this.#context = context;
    this.#take = take;
  }

  /** Opens the chunks that `ciphertext` completes. The commitment is checked before the first. */
  push(ciphertext: Uint8Array): void {
    let body = ciphertext;
    if (this.#keys === null) {
      const missing = bulkHeaderBytes - this.#header.heldBytes;
      this.#header.push(ciphertext.subarray(0, missing), (header) => {
        this.#keys = committedKeys(this.#key, this.#context, header);
      });
      body = ciphertext.subarray(missing);
    }
    this.#chunks.push(body, (chunk) => {
      this.#decrypt(chunk);
    });
  }

  /** Opens the last chunk, which is shorter than the others: without it something is missing. */
  end(): void {
    const last = this.#chunks.rest();
    if (this.#keys === null || last.byteLength < tagBytes) throw badCiphertext();
    this.#decrypt(last);
  }

  #decrypt(chunk: Uint8Array): void {
    invariant(this.#keys !== null, 'the header comes first');
    const size = chunk.byteLength - tagBytes;
    const nonce = nonceOf(this.#keys, this.#index++);
    const decipher = createDecipheriv(algorithm, this.#keys.key, nonce);
    decipher.setAuthTag(chunk.subarray(size));
    const plaintext = decipher.update(chunk.subarray(0, size));
    try {
      decipher.final();
    } catch (cause) {
      throw badCiphertext(cause);
    }
    this.#take(plaintext);
  }
}

/** Bytes that come in pieces of any sizes, handed on in chunks of one size. */
class Chunks {
  readonly #size: number;
  /** Grows to what it has to hold: a header, or a short message, is much less than a chunk. */
  #held = new Uint8Array(0);
  #heldBytes = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** @param take gets each chunk that is whole: a view that may change afterwards */
  push(piece: Uint8Array, take: (chunk: Uint8Array) => void): void {
    let at = 0;
    if (this.#heldBytes > 0) {
      at = Math.min(this.#size - this.#heldBytes, piece.byteLength);
      this.#hold(piece.subarray(0, at));
      if (this.#heldBytes < this.#size) return;
      this.#heldBytes = 0;
      take(this.#held);
    }
    for (; at + this.#size <= piece.byteLength; at += this.#size) {
      take(piece.subarray(at, at + this.#size));
    }
    this.#hold(piece.subarray(at));
  }

  #hold(part: Uint8Array): void {
    const bytes = this.#heldBytes + part.byteLength;
    if (bytes > this.#held.byteLength) {
      const grown = new Uint8Array(Math.min(this.#size, 2 * bytes));
      grown.set(this.#held);
      this.#held = grown;
    }
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes = bytes;
  }

  /** What is left over, less than a chunk. */
  rest(): Uint8Array {
    return this.#held.subarray(0, this.#heldBytes);
  }
}

interface MessageKeys {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly commitment: Uint8Array;
}

/** @throws {CryptoError} 'bad_ciphertext' unless the header commits to key and context */
function committedKeys(key: Uint8Array, context: Uint8Array, header: Uint8Array): MessageKeys {
  const keys = deriveKeys(key, header.subarray(0, bulkSaltBytes), context);
  if (!timingSafeEqual(keys.commitment, header.subarray(bulkSaltBytes))) throw badCiphertext();
  return keys;
}

function deriveKeys(key: Uint8Array, salt: Uint8Array, context: Uint8Array): MessageKeys {
  invariant(key.byteLength === bulkKeyBytes, 'a bulk key has 32 bytes');
  invariant(salt.byteLength === bulkSaltBytes, 'a salt has 24 bytes');
  const info = concatBytes(infoPrefix, salt, context);
  const bytes = hkdfExpandSha512(key, info, bulkKeyBytes + nonceBytes + commitmentBytes);
  return {
    key: bytes.subarray(0, bulkKeyBytes),
    baseNonce: bytes.subarray(bulkKeyBytes, bulkKeyBytes + nonceBytes),
    commitment: bytes.subarray(bulkKeyBytes + nonceBytes),
  };
}

/** The base nonce XOR the chunk's number as a big-endian integer. */
function nonceOf({ baseNonce }: MessageKeys, index: number): Uint8Array {
  const nonce = baseNonce.slice();
  const view = new DataView(nonce.buffer);
  // Chunk numbers stay below 2^32: a plaintext is smaller than 2^46 bytes.
  view.setUint32(nonceBytes - 4, (view.getUint32(nonceBytes - 4) ^ index) >>> 0);
  return nonce;
}

function badCiphertext(cause?: unknown): CryptoError {
  return new CryptoError(
    { code: 'bad_ciphertext' },
    'expected bytes encrypted under this key and context',
    { cause },
  );
}
