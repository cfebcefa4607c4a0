/** Numbers as people read them, and the statistics of a column of them. */

/** `–` for what was not measured. */
export const absent = '–';

/** 6.42 → `6.4`; at most `digits` decimals, always as many. */
export function fixed(value: number | null, digits = 1): string {
  return value === null || !Number.isFinite(value) ? absent : value.toFixed(digits);
}

/** 0.042 → `4.2 %`, 0.42 → `42 %`: a decimal below 9.95 % alone. */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return absent;
  const percents = share * 100;
  return `${percents > 0 && percents < 9.95 ? percents.toFixed(1) : percents.toFixed(0)} %`;
}

/** 1536 → `1.5 KiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit] ?? ''}`;
}

/** 95 000 → `1 min 35 s`, 4200 → `4.2 s`, 60 → `60 ms`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** The first and last digits of a digest: enough to compare by eye. */
export function shortDigest(digest: string | null): string {
  return digest === null ? absent : `${digest.slice(0, 8)}…${digest.slice(-4)}`;
}

/** Mean of the two middle ones, as usual, for even counts; `null` of nothing. */
export function median(values: readonly number[]): number | null {
  return quantile(values, 0.5);
}

/** Linear between order statistics (Hyndman and Fan's type 7, as NumPy's default); `null` of nothing. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)];
  const high = sorted[Math.ceil(position)];
  if (low === undefined || high === undefined) return null;
  return low + (high - low) * (position - Math.floor(position));
}

/** Arithmetic mean; `null` of nothing. */
export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
