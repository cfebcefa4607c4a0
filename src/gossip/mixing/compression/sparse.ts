/** A few of the numbers of a vector; the others count as 0. */
import type { Vector } from '../mix.ts';
import { AgreedDraws } from '../topology/agreed-draws.ts';
import type { VectorCodec } from './float-codecs.ts';
import { badBytes, checkBytes, viewOf } from './reading.ts';

/** Bytes of a gap: seven bits each, the lowest first; a vector has fewer than 2^32 numbers. */
const gapBytesMax = 5;

/**
 * The `count` numbers that are largest in size, of equals the first. First the gaps between their places in LEB128 (from the
 * place before the vector, less one), then their values as float32.
 */
export function topKCodec(count: number): VectorCodec {
  return {
    bytesMax: () => (gapBytesMax + 4) * count,
    encode: (values) => {
      const places = largestPlaces(values, count);
      const gaps: number[] = [];
      places.forEach((place, i) => {
        let gap = place - (places[i - 1] ?? -1) - 1;
        for (; gap > 127; gap = Math.floor(gap / 128)) gaps.push((gap % 128) + 128);
        gaps.push(gap);
      });
      const bytes = new Uint8Array(gaps.length + 4 * count);
      bytes.set(gaps);
      const view = viewOf(bytes);
      places.forEach((place, i) => {
        view.setFloat32(gaps.length + 4 * i, values[place] ?? 0, true);
      });
      return bytes;
    },
    decode: (bytes, length) => {
      const places: number[] = [];
      let at = 0;
      for (let i = 0; i < count; i++) {
        const gap = readGap(bytes, at);
        const place = (places.at(-1) ?? -1) + 1 + gap.value;
        if (place >= length) throw badBytes(`expected places below ${length}, got ${place}`);
        places.push(place);
        at += gap.bytes;
      }
      checkBytes(bytes, at + 4 * count);
      return scattered(bytes.subarray(at), places, length);
    },
  };
}

/** `count` numbers at places drawn from the key, in the order of the places, as float32. */
export function randomKCodec(count: number): VectorCodec {
  const placesOf = (length: number, key: string): number[] =>
    new AgreedDraws(key, 'random-k').distinct(count, length).sort((a, b) => a - b);
  return {
    bytesMax: () => 4 * count,
    encode: (values, key) => {
      const bytes = new Uint8Array(4 * count);
      const view = viewOf(bytes);
      placesOf(values.length, key).forEach((place, i) => {
        view.setFloat32(4 * i, values[place] ?? 0, true);
      });
      return bytes;
    },
    decode: (bytes, length, key) => {
      checkBytes(bytes, 4 * count);
      return scattered(bytes, placesOf(length, key), length);
    },
  };
}

function scattered(bytes: Uint8Array, places: readonly number[], length: number): Float64Array {
  const view = viewOf(bytes);
  const out = new Float64Array(length);
  places.forEach((place, i) => {
    out[place] = view.getFloat32(4 * i, true);
  });
  return out;
}

/** Ascending. */
function largestPlaces(values: Vector, count: number): number[] {
  const sizes = new Float64Array(values.length);
  for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(values[i] as number);
  const least = count === 0 ? Infinity : smallestAt(sizes.slice(), sizes.length - count);
  let above = 0;
  for (const size of sizes) if (size > least) above++;
  let equals = count - above;
  const places: number[] = [];
  for (let place = 0; place < sizes.length; place++) {
    const size = sizes[place] as number;
    if (size > least || (size === least && equals-- > 0)) places.push(place);
  }
  return places;
}

/** The number that would stand at `wanted` if `values` were sorted (Hoare's selection); reorders them. */
function smallestAt(values: Float64Array, wanted: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >>> 1] as number;
    let [left, right] = [low, high];
    while (left <= right) {
      while ((values[left] as number) < pivot) left++;
      while ((values[right] as number) > pivot) right--;
      if (left > right) break;
      const value = values[left] as number;
      values[left++] = values[right] as number;
      values[right--] = value;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else break;
  }
  return values[wanted] as number;
}

/** @throws {GossipError} 'bad_mixing_message' unless it is LEB128 in the fewest bytes, at most five */
function readGap(bytes: Uint8Array, start: number): { value: number; bytes: number } {
  let value = 0;
  for (let i = 0; i < gapBytesMax; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value += (byte & 127) * 128 ** i;
    if (byte >= 128) continue;
    if (byte === 0 && i > 0) break;
    return { value, bytes: i + 1 };
  }
  throw badBytes('expected gaps in LEB128, each in the fewest bytes');
}
