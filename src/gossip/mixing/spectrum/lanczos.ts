/** The largest eigenvalue of a symmetric matrix by Lanczos' method, of which only products with vectors are known. */
import { AgreedDraws } from '../topology/agreed-draws.ts';
import { centred, dot } from './sparse-matrix.ts';

/** Steps between two looks at the value. */
const stride = 8;

/** When two looks in a row change less than this, it stands. */
const tolerance = 1e-13;

/**
 * Largest eigenvalue, among vectors whose numbers sum to 0, of a symmetric matrix that has no negative ones. Every new vector is
 * made orthogonal to all before, so that after at most `size` - 1 steps the value is exact but for rounding.
 */
export function largestEigenvalue(size: number, times: (x: Float64Array) => Float64Array): number {
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  const draws = new AgreedDraws('spectrum', String(size));
  let next = centred(Float64Array.from({ length: size }, () => draws.uniform() - 0.5));
  let norm = Math.sqrt(dot(next, next));
  let [latest, calm] = [0, 0];
  while (basis.length < size - 1 && norm > 1e-14) {
    const vector = next.map((value) => value / norm);
    basis.push(vector);
    if (basis.length > 1) beside.push(norm);
    next = centred(times(vector));
    diagonal.push(dot(next, vector));
    // Twice, which is enough (Parlett).
    for (let pass = 0; pass < 2; pass++) for (const earlier of basis) subtract(next, earlier);
    norm = Math.sqrt(dot(next, next));
    if (basis.length % stride !== 0) continue;
    const value = largestOfTridiagonal(diagonal, beside);
    calm = Math.abs(value - latest) < tolerance ? calm + 1 : 0;
    latest = value;
    if (calm === 2) return value;
  }
  return largestOfTridiagonal(diagonal, beside);
}

function subtract(from: Float64Array, direction: Float64Array): void {
  const along = dot(from, direction);
  for (let i = 0; i < from.length; i++) {
    from[i] = (from[i] as number) - along * (direction[i] as number);
  }
}

/** By bisection: an eigenvalue is above x unless all quotients of Sturm's sequence at x are below 0. */
function largestOfTridiagonal(diagonal: readonly number[], beside: readonly number[]): number {
  const radii = diagonal.map((value, i) => value + (beside[i - 1] ?? 0) + (beside[i] ?? 0));
  let [low, high] = [0, Math.max(0, ...radii)];
  for (let i = 0; i < 70 && high - low > 1e-17; i++) {
    const middle = (low + high) / 2;
    if (hasAbove(middle, diagonal, beside)) low = middle;
    else high = middle;
  }
  return high;
}

function hasAbove(x: number, diagonal: readonly number[], beside: readonly number[]): boolean {
  let quotient = -1;
  for (const [i, value] of diagonal.entries()) {
    const off = i === 0 ? 0 : (beside[i - 1] ?? 0);
    quotient = value - x - (off * off) / quotient;
    if (quotient > 0) return true;
    if (quotient === 0) quotient = -1e-300;
  }
  return false;
}
