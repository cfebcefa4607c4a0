/** All numbers of a run in a few long rows: a name and one vector for each node. It can be written down and put back whole. */
import type { Vector } from './task.ts';

/** Vectors of one name, one for each node, and all of them as one. */
export interface Rows {
  readonly all: Vector;
  readonly of: readonly Vector[];
}

/** The numbers of a run by name. */
export class Arena {
  readonly nodes: number;
  readonly #rows = new Map<string, Rows>();
  readonly #isShared: boolean;

  /** @param isShared other threads see them */
  constructor(nodes: number, isShared: boolean) {
    this.nodes = nodes;
    this.#isShared = isShared;
  }

  /** Vectors of zeros, or those of that name that there are. */
  rows(name: string, length: number): Rows {
    const there = this.#rows.get(name);
    if (there !== undefined) return there;
    const bytes = 8 * length * this.nodes;
    const buffer = this.#isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
    const rows = rowsOver(buffer, this.nodes, length);
    this.#rows.set(name, rows);
    return rows;
  }

  /** One number for each node. */
  column(name: string): Vector {
    return this.rows(name, 1).all;
  }

  /** Names in the order of their making, with all their numbers. */
  entries(): [string, Vector][] {
    return [...this.#rows].map(([name, { all }]) => [name, all]);
  }
}

/** Vectors of `length` over one buffer. */
export function rowsOver(buffer: ArrayBufferLike, nodes: number, length: number): Rows {
  const all = new Float64Array(buffer);
  const of = Array.from({ length: nodes }, (_, node) =>
    all.subarray(node * length, (node + 1) * length),
  );
  return { all, of };
}
