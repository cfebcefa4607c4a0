/** What each member counts, as a share of the whole, with a bound on the largest; and medians by these shares. */

/** Integers that stand for shares where an order must be decided: the sum of all is 2^40, but for rounding. */
const unitsOfOne = 2 ** 40;

/**
 * Shares in proportion to positive `weights`, none above `cap`: what is cut off goes to the others in proportion. With too few
 * members for the bound, all count the same. The order of members decides nothing when weights are integers.
 */
export function cappedShares(weights: readonly number[], cap: number): number[] {
  const count = weights.length;
  const limit = Math.max(cap, 1 / count);
  const descending = [...weights].sort((a, b) => b - a);
  let rest = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [cappedCount, largest] of descending.entries()) {
    // The total of which `cappedCount` members have `limit` each, and the others `rest`.
    const total = rest / (1 - cappedCount * limit);
    if (largest <= limit * total) {
      const least = cappedCount === 0 ? Infinity : (descending[cappedCount - 1] as number);
      return weights.map((weight) => (weight >= least ? limit : weight / total));
    }
    rest -= largest;
  }
  return weights.map(() => 1 / count);
}

/** Shares as integers, for sums that decide something. */
export function unitsOf(shares: readonly number[]): number[] {
  return shares.map((share) => Math.floor(share * unitsOfOne + 0.5));
}

/** The lower weighted median: the smallest of `values` up to which at least half of all units lie. */
export function lowerMedian(values: readonly number[], units: readonly number[]): number {
  const order = values.map((_, at) => at).sort((a, b) => at(values, a) - at(values, b));
  const total = units.reduce((sum, one) => sum + one, 0);
  let below = 0;
  for (const index of order) {
    below += at(units, index);
    if (2 * below >= total) return at(values, index);
  }
  return 0;
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] as number;
}
