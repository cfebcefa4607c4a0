/** Events by their time, those of one time by their order: a binary heap. */

/** What has a time. */
export interface TimedEvent {
  readonly atMs: number;
  /** Different for each. */
  readonly order: number;
}

/** See the file header. */
export class EventHeap<T extends TimedEvent> {
  #heap: T[] = [];

  /** Adds an event. */
  push(event: T): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at], heap[parent])) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the earliest; null when there is none. */
  pop(): T | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length > 0) {
      heap[0] = last;
      for (let at = 0; ;) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        const child = isBefore(heap[right], heap[left]) ? right : left;
        if (!isBefore(heap[child], heap[at])) break;
        this.#swap(at, child);
        at = child;
      }
    }
    return first;
  }

  /** All events, in their order of time. */
  all(): T[] {
    return [...this.#heap].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /** Has these events and no others. */
  replace(events: readonly T[]): void {
    this.#heap = [];
    for (const event of events) this.push(event);
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    const [x, y] = [heap[a], heap[b]];
    if (x === undefined || y === undefined) return;
    heap[a] = y;
    heap[b] = x;
  }
}

function isBefore(a: TimedEvent | undefined, b: TimedEvent | undefined): boolean {
  if (a === undefined || b === undefined) return b === undefined && a !== undefined;
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
