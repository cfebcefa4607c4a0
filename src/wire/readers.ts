/**
 * Schema readers: small functions that take a parsed document and give a typed value or a `WireError`
 * naming the place. Unknown keys are refused, every text and list has a limit.
 */
import {
  fromBase64,
  parseDigest,
  parseHeight,
  parseNodeId,
  parseRoundNumber,
  type Digest,
  type Height,
  type NodeId,
  type RoundNumber,
} from '../base/index.ts';
import type { Json } from './canonical.ts';
import { malformed } from './errors.ts';

/** Reads one value. `path` says where it stands, for the error. @throws {WireError} 'malformed' */
export type Reader<T> = (value: unknown, path?: string) => T;

/** A key that may be absent. Made by `optional`. */
export interface OptionalField<T> {
  readonly optional: Reader<T>;
}

type Shape = Readonly<Record<string, Reader<unknown> | OptionalField<unknown>>>;
type RequiredKeys<S extends Shape> = {
  [K in keyof S]: S[K] extends Reader<unknown> ? K : never;
}[keyof S];
/** The type an object reader of shape `S` gives. */
export type ObjectOf<S extends Shape> = {
  readonly [K in RequiredKeys<S>]: S[K] extends Reader<infer T> ? T : never;
} & {
  readonly [K in Exclude<keyof S, RequiredKeys<S>>]?: S[K] extends OptionalField<infer T>
    ? T
    : never;
};

/** A key that may be absent (never `null`). */
export function optional<T>(reader: Reader<T>): OptionalField<T> {
  return { optional: reader };
}

/** An object with exactly these keys. */
export function obj<S extends Shape>(shape: S): Reader<ObjectOf<S>> {
  const fields = Object.entries(shape);
  return (value, path = '$') => {
    const source = asObject(value, path);
    for (const key of Object.keys(source)) {
      if (!Object.hasOwn(shape, key)) throw malformed(path, 'no unknown keys');
    }
    const out: Record<string, unknown> = {};
    for (const [key, field] of fields) {
      const present = Object.hasOwn(source, key);
      if (typeof field === 'function') {
        if (!present) throw malformed(`${path}.${key}`, 'a value');
        out[key] = field(source[key], `${path}.${key}`);
      } else if (present) {
        out[key] = field.optional(source[key], `${path}.${key}`);
      }
    }
    return out as ObjectOf<S>;
  };
}

/** An object used as a table: at most `max` keys, each matching `keyForm`. */
export function record<T>(
  keyForm: RegExp,
  item: Reader<T>,
  max: number,
): Reader<Readonly<Record<string, T>>> {
  return (value, path = '$') => {
    const entries = Object.entries(asObject(value, path));
    if (entries.length > max) throw malformed(path, `at most ${max} keys`);
    const out: Record<string, T> = {};
    for (const [key, field] of entries) {
      if (!keyForm.test(key)) throw malformed(path, `keys like ${String(keyForm)}`);
      out[key] = item(field, `${path}.${key}`);
    }
    return out;
  };
}

/** A list of at most `max` items. */
export function arr<T>(item: Reader<T>, max: number, min = 0): Reader<readonly T[]> {
  return (value, path = '$') => {
    if (!Array.isArray(value) || value.length > max || value.length < min) {
      throw malformed(path, `a list of ${min} to ${max} items`);
    }
    return value.map((entry, index) => item(entry, `${path}[${index}]`));
  };
}

/** A list of exactly two values. */
export function pair<A, B>(first: Reader<A>, second: Reader<B>): Reader<readonly [A, B]> {
  return (value, path = '$') => {
    if (!Array.isArray(value) || value.length !== 2) throw malformed(path, 'a list of 2 items');
    return [first(value[0], `${path}[0]`), second(value[1], `${path}[1]`)];
  };
}

/** A text of at most `max` UTF-16 units, matching `form` where given. */
export function str(max: number, form?: RegExp): Reader<string> {
  return (value, path = '$') => {
    if (typeof value !== 'string' || value.length > max) {
      throw malformed(path, `a text of at most ${max} characters`);
    }
    if (form !== undefined && !form.test(value))
      throw malformed(path, `a text like ${String(form)}`);
    return value;
  };
}

/** An integer from `min` to `max`, both included. */
export function int(min: number, max: number): Reader<number> {
  return (value, path = '$') => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
      throw malformed(path, `an integer from ${min} to ${max}`);
    }
    return value as number;
  };
}

/** `true` or `false`. */
export const bool: Reader<boolean> = (value, path = '$') => {
  if (typeof value !== 'boolean') throw malformed(path, 'true or false');
  return value;
};

/** One of the given texts or numbers. */
export function literal<const T extends readonly (string | number)[]>(
  ...allowed: T
): Reader<T[number]> {
  return (value, path = '$') => {
    const found = allowed.find((option) => option === value);
    if (found === undefined) throw malformed(path, `one of ${allowed.join(', ')}`);
    return found;
  };
}

/** Base64 as our encoder writes it, of `minBytes` to `maxBytes` bytes. Gives the text. */
export function b64(maxBytes: number, minBytes = 0): Reader<string> {
  return (value, path = '$') => {
    const expected = `base64 of ${minBytes} to ${maxBytes} bytes`;
    if (typeof value !== 'string' || value.length > Math.ceil(maxBytes / 3) * 4) {
      throw malformed(path, expected);
    }
    const size = fromBase64(value)?.byteLength ?? -1;
    if (size < minBytes || size > maxBytes) throw malformed(path, expected);
    return value;
  };
}

/** 64 lower-case hex digits. */
export const digest: Reader<Digest> = brandedReader(parseDigest, 'a SHA-256 in lower-case hex');
/** A member's name. */
export const nodeId: Reader<NodeId> = brandedReader(parseNodeId, "a member's name");
/** A round number. */
export const roundNumber: Reader<RoundNumber> = brandedReader(parseRoundNumber, 'a round number');
/** A block height. */
export const height: Reader<Height> = brandedReader(parseHeight, 'a block height');

/** Any document; its size and depth were bounded when it was parsed. */
export const json: Reader<Json> = (value) => value as Json;

/** Chooses the reader by the text under `key`. */
export function unionBy<T>(key: string, variants: Readonly<Record<string, Reader<T>>>): Reader<T> {
  return (value, path = '$') => {
    const tag = asObject(value, path)[key];
    const variant =
      typeof tag === 'string' && Object.hasOwn(variants, tag) ? variants[tag] : undefined;
    if (variant === undefined) {
      throw malformed(`${path}.${key}`, `one of ${Object.keys(variants).join(', ')}`);
    }
    return variant(value, path);
  };
}

/** `reader`, then a rule over the whole value. `rule` returns what was expected, or `null` when content. */
export function checked<T>(reader: Reader<T>, rule: (value: T) => string | null): Reader<T> {
  return (value, path = '$') => {
    const out = reader(value, path);
    const expected = rule(out);
    if (expected !== null) throw malformed(path, expected);
    return out;
  };
}

/** Whether `items` ascend strictly in UTF-16 order: sorted and without repetition. */
export function isAscending(items: readonly string[]): boolean {
  return items.every((item, index) => index === 0 || (items[index - 1] ?? '') < item);
}

function brandedReader<T>(parse: (value: unknown) => T | null, expected: string): Reader<T> {
  return (value, path = '$') => {
    const out = parse(value);
    if (out === null) throw malformed(path, expected);
    return out;
  };
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(path, 'an object');
  }
  return value as Readonly<Record<string, unknown>>;
}
