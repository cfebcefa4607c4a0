/**
 * How updates lie to each other: all that clipping, the geometric median, Krum and NNM need of them, however many parameters
 * they have. It comes of one pass, in pieces. Each sum goes through the parameters in order, in float64, so that it is the same on every
 * machine and for any pieces.
 */

/** Numbers of one member: integers of an update, or floats. */
export type Values = Int32Array | Float32Array | Float64Array;

/** Inner products of all pairs, while they are summed. */
export class Gram {
  readonly #count: number;
  /** Row by row, of each the columns up to the diagonal. */
  readonly #sums: Float64Array;

  constructor(count: number) {
    this.#count = count;
    this.#sums = new Float64Array((count * (count + 1)) / 2);
  }

  /** Adds the stretch [from, to) of each member's values. */
  add(members: readonly Values[], from: number, to: number): void {
    let place = 0;
    for (let i = 0; i < this.#count; i++) {
      const a = members[i] as Values;
      for (let j = 0; j <= i; j++, place++) {
        const b = members[j] as Values;
        let sum = this.#sums[place] as number;
        for (let t = from; t < to; t++) sum += (a[t] as number) * (b[t] as number);
        this.#sums[place] = sum;
      }
    }
  }

  /** Where the members lie, in this order, each one's values times its scale. */
  geometry(order: readonly number[], scales: readonly number[]): Geometry {
    const product = (i: number, j: number): number => {
      const [a, b] = [order[i] as number, order[j] as number];
      const [row, column] = a > b ? [a, b] : [b, a];
      const sum = this.#sums[(row * (row + 1)) / 2 + column] as number;
      return sum * ((scales[a] as number) * (scales[b] as number));
    };
    const squares = order.map((_, i) => product(i, i));
    const distances = order.map((_, i) =>
      order.map((__, j) => {
        // Twins give 0, and rounding gives nothing below.
        const [low, high] = i < j ? [i, j] : [j, i];
        const square = (squares[low] as number) + (squares[high] as number);
        return i === j ? 0 : Math.max(0, square - 2 * product(low, high));
      }),
    );
    return new Geometry(squares, distances);
  }
}

/** Squared norms and distances of some points, which are all one can know of their mixtures. */
export class Geometry {
  /** |x_i|² */
  readonly squares: readonly number[];
  /** |x_i - x_j|² */
  readonly distances: readonly (readonly number[])[];

  constructor(squares: readonly number[], distances: readonly (readonly number[])[]) {
    this.squares = squares;
    this.distances = distances;
  }

  /** How many points there are. */
  get count(): number {
    return this.squares.length;
  }

  /** |x_i - v| for every i, with v = Σ a_i x_i and Σ a_i = 1. */
  distancesTo(mixture: readonly number[]): number[] {
    const rows = this.distances.map((row) => dot(mixture, row));
    const within = dot(mixture, rows) / 2;
    return rows.map((row) => Math.sqrt(Math.max(0, row - within)));
  }

  /** How the mixtures lie that have these rows of coefficients, each of sum 1. */
  mixed(rows: readonly (readonly number[])[]): Geometry {
    const toPoints = rows.map((row) => this.distances.map((column) => dot(row, column)));
    const within = rows.map((row, i) => dot(row, toPoints[i] as number[]) / 2);
    const squares = rows.map((row, i) =>
      Math.max(0, dot(row, this.squares) - (within[i] as number)),
    );
    const distances = rows.map((_, i) =>
      rows.map((__, j) => {
        if (i === j) return 0;
        // Both ways, so that twins lie exactly as far from a third.
        const there = dot(rows[i] as number[], toPoints[j] as number[]);
        const back = dot(rows[j] as number[], toPoints[i] as number[]);
        const inside = (within[i] as number) + (within[j] as number);
        return Math.max(0, (there + back) / 2 - inside);
      }),
    );
    return new Geometry(squares, distances);
  }
}

/** Σ a_i b_i, the first summand first. */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, one, i) => sum + one * (b[i] as number), 0);
}
