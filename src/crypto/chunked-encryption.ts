/**
 * Bulk encryption: Cobblestone-256 of c2sp.org/chunked-encryption. Salt (24) || commitment (32) || chunks of
 * 16 KiB under AES-256-GCM, the last one always shorter, so that truncation shows. Key, nonce and
 * commitment come from HKDF-Expand-SHA-512 over key, salt and context. docs/specs/update-envelope.md
 */
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';

import { concatBytes, invariant, utf8 } from '../base/index.ts';
import { CryptoError } from './errors.ts';
import { hkdfExpandSha512 } from './hkdf.ts';

/** Size of the random salt of one message. */
export const bulkSaltBytes = 24;
const commitmentBytes = 32;
const headerBytes = bulkSaltBytes + commitmentBytes;
const nonceBytes = 12;
/** Size of a key, which is for one message. */
export const bulkKeyBytes = 32;
const tagBytes = 16;
const chunkBytes = 16 * 1024;
const algorithm = 'aes-256-gcm';
const infoPrefix = utf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0');

/** Size of the ciphertext of `plaintextBytes` bytes. */
export function bulkCiphertextBytes(plaintextBytes: number): number {
  const chunkCount = Math.floor(plaintextBytes / chunkBytes) + 1;
  return headerBytes + plaintextBytes + chunkCount * tagBytes;
}

/**
 * Encrypts `plaintext` under a uniformly random 32-byte `key`. The reader must give the same `context`.
 * `salt` is random; only known-answer tests set it.
 */
export function encryptBulk(
  key: Uint8Array,
  context: Uint8Array,
  plaintext: Uint8Array,
  salt: Uint8Array = randomBytes(bulkSaltBytes),
): Uint8Array {
  const keys = deriveKeys(key, salt, context);
  const out = new Uint8Array(bulkCiphertextBytes(plaintext.byteLength));
  out.set(salt);
  out.set(keys.commitment, bulkSaltBytes);
  let offset = headerBytes;
  // The last chunk is shorter than the others, and empty when the size is a multiple.
  for (let index = 0, at = 0; at <= plaintext.byteLength; index++, at += chunkBytes) {
    const cipher = createCipheriv(algorithm, keys.key, nonceOf(keys.baseNonce, index));
    const chunk = cipher.update(plaintext.subarray(at, at + chunkBytes));
    cipher.final();
    out.set(chunk, offset);
    out.set(cipher.getAuthTag(), offset + chunk.byteLength);
    offset += chunk.byteLength + tagBytes;
  }
  return out;
}

/** Whether key and context are those that `ciphertext` commits to: no ciphertext commits to two. */
export function isBulkKey(key: Uint8Array, context: Uint8Array, ciphertext: Uint8Array): boolean {
  if (key.byteLength !== bulkKeyBytes || ciphertext.byteLength < headerBytes) return false;
  const { commitment } = deriveKeys(key, ciphertext.subarray(0, bulkSaltBytes), context);
  return timingSafeEqual(commitment, ciphertext.subarray(bulkSaltBytes, headerBytes));
}

/**
 * The plaintext, if key and context are those of the writer and nothing was changed, cut or added.
 * @throws {CryptoError} 'bad_ciphertext'
 */
export function decryptBulk(
  key: Uint8Array,
  context: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  const bodyBytes = ciphertext.byteLength - headerBytes;
  const fullChunkBytes = chunkBytes + tagBytes;
  // Also refuses a body that ends with a full chunk: its last chunk is missing.
  if (bodyBytes < tagBytes || bodyBytes % fullChunkBytes < tagBytes) throw badCiphertext();
  const keys = deriveKeys(key, ciphertext.subarray(0, bulkSaltBytes), context);
  if (!timingSafeEqual(keys.commitment, ciphertext.subarray(bulkSaltBytes, headerBytes))) {
    throw badCiphertext();
  }
  const chunkCount = Math.floor(bodyBytes / fullChunkBytes) + 1;
  const out = new Uint8Array(bodyBytes - chunkCount * tagBytes);
  for (let index = 0; index < chunkCount; index++) {
    const begin = headerBytes + index * fullChunkBytes;
    const chunk = ciphertext.subarray(begin, begin + fullChunkBytes);
    const size = chunk.byteLength - tagBytes;
    const decipher = createDecipheriv(algorithm, keys.key, nonceOf(keys.baseNonce, index));
    decipher.setAuthTag(chunk.subarray(size));
    out.set(decipher.update(chunk.subarray(0, size)), index * chunkBytes);
    try {
      decipher.final();
    } catch (cause) {
      throw badCiphertext(cause);
    }
  }
  return out;
}

interface MessageKeys {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly commitment: Uint8Array;
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
function nonceOf(baseNonce: Uint8Array, index: number): Uint8Array {
  const nonce = baseNonce.slice();
  const view = new DataView(nonce.buffer);
  // Chunk numbers stay below 2^32: a plaintext fits in memory.
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
