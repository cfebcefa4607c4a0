/**
 * Canonical JSON: RFC 8785 restricted to safe integers. One value has one byte string, so a digest of the
 * bytes is a digest of the value. Decimals travel as strings or as integers with a unit (`…Micro`).
 */
import { fromUtf8, invariant, utf8 } from '../base/index.ts';
import { malformed, WireError } from './errors.ts';

/** What a document is made of. Numbers are safe integers. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Bounds that hold before a byte is parsed. */
export interface DecodeLimits {
  readonly maxBytes: number;
  /** Nesting of arrays and objects; 16 when absent. */
  readonly maxDepth?: number;
}

/** Nesting allowed where a caller says nothing. */
export const defaultMaxDepth = 16;

/** Names that reach a prototype in careless code; no document needs them. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const [quote, backslash] = [0x22, 0x5c] as const;

/**
 * The canonical bytes of `value`: keys in UTF-16 order, no spaces.
 * @throws {InvariantError} when `value` holds anything but `Json` (a fraction, `-0`, `undefined`, a lone
 * surrogate, a class instance): only our own code encodes.
 */
export function encodeCanonical(value: Json | object): Uint8Array {
  return utf8(write(value));
}

/**
 * Parses canonical bytes and nothing else: any other spelling of the same value, a repeated key and
 * trailing bytes are refused, because they do not encode back to the same bytes.
 * @throws {WireError} 'too_large' or 'malformed'
 */
export function decodeStrict(bytes: Uint8Array, limits: DecodeLimits): Json {
  if (bytes.byteLength > limits.maxBytes) {
    throw new WireError(
      { code: 'too_large', sizeBytes: bytes.byteLength, maxBytes: limits.maxBytes },
      `expected at most ${limits.maxBytes} bytes, got ${bytes.byteLength}`,
    );
  }
  checkDepth(bytes, limits.maxDepth ?? defaultMaxDepth);
  let text: string;
  let value: unknown;
  try {
    text = fromUtf8(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('$', 'JSON in UTF-8', cause);
  }
  checkParsed(value);
  if (!isCanonical(value, text)) throw malformed('$', 'the canonical form (RFC 8785)');
  return value;
}

/** One text has one UTF-8, so equal texts are equal bytes. With keys in order the engine's own writer writes the same, faster. */
function isCanonical(value: Json, text: string): boolean {
  return (isInOrder(value) && JSON.stringify(value) === text) || write(value) === text;
}

function isInOrder(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  let before = '';
  for (const [key, field] of Object.entries<Json>(value as Readonly<Record<string, Json>>)) {
    if (key < before || !isInOrder(field)) return false;
    before = key;
  }
  return true;
}

function write(value: unknown): string {
  if (typeof value === 'string') {
    invariant(isWellFormed(value), 'a text is well-formed Unicode');
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    invariant(isPlainInteger(value), 'a number is a safe integer');
    return String(value);
  }
  if (value === null || typeof value === 'boolean') return String(value);
  invariant(typeof value === 'object', 'only what JSON knows can be written');
  return Array.isArray(value) ? `[${value.map(write).join(',')}]` : writeObject(value);
}

function writeObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  invariant(
    prototype === Object.prototype || prototype === null,
    'a plain object is written, not an instance of a class',
  );
  const fields = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const key of sortedKeys(value)) {
    invariant(isWellFormed(key) && !forbiddenKeys.has(key), 'keys can be written');
    text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${write(fields[key])}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

/** By UTF-16 units, which is how `<` compares; what came in order stays as it is. */
function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  const isSorted = keys.every((key, at) => at === 0 || (keys[at - 1] ?? '') < key);
  return isSorted ? keys : keys.sort((a, b) => (a < b ? -1 : 1));
}

/** Counts brackets outside strings, so that no parser ever sees a document nested deeper. */
function checkDepth(bytes: Uint8Array, maxDepth: number): void {
  let depth = 0;
  for (let i = 0; i < bytes.byteLength; i++) {
    const byte = bytes[i];
    if (byte === quote) {
      i = endOfString(bytes, i);
    } else if (byte === 0x5b || byte === 0x7b) {
      depth++;
      if (depth > maxDepth) throw malformed('$', `at most ${maxDepth} levels of nesting`);
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
}

/** Where the string that begins at `start` ends: at a quote behind an even number of backslashes. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return bytes.byteLength;
}

/** Everything `encodeCanonical` would call a broken promise is here the sender's fault. */
function checkParsed(value: unknown): asserts value is Json {
  if (typeof value === 'number') {
    if (!isPlainInteger(value)) throw malformed('$', 'safe integers');
  } else if (typeof value === 'string') {
    if (!isWellFormed(value)) throw malformed('$', 'well-formed Unicode');
  } else if (Array.isArray(value)) {
    value.forEach((item) => {
      checkParsed(item);
    });
  } else if (typeof value === 'object' && value !== null) {
    const fields = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(value)) {
      if (forbiddenKeys.has(key) || !isWellFormed(key)) throw malformed('$', 'other keys');
      checkParsed(fields[key]);
    }
  }
}

function isPlainInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** No half of a surrogate pair alone: such text has no UTF-8. */
function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}
