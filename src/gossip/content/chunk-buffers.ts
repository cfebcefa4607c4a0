/**
 * Memory for chunks on their way from the network to the disk, used again and again: fresh memory for each chunk has the garbage
 * collector go over everything some ten times for each 100 MB.
 */

/** Buffers that wait for their next use. */
const freeMax = 16;

/** See the file's header. */
export class ChunkBuffers {
  readonly bytesOfChunk: number;
  readonly #free: Uint8Array[] = [];

  constructor(bytesOfChunk: number) {
    this.bytesOfChunk = bytesOfChunk;
  }

  /** As large as a chunk, with anything in it. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.bytesOfChunk);
  }

  /** Nobody will look at `chunk`, which is one of these buffers or its beginning, any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength !== this.bytesOfChunk || this.#free.length >= freeMax) return;
    this.#free.push(new Uint8Array(buffer));
  }
}
