/**
 * Refuses a broadcast heard before. Gossipsub forgets message ids after 120 s, so a relayed old message
 * would be taken again. Each author numbers its broadcasts upwards; paths differ, so they arrive a little
 * out of order, and the newest `size` numbers are remembered one by one.
 */

/** One author's window. */
export class ReplayWindow {
  readonly #size: number;
  readonly #seen = new Set<bigint>();
  #floor = -1n;

  constructor(size: number) {
    this.#size = size;
  }

  /** Whether `sequence` is new; it is remembered from now on. Numbers below the window count as old. */
  admit(sequence: bigint): boolean {
    if (sequence <= this.#floor || this.#seen.has(sequence)) return false;
    this.#seen.add(sequence);
    if (this.#seen.size > this.#size) this.#shrink();
    return true;
  }

  #shrink(): void {
    // Rare (once in size/2 admissions), so sorting is cheap enough.
    const sorted = [...this.#seen].sort((a, b) => (a < b ? -1 : 1));
    for (const old of sorted.slice(0, Math.ceil(sorted.length / 2))) {
      this.#seen.delete(old);
      this.#floor = old;
    }
  }
}
