/**
 * SHA-256 of chunks that come in any order, while they come. The few that come too early are held until their turn; what is
 * not here at its turn is read from the disk at the end.
 */
import type { Digest } from '../../base/index.ts';
import { HashStream } from '../../crypto/index.ts';

/** Chunks that may wait: two requests of one member, of which the later one is ahead. */
const heldMax = 8;

/** See the file's header. Single use. */
export class RunningDigest {
  readonly #hash = new HashStream();
  readonly #held = new Map<number, Uint8Array>();
  readonly #done: (chunk: Uint8Array) => void;
  #next = 0;

  /** @param done told of each chunk that is not needed any more */
  constructor(done: (chunk: Uint8Array) => void) {
    this.#done = done;
  }

  /** A chunk that was checked. It must not change until `done` has it. */
  take(index: number, chunk: Uint8Array): void {
    if (index !== this.#next) {
      if (index > this.#next && this.#held.size < heldMax) this.#held.set(index, chunk);
      else this.#done(chunk);
      return;
    }
    this.#add(chunk);
    for (let held = this.#pop(); held !== undefined; held = this.#pop()) this.#add(held);
  }

  /** @param count of all chunks @param read gives those that were not taken in their turn */
  async end(count: number, read: (index: number) => Promise<Uint8Array>): Promise<Digest> {
    while (this.#next < count) this.#add(this.#pop() ?? (await read(this.#next)));
    return this.#hash.digest();
  }

  #pop(): Uint8Array | undefined {
    const chunk = this.#held.get(this.#next);
    this.#held.delete(this.#next);
    return chunk;
  }

  #add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#next += 1;
    this.#done(chunk);
  }
}
