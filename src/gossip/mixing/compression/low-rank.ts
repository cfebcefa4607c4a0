/**
 * A matrix as the product of two thin ones, by a power iteration of a fixed number of steps from a drawn start, so that both
 * sides need no state for it (Vogels, Karimireddy, Jaggi 2019: PowerSGD, without its warm start).
 */
import type { Vector } from '../mix.ts';
import { AgreedDraws } from '../topology/agreed-draws.ts';
import type { VectorCodec } from './float-codecs.ts';
import { badBytes, checkBytes, viewOf } from './reading.ts';

interface LowRank {
  readonly rank: number;
  readonly rows: number;
  readonly iterations: number;
}

/** Thin matrices as columns. */
type Columns = Float64Array[];

/** Steps of a power iteration that nobody needs more of. */
const iterationsMax = 100;

/**
 * The vector as `rows` rows, the last filled up with zeros. With M: Q drawn; so many times P = orth(M Q), Q = Mᵀ P. Sent are the
 * columns of P and then those of Q as float32; M is taken for P Qᵀ.
 * @throws {GossipError} 'bad_mixing_message' unless the rule fits so many numbers
 */
export function lowRankCodec({ rank, rows, iterations }: LowRank, length: number): VectorCodec {
  const columns = Math.ceil(length / rows);
  const isWhole = [rank, rows, iterations].every((n) => Number.isInteger(n) && n >= 1);
  if (!isWhole || rank > Math.min(rows, columns) || iterations > iterationsMax) {
    throw badBytes(
      `expected for ${length} numbers a rank up to rows and columns, and 1 to ${iterationsMax} iterations, ` +
        `got rank ${rank}, ${rows} rows, ${iterations} iterations`,
    );
  }
  const bytesAll = 4 * rank * (rows + columns);
  return {
    bytesMax: () => bytesAll,
    encode: (values, key) => {
      const draws = new AgreedDraws(key, 'low-rank');
      let q: Columns = Array.from({ length: rank }, () =>
        Float64Array.from({ length: columns }, () => draws.uniform() - 0.5),
      );
      let p: Columns = [];
      for (let i = 0; i < iterations; i++) {
        p = orthonormal(q.map((column) => times(values, column, rows)));
        q = p.map((column) => timesTransposed(values, column, columns));
      }
      const bytes = new Uint8Array(bytesAll);
      const view = viewOf(bytes);
      let at = 0;
      for (const column of [...p, ...q]) {
        for (const value of column) {
          view.setFloat32(at, value, true);
          at += 4;
        }
      }
      return bytes;
    },
    decode: (bytes) => {
      checkBytes(bytes, bytesAll);
      const view = viewOf(bytes);
      const out = new Float64Array(length);
      for (let k = 0; k < rank; k++) {
        const [p, q] = [4 * k * rows, 4 * (rank * rows + k * columns)];
        for (let i = 0; i < length; i++) {
          const left = view.getFloat32(p + 4 * Math.floor(i / columns), true);
          out[i] = (out[i] as number) + left * view.getFloat32(q + 4 * (i % columns), true);
        }
      }
      return out;
    },
  };
}

/** M · column, with M's rows one after the other in `values`. */
function times(values: Vector, column: Float64Array, rows: number): Float64Array {
  const out = new Float64Array(rows);
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / column.length);
    out[row] = (out[row] as number) + (values[i] as number) * (column[i % column.length] as number);
  }
  return out;
}

/** Mᵀ · column */
function timesTransposed(values: Vector, column: Float64Array, columns: number): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) {
    const at = i % columns;
    out[at] =
      (out[at] as number) + (values[i] as number) * (column[Math.floor(i / columns)] as number);
  }
  return out;
}

/** Gram and Schmidt, modified; a column that is nothing beside the others becomes 0. */
function orthonormal(columns: Columns): Columns {
  const done: Columns = [];
  for (const column of columns) {
    const before = Math.sqrt(dot(column, column));
    const left = Float64Array.from(column);
    for (const other of done) {
      const along = dot(left, other);
      for (let i = 0; i < left.length; i++)
        left[i] = (left[i] as number) - along * (other[i] as number);
    }
    const size = Math.sqrt(dot(left, left));
    done.push(left.map((value) => (size > 1e-12 * before ? value / size : 0)));
  }
  return done;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
