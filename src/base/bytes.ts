/** Small byte verbs used everywhere. Hex is lower case, base64 is standard with padding. */

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Short texts are encoded here and copied out, which is four times as fast as a new array for each. */
const encoded = new Uint8Array(1024);

/** The bytes of a text. A lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  // No UTF-16 unit becomes more than three bytes.
  if (text.length * 3 > encoded.byteLength) return encoder.encode(text);
  return encoded.slice(0, encoder.encodeInto(text, encoded).written);
}

/** The text that `bytes` are. @throws {TypeError} on bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes);
}

/** Two lower-case digits for each byte. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The bytes that `hex` wrote; `null` unless `text` is an even number of lower-case hex digits. */
export function fromHex(text: string): Uint8Array | null {
  return /^(?:[0-9a-f]{2})*$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : null;
}

/** RFC 4648, with padding. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The bytes that `base64` wrote; `null` unless `text` is exactly what `base64` would write: one text for one byte string. */
export function fromBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : null;
}

/** One array of all bytes of `parts`, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.byteLength;
  }
  return out;
}

/** Whether both hold the same bytes. Not constant-time: for public bytes only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}
