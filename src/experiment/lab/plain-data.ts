/** Plain data with vectors and maps in it, as JSON beside a list of vectors, and back. */

/** A vector as states have them. */
export type StateVector = Float32Array | Float64Array;

/** JSON in which vectors are places of a list, and maps are marked. */
export interface Packed {
  readonly json: unknown;
  readonly vectors: StateVector[];
}

/** Takes the vectors out. Objects, lists, maps, numbers, texts, truth values and null; nothing else is in a state. */
export function pack(value: unknown): Packed {
  const vectors: StateVector[] = [];
  const walk = (one: unknown): unknown => {
    if (one instanceof Float32Array || one instanceof Float64Array) {
      vectors.push(one);
      return { $: one instanceof Float32Array ? 'f32' : 'f64', at: vectors.length - 1 };
    }
    if (one instanceof Uint8Array) return { $: 'bytes', hex: Buffer.from(one).toString('hex') };
    if (one instanceof Map) return { $: 'map', entries: [...one].map(walk) };
    if (Array.isArray(one)) return one.map(walk);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, walk(inner)]));
  };
  return { json: walk(value), vectors };
}

/** @param vectors by place; @throws {RangeError} for what `pack` does not write */
export function unpack(json: unknown, vectors: readonly Float64Array[]): unknown {
  const walk = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(walk);
    if (typeof one !== 'object' || one === null) return one;
    const { $: mark, at, entries, hex } = one as Readonly<Record<string, unknown>>;
    if (mark === undefined) {
      return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, walk(inner)]));
    }
    if (mark === 'bytes' && typeof hex === 'string')
      return Uint8Array.from(Buffer.from(hex, 'hex'));
    if (mark === 'map' && Array.isArray(entries)) {
      return new Map(entries.map((pair) => walk(pair) as [unknown, unknown]));
    }
    const vector = vectors[Number(at)];
    if (vector === undefined || (mark !== 'f32' && mark !== 'f64')) {
      throw new RangeError('expected a vector, a map or bytes');
    }
    return mark === 'f32' ? Float32Array.from(vector) : Float64Array.from(vector);
  };
  return walk(json);
}
