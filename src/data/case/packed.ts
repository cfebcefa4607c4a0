/**
 * The container of our own data files: magic, a JSON header, raw arrays. Little-endian throughout.
 *
 * | bytes | what |
 * |---|---|
 * | 8 | kind: 7 ASCII letters and the version byte 1 |
 * | 4 | length of the header, unsigned, at most 65,536 |
 * | header | UTF-8 JSON, exactly as `JSON.stringify` writes it |
 * | rest | the arrays one after another; their lengths follow from the header |
 */
import { concatBytes, fromUtf8, utf8 } from '../../base/index.ts';
import { DataError } from '../errors.ts';
import { determinantOf, type Geometry, type Shape3 } from '../volume/volume.ts';

const headerBytesMax = 65536;
const axisMax = 1024;
const prefixBytes = 12;

/** JSON as a header may hold it. */
export type HeaderJson =
  null | boolean | number | string | readonly HeaderJson[] | { readonly [key: string]: HeaderJson };

/** Grid of a file's arrays as its header writes it. */
export interface GeometryHeader {
  readonly shape: Shape3;
  /** The first three rows of the affine. */
  readonly affine: readonly number[];
}

/** @param kind seven ASCII letters. */
export function encodePacked(
  kind: string,
  header: HeaderJson,
  arrays: readonly Uint8Array[],
): Uint8Array {
  const text = utf8(JSON.stringify(header));
  const prefix = new Uint8Array(prefixBytes);
  prefix.set(utf8(kind), 0);
  prefix[7] = 1;
  new DataView(prefix.buffer).setUint32(8, text.byteLength, true);
  return concatBytes(prefix, text, ...arrays);
}

/**
 * The header and what follows it. The header is any JSON: whoever calls checks its fields.
 *
 * @throws {DataError} 'not_recognised', 'truncated', 'too_large' or 'bad_field'.
 */
export function decodePacked(
  kind: string,
  bytes: Uint8Array,
): { header: unknown; rest: Uint8Array } {
  const magic = utf8(kind);
  const known = bytes.byteLength >= 8 && magic.every((value, n) => bytes[n] === value);
  if (!known || bytes[7] !== 1) {
    throw new DataError(
      { code: 'not_recognised', format: kind },
      `expected a file that begins with ${kind} version 1, but these ${bytes.byteLength} bytes do not`,
    );
  }
  if (bytes.byteLength < prefixBytes) refuseShort(prefixBytes, bytes.byteLength);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(8, true);
  if (length > headerBytesMax) {
    throw new DataError(
      { code: 'too_large', limit: headerBytesMax },
      `the header says it is ${length} bytes long; at most ${headerBytesMax} are allowed`,
    );
  }
  if (bytes.byteLength < prefixBytes + length) {
    refuseShort(prefixBytes + length, bytes.byteLength);
  }
  const text = bytes.subarray(prefixBytes, prefixBytes + length);
  return { header: parseHeader(text), rest: bytes.subarray(prefixBytes + length) };
}

/**
 * Cuts `rest` into arrays of the given lengths.
 *
 * @throws {DataError} 'truncated' when too short, 'bad_field' when bytes are left over.
 */
export function cutArrays(rest: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const needed = lengths.reduce((sum, length) => sum + length, 0);
  if (rest.byteLength < needed) refuseShort(needed, rest.byteLength);
  if (rest.byteLength > needed) {
    refuseField('arrays', `${needed} bytes after the header`, String(rest.byteLength));
  }
  let offset = 0;
  return lengths.map((length) => {
    // A copy: aligned, and not holding on to the file's bytes.
    const part = rest.slice(offset, offset + length);
    offset += length;
    return part;
  });
}

/** The grid as a header holds it. */
export function geometryHeader({ shape, affine }: Geometry): GeometryHeader {
  return { shape: [shape[0], shape[1], shape[2]], affine: [...affine.subarray(0, 12)] };
}

/** @throws {DataError} 'bad_field' unless a sane grid: 1 to 1024 voxels an axis, a regular affine. */
export function readGeometry(shape: unknown, affine: unknown): Geometry {
  const axes = Array.isArray(shape) ? (shape as unknown[]) : [];
  const isAxis = (value: unknown): value is number =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= axisMax;
  const [d, h, w] = axes;
  if (axes.length !== 3 || !isAxis(d) || !isAxis(h) || !isAxis(w)) {
    return refuseField('shape', `three whole numbers from 1 to ${axisMax}`, 'something else');
  }
  const rows = Array.isArray(affine) ? (affine as unknown[]) : [];
  if (rows.length !== 12 || !rows.every((value) => Number.isFinite(value))) {
    return refuseField('affine', 'twelve finite numbers', 'something else');
  }
  const full = new Float64Array([...(rows as number[]), 0, 0, 0, 1]);
  if (!(Math.abs(determinantOf(full)) > 1e-9)) {
    return refuseField('affine', 'three independent axes', 'axes without volume');
  }
  return { shape: [d, h, w], affine: full };
}

/** @throws {DataError} 'bad_field' always. */
export function refuseField(field: string, expected: string, came: string): never {
  throw new DataError({ code: 'bad_field', field }, `${field}: expected ${expected}, got ${came}`);
}

/** @throws {DataError} 'bad_field' unless `value` is an object with exactly `keys` (`?` = may lack). */
export function readObject(
  value: unknown,
  field: string,
  keys: readonly string[],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuseField(field, 'an object', 'something else');
  }
  const object = value as Record<string, unknown>;
  const allowed = new Set(keys.map((key) => key.replace('?', '')));
  const strange = Object.keys(object).find((key) => !allowed.has(key));
  if (strange !== undefined) refuseField(field, 'only known keys', 'a key that is not known');
  const missing = keys.find((key) => !key.endsWith('?') && !Object.hasOwn(object, key));
  if (missing !== undefined) refuseField(`${field}.${missing}`, 'a value', 'nothing');
  return object;
}

function parseHeader(text: Uint8Array): unknown {
  try {
    const decoded = fromUtf8(text);
    const header: unknown = JSON.parse(decoded);
    // One text for one header: no spaces, no duplicate keys.
    if (JSON.stringify(header) !== decoded) throw new TypeError('not as JSON.stringify writes it');
    return header;
  } catch (cause) {
    throw new DataError(
      { code: 'bad_field', field: 'header' },
      'header: expected compact JSON in UTF-8, got something else',
      { cause },
    );
  }
}

function refuseShort(neededBytes: number, givenBytes: number): never {
  throw new DataError(
    { code: 'truncated', neededBytes, givenBytes },
    `expected ${neededBytes} bytes, but there are only ${givenBytes}: the file was cut short, copy it again`,
  );
}
