/** Which small blocks of a canvas will be filled later, so that nobody needs to paint them before. */
import type { Shape3 } from '../../volume/volume.ts';

/** By block: the last stage at which something fills all of it. */
export class Covers {
  /** The stage under way: what is filled after it is hidden now. */
  stage = 0;
  readonly #edge: number;
  readonly #grid: readonly [number, number];
  readonly #high: number;
  readonly #wide: number;
  readonly #filledAt: Uint8Array;

  constructor([depth, height, width]: Shape3, edgeVoxels: number) {
    const blocks = (count: number): number => Math.ceil(count / edgeVoxels);
    this.#edge = edgeVoxels;
    this.#grid = [height, width];
    this.#high = blocks(height);
    this.#wide = blocks(width);
    this.#filledAt = new Uint8Array(blocks(depth) * this.#high * this.#wide);
  }

  /** Notes that `stage` fills the voxels from index `from` to `to` of a row, and whole blocks with them. */
  markRow(stage: number, from: number, to: number): void {
    const [height, width] = this.#grid;
    const j = Math.floor(from / width) % height;
    const k = Math.floor(from / (width * height));
    if (j % this.#edge !== 0 || k % this.#edge !== 0) return;
    const first = from % width;
    for (let i = first; i <= first + to - from; i += this.#edge) {
      const block = this.#blockAt(i, j, k);
      this.#filledAt[block] = Math.max(stage, this.#filledAt[block] ?? 0);
    }
  }

  /** Whether the block whose first voxel is (i, j, k) is filled after the stage under way. */
  hides(i: number, j: number, k: number): boolean {
    return (this.#filledAt[this.#blockAt(i, j, k)] ?? 0) > this.stage;
  }

  #blockAt(i: number, j: number, k: number): number {
    return ((k / this.#edge) * this.#high + j / this.#edge) * this.#wide + i / this.#edge;
  }
}
