/**
 * Canonical JSON: RFC 8785 restricted to safe integers. One value has one byte string, so a digest of the
 * bytes is a digest of the value. Decimals travel as strings or as integers with a unit (`…Micro`).
 */
import { equalBytes, fromUtf8, invariant, utf8 } from '../base/index.ts';
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

/**
 * The canonical bytes of `value`: keys in UTF-16 order, no spaces.
 * @throws {InvariantError} when `value` holds anything but `Json` (a fraction, `-0`, `undefined`, a lone
 * surrogate, a class instance): only our own code encodes.
 */
export function encodeCanonical(value: Json | object): Uint8Array {
  return utf8(write(value, '$'));
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
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw malformed('$', 'JSON in UTF-8', cause);
  }
  checkParsed(value, '$');
  if (!equalBytes(encodeCanonical(value), bytes)) {
    throw malformed('$', 'the canonical form (RFC 8785)');
  }
  return value;
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    invariant(isWellFormed(value), `${path} is well-formed Unicode`);
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    invariant(isPlainInteger(value), `${path} is a safe integer`);
    return String(value);
  }
  invariant(typeof value === 'object', `${path} can be written as JSON`);
  if (Array.isArray(value)) {
    return `[${value.map((item, index) => write(item, `${path}[${index}]`)).join(',')}]`;
  }
  return writeObject(value, path);
}

function writeObject(value: object, path: string): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  invariant(
    prototype === Object.prototype || prototype === null,
    `${path} is a plain object, not an instance of a class`,
  );
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const texts = fields.map(([key, item]) => {
    invariant(isWellFormed(key) && !forbiddenKeys.has(key), `${path} has writable keys`);
    return `${JSON.stringify(key)}:${write(item, `${path}.${key}`)}`;
  });
  return `{${texts.join(',')}}`;
}

/** Counts brackets outside strings, so that no parser ever sees a document nested deeper. */
function checkDepth(bytes: Uint8Array, maxDepth: number): void {
  const [quote, backslash] = [0x22, 0x5c];
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.byteLength; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === 0x5b || byte === 0x7b) {
      depth++;
      if (depth > maxDepth) throw malformed('$', `at most ${maxDepth} levels of nesting`);
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
}

/** Everything `encodeCanonical` would call a broken promise is here the sender's fault. */
function checkParsed(value: unknown, path: string): asserts value is Json {
  if (typeof value === 'number') {
    if (!isPlainInteger(value)) throw malformed(path, 'a safe integer');
  } else if (typeof value === 'string') {
    if (!isWellFormed(value)) throw malformed(path, 'well-formed Unicode');
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      checkParsed(item, `${path}[${index}]`);
    });
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (forbiddenKeys.has(key) || !isWellFormed(key)) throw malformed(path, 'no such key');
      checkParsed(item, `${path}.*`);
    }
  }
}

function isPlainInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** No half of a surrogate pair alone: such text has no UTF-8. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
