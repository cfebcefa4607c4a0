/**
 * The index tables and regions of windowed attention, kept from pass to pass: they depend on sizes alone, and making
 * them anew took a tenth of a small model's time.
 */
import {
  attentionRegions,
  relativePositionIndex,
  type AttentionRegions,
  type WindowShape,
} from './shifted-window.ts';
import type { Triple } from './spec.ts';

/** What is kept at most, in bytes; what does not fit is made anew each time. */
const keptBytesMax = 64 * 1024 * 1024;

/** Of one model; nobody may change what it gives. */
export class WindowTables {
  readonly #indices = new Map<string, Int32Array>();
  readonly #regions = new Map<string, AttentionRegions>();
  #keptBytes = 0;

  /** As `relativePositionIndex`. */
  index(window: number, n: number): Int32Array {
    const make = (): Int32Array => relativePositionIndex(window, n);
    return this.#kept(this.#indices, `${window}/${n}`, make, (index) => index.byteLength);
  }

  /** As `attentionRegions`. */
  regions(size: Triple, shape: WindowShape): AttentionRegions {
    const key = [size, shape.window, shape.shift].join('/');
    const make = (): AttentionRegions => attentionRegions(size, shape);
    return this.#kept(this.#regions, key, make, ({ values }) => values.byteLength);
  }

  #kept<T>(from: Map<string, T>, key: string, make: () => T, bytesOf: (made: T) => number): T {
    const known = from.get(key);
    if (known !== undefined) return known;
    const made = make();
    const bytes = bytesOf(made);
    if (this.#keptBytes + bytes <= keptBytesMax) {
      this.#keptBytes += bytes;
      from.set(key, made);
    }
    return made;
  }
}
