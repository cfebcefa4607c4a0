/** Bytes in memory, as a node serves them. */
import type { HeldBlob } from '../../src/wire/index.ts';

export function heldBlob(bytes: Uint8Array): HeldBlob {
  return {
    totalBytes: bytes.byteLength,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
  };
}
