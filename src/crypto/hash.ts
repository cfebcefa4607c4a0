/** SHA-256 (FIPS 180-4), the only hash of the project: the log's, the blobs' and the blocks'. */
import { createHash, createHmac, hash, type Hash } from 'node:crypto';

import { hex, type Digest } from '../base/index.ts';

/** SHA-256 of the concatenation of `parts`: 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  // One call is three times as fast as three, and most of what is hashed is short and in one piece.
  if (parts.length === 1 && only !== undefined)
    return new Uint8Array(hash('sha256', only, 'buffer'));
  const stream = createHash('sha256');
  for (const part of parts) stream.update(part);
  return new Uint8Array(stream.digest());
}

/** `sha256` as 64 lower-case hex digits. */
export function digestOf(...parts: readonly Uint8Array[]): Digest {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return hash('sha256', only, 'hex') as Digest;
  return hex(sha256(...parts)) as Digest;
}

/** HMAC-SHA-256 (RFC 2104) of `bytes` under `key`: 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(bytes).digest());
}

/** SHA-256 over bytes that arrive in pieces. Single use: ask for the digest once, last. */
export class HashStream {
  readonly #hash: Hash = createHash('sha256');
  #sizeBytes = 0;

  update(piece: Uint8Array): this {
    this.#hash.update(piece);
    this.#sizeBytes += piece.byteLength;
    return this;
  }

  /** How many bytes went in so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  digest(): Digest {
    return this.#hash.digest('hex') as Digest;
  }
}
