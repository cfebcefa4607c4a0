/** The known word a mistyped one was probably meant to be. */

/**
 * The word of `known` with the fewest typing slips from `word` (insert, drop, replace, swap of
 * neighbours), if these are at most a third of its letters; else `null`.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  const slipsMax = Math.max(1, Math.floor(Math.min(word.length, 64) / 3));
  let best: string | null = null;
  let bestSlips = slipsMax + 1;
  for (const candidate of known) {
    const slips = slipCount(word.slice(0, 64).toLowerCase(), candidate.toLowerCase());
    if (slips < bestSlips) {
      best = candidate;
      bestSlips = slips;
    }
  }
  return best;
}

/** Optimal string alignment distance. */
function slipCount(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(above, j) + 1, at(row, j - 1) + 1, at(above, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(before, j - 2) + 1);
      }
      row.push(least);
    }
    before = above;
    above = row;
  }
  return at(above, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
