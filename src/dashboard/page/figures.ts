/** Numbers as the report writes them; the browser has no module of the report. `test/dashboard` holds the two together. */

/** For what is not known. */
export const absent = '–';

/** At most `digits` decimals, always as many. */
export function fixed(value: number | null, digits: number): string {
  return value === null || !Number.isFinite(value) ? absent : value.toFixed(digits);
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

/** 95 000 → `1 min 35 s`. */
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

/** How long ago, in its largest unit: it changes no more often than one reads. */
export function agoText(ms: number): string {
  if (ms < 1_000) return 'now';
  if (ms < 60_000) return `${Math.floor(ms / 1_000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  return `${Math.floor(ms / 3_600_000)} h ago`;
}

/** Time of the day here; with the day where it is another one. */
export function clockText(ms: number, nowMs: number): string {
  const [then, now] = [new Date(ms), new Date(nowMs)];
  const time = then.toLocaleTimeString('en-GB');
  return then.toDateString() === now.toDateString()
    ? time
    : `${then.toLocaleDateString('en-CA')} ${time}`;
}
