/**
 * A node's state as bytes, for a checkpoint: models, residuals, estimates and totals with all their bits. The names stand in a JSON
 * head, the numbers of vectors behind it as they are. docs/specs/mixing.md, 7
 */
import { concatBytes, fromUtf8, utf8 } from '../../../base/index.ts';
import { GossipError } from '../../errors.ts';
import type { Vector } from '../mix.ts';
import { viewOf } from '../compression/reading.ts';

/** What states are made of. */
type Plain = string | number | boolean | null | Vector | PlainMap | readonly Plain[] | PlainObject;
type PlainMap = ReadonlyMap<number | string, Plain>;
interface PlainObject {
  readonly [name: string]: Plain;
}

/** Each vector begins at a multiple of this, so that it can be read in place. */
const alignment = 8;

/** Containers inside each other. */
const depthMax = 16;

/**
 * The bytes of a state of one of the algorithms.
 * @param algorithm its name, which the reader must say too
 */
export function encodeState(algorithm: string, state: object): Uint8Array {
  const vectors: Vector[] = [];
  const head = utf8(
    JSON.stringify({ algorithm, state: skeletonOf(state as PlainObject, vectors) }),
  );
  const length = new Uint8Array(4);
  viewOf(length).setUint32(0, head.byteLength, true);
  const parts = [length, head, padding(4 + head.byteLength)];
  for (const vector of vectors) {
    parts.push(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
    parts.push(padding(vector.byteLength));
  }
  return concatBytes(...parts);
}

/**
 * The state that `encodeState` wrote under the same name; its form is the caller's to trust, since it is the node's own.
 * @throws {GossipError} 'bad_mixing_state' for another name, or bytes that are damaged
 */
export function decodeState(algorithm: string, bytes: Uint8Array): unknown {
  const headBytes = bytes.byteLength < 4 ? 0 : viewOf(bytes).getUint32(0, true);
  if (headBytes === 0 || 4 + headBytes > bytes.byteLength) throw damaged('a head');
  let head: unknown;
  try {
    head = JSON.parse(fromUtf8(bytes.subarray(4, 4 + headBytes)));
  } catch (error) {
    throw damaged('a head in JSON', error);
  }
  if (typeof head !== 'object' || head === null || !('algorithm' in head) || !('state' in head)) {
    throw damaged('a head with algorithm and state');
  }
  if (head.algorithm !== algorithm) {
    const came = typeof head.algorithm === 'string' ? head.algorithm.slice(0, 40) : 'none';
    throw damaged(`a state of ${algorithm}, got one of ${came}`);
  }
  const rest = new VectorReader(bytes, aligned(4 + headBytes));
  const state = stateOf(head.state, rest, 0);
  rest.end();
  return state;
}

/** The value with each vector replaced by its kind and length, and each map by its entries. */
function skeletonOf(value: Plain, vectors: Vector[]): unknown {
  if (value instanceof Float32Array || value instanceof Float64Array) {
    vectors.push(value);
    return { $vector: value instanceof Float32Array ? 4 : 8, length: value.length };
  }
  if (value instanceof Map) {
    const entries = [...(value as PlainMap)].map(([key, item]) => [key, skeletonOf(item, vectors)]);
    return { $map: entries };
  }
  if (Array.isArray(value)) return value.map((item: Plain) => skeletonOf(item, vectors));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as PlainObject);
  return Object.fromEntries(entries.map(([name, item]) => [name, skeletonOf(item, vectors)]));
}

function stateOf(value: unknown, vectors: VectorReader, depth: number): unknown {
  if (depth > depthMax) throw damaged(`at most ${depthMax} levels`);
  const inner = (item: unknown): unknown => stateOf(item, vectors, depth + 1);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inner);
  if ('$vector' in value && 'length' in value) return vectors.next(value.$vector, value.length);
  if ('$map' in value) {
    if (!Array.isArray(value.$map)) throw damaged('entries of a map');
    return new Map(
      value.$map.map((entry: unknown) => {
        if (!Array.isArray(entry) || entry.length !== 2) throw damaged('entries of a map');
        return [entry[0], inner(entry[1])];
      }),
    );
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, inner(item)]));
}

/** Takes vectors from the front, copied, since what is read in place would change with the file. */
class VectorReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  next(bytesEach: unknown, length: unknown): Vector {
    if ((bytesEach !== 4 && bytesEach !== 8) || !Number.isSafeInteger(length)) {
      throw damaged('a vector of float32 or float64');
    }
    const end = this.#at + bytesEach * (length as number);
    if (end < this.#at || end > this.#bytes.byteLength) throw damaged('all numbers of a vector');
    const { buffer } = this.#bytes.slice(this.#at, end);
    this.#at = aligned(end);
    return bytesEach === 4 ? new Float32Array(buffer) : new Float64Array(buffer);
  }

  end(): void {
    if (this.#at !== this.#bytes.byteLength) throw damaged('nothing behind the last vector');
  }
}

function aligned(at: number): number {
  return Math.ceil(at / alignment) * alignment;
}

function padding(length: number): Uint8Array {
  return new Uint8Array(aligned(length) - length);
}

function damaged(expected: string, cause?: unknown): GossipError {
  const reason = `expected ${expected}`;
  return new GossipError({ code: 'bad_mixing_state', reason }, `mixing state: ${reason}`, {
    cause,
  });
}
