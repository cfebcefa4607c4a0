/** HKDF (RFC 5869): keys from secrets. */
import { createHmac, hkdfSync } from 'node:crypto';

import { concatBytes, invariant } from '../base/index.ts';

/** HKDF-SHA-256, extract and expand: `length` bytes (at most 8160) bound to `salt` and `info`. */
export function hkdf(
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, length));
}

/** The expand step alone, with SHA-512, for a secret that is already uniformly random. */
export function hkdfExpandSha512(secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  invariant(length <= 255 * 64, 'HKDF gives at most 255 blocks');
  const blocks: Uint8Array[] = [];
  let block = new Uint8Array(0);
  for (let counter = 1; blocks.length * 64 < length; counter++) {
    const mac = createHmac('sha512', secret)
      .update(block)
      .update(info)
      .update(Uint8Array.of(counter));
    block = new Uint8Array(mac.digest());
    blocks.push(block);
  }
  return concatBytes(...blocks).subarray(0, length);
}
