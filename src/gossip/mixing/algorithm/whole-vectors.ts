/** Messages that are vectors as they are, and their weighted mean. */
import { GossipError } from '../../errors.ts';
import { mixInto, zerosLike, type Vector } from '../mix.ts';
import { checkBytes } from '../compression/reading.ts';
import type { MessageCodec, StepPlace } from './mixing-algorithm.ts';

/** A message of whole vectors, each as long as the model. */
export type WholeVectors = readonly Vector[];

/** The numbers of one vector after the other, little-endian, in the precision of the model. */
export function wholeVectorsCodec(count: number): MessageCodec<WholeVectors> {
  return {
    bytes: (vectors) => vectors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    encode: (vectors) => {
      const bytes = new Uint8Array(vectors.reduce((sum, { byteLength }) => sum + byteLength, 0));
      let at = 0;
      for (const vector of vectors) {
        bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), at);
        at += vector.byteLength;
      }
      return bytes;
    },
    decode: (bytes, like) => {
      checkBytes(bytes, count * like.byteLength);
      const vectors = Array.from({ length: count }, (_, i): Vector => {
        const part = bytes.slice(i * like.byteLength, (i + 1) * like.byteLength).buffer;
        return like instanceof Float32Array ? new Float32Array(part) : new Float64Array(part);
      });
      vectors.forEach(checkFinite);
      return vectors;
    },
  };
}

/**
 * Σ w_ij x_j of vector number `index` of each message. The weight of what was lost goes to the node itself, so that shares
 * still sum to 1.
 * @throws {GossipError} 'bad_mixing_message' when a vector is missing or has another length
 */
export function meanOfHeard<T extends Vector>(
  own: T,
  place: StepPlace,
  heard: ReadonlyMap<number, WholeVectors>,
  index = 0,
): T {
  const isHere = (from: number): boolean => from !== place.node && heard.has(from);
  const others = place.links.filter(({ from }) => isHere(from));
  const lost = place.links.filter(({ from }) => from !== place.node && !isHere(from));
  const terms = place.links
    .filter(({ from }) => from === place.node || isHere(from))
    .map(({ from, weight }) => {
      if (from !== place.node) return { weight, values: vectorOf(heard.get(from), index) };
      return { weight: lost.reduce((sum, link) => sum + link.weight, weight), values: own };
    });
  return others.length === 0 ? own : mixInto(zerosLike(own), terms);
}

/** @throws {GossipError} 'bad_mixing_message' unless all numbers are finite */
export function checkFinite(vector: Vector): void {
  if (vector.every(Number.isFinite)) return;
  const reason = 'expected finite numbers';
  throw new GossipError({ code: 'bad_mixing_message', reason }, reason);
}

function vectorOf(vectors: WholeVectors | undefined, index: number): Vector {
  const vector = vectors?.[index];
  if (vector !== undefined) return vector;
  const reason = `expected ${index + 1} vectors, got ${vectors?.length ?? 0}`;
  throw new GossipError({ code: 'bad_mixing_message', reason }, reason);
}
