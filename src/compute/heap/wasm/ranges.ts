/** Cutting a number of items into parts. */

/** A part of some work. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** At most `pieces` parts of `count`, each but the last a multiple of `unit`. */
export function ranges(count: number, unit: number, pieces: number): Range[] {
  const size = Math.max(unit, Math.ceil(count / unit / pieces) * unit);
  const parts: Range[] = [];
  for (let start = 0; start < count; start += size) {
    parts.push({ start, end: Math.min(count, start + size) });
  }
  return parts;
}
