/**
 * Chance that all members agree on: SHA-256 in counter mode over the agreed seed, so that whoever knows the seed draws the
 * same graph in any language. docs/specs/mixing.md, 3
 */
import { utf8 } from '../../../base/index.ts';
import { sha256 } from '../../../crypto/index.ts';

/** Words of one digest. */
const wordsPerBlock = 8;

/** The stream of one label; another label gives an independent one. */
export class AgreedDraws {
  readonly #prefix: string;
  #block: DataView = new DataView(new ArrayBuffer(0));
  #next: number = wordsPerBlock;
  #blockCount = 0;

  /** @param seed what the members agreed on, without line feeds */
  constructor(seed: string, label: string) {
    this.#prefix = `annulus/mixing/v1\n${seed}\n${label}\n`;
  }

  /** Uniform in [0, 2^32): the next four bytes of the stream, the most significant first. */
  uint32(): number {
    if (this.#next === wordsPerBlock) {
      const { buffer } = sha256(utf8(`${this.#prefix}${this.#blockCount}`));
      this.#block = new DataView(buffer);
      this.#blockCount++;
      this.#next = 0;
    }
    return this.#block.getUint32(4 * this.#next++);
  }

  /** Uniform whole number in [0, count): words beyond the last multiple of `count` are thrown away. */
  below(count: number): number {
    const limit = 2 ** 32 - (2 ** 32 % count);
    let word = this.uint32();
    while (word >= limit) word = this.uint32();
    return word % count;
  }

  /** Uniform in [0, 1) with 53 bits: 27 of one word, 26 of the next. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    return (high * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** The items in a drawn order: Fisher and Yates, from the last place down. */
  shuffled<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let last = out.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [out[last], out[other]] = [out[other] as T, out[last] as T];
    }
    return out;
  }

  /** `wanted` different whole numbers of [0, count), in the order they were drawn. */
  distinct(wanted: number, count: number): number[] {
    const drawn = new Set<number>();
    while (drawn.size < wanted) drawn.add(this.below(count));
    return [...drawn];
  }
}
