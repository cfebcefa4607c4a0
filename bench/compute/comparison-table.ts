/** What a comparison found, as lines of text. */
import type { Agreement } from './agreement.ts';
import { flopsOf, type Case } from './cases.ts';

/** One case; pairs are ours, then PyTorch's. */
export interface Row {
  readonly given: Case;
  /** Wall times of the measured repeats. */
  readonly ms: readonly [readonly number[], readonly number[]];
  /** Losses of all steps from the first, unmeasured one on. */
  readonly losses: readonly [readonly number[], readonly number[]];
  /** What a side failed with. */
  readonly failures: readonly [string | null, string | null];
  /** Most memory the process ever held; 0 where it is gone. */
  readonly peakBytes: readonly [number, number];
}

/** After so many steps losses are compared: rounding grows with every further one. */
const lossStep = 3;

const columns = [36, 21, 9, 18, 17, 24] as const;

export const header: string = line([
  ...['', 'ms ours / PyTorch', 'speed', 'GFLOP/s', 'peak MiB', `loss after ${lossStep} steps`],
]);

export function rowLine(row: Row): string {
  const [ours, theirs] = row.ms.map(median) as [number, number];
  const failure = row.failures.find((text) => text !== null);
  const { given } = row;
  const rate = (ms: number): string =>
    given.kind === 'conv' ? (flopsOf(given) / ms / 1e6).toFixed(1) : '';
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const text = line([
    given.id,
    pair(ours, theirs, (ms) => ms.toFixed(ms < 100 ? 1 : 0)),
    Number.isFinite(theirs / ours) ? `${(theirs / ours).toFixed(2)}×` : '–',
    given.kind === 'conv' ? pair(ours, theirs, rate) : '',
    given.kind === 'net' ? pair(...row.peakBytes, mib) : '',
    given.kind === 'net' ? pair(...lossesOf(row), (loss) => loss.toFixed(5)) : '',
  ]);
  return failure === undefined ? text : `${text}\n    ${failure}`;
}

export function agreementLine({ id, output, loss }: Agreement): string {
  const differences = `outputs differ by ${output.toExponential(1)}, losses by ${loss.toExponential(1)}`;
  return `  same on both sides: ${id}: ${differences} at most`;
}

/** The median of the speeds, and the least; and whether every loss is the same. */
export function summaryLine(rows: readonly Row[]): string {
  const speeds = rows
    .map(({ ms: [ours, theirs] }) => median(theirs) / median(ours))
    .filter((speed) => Number.isFinite(speed));
  if (speeds.length === 0) return 'nothing was measured on both sides';
  const difference = rows.reduce((most, row) => {
    const [ours, theirs] = lossesOf(row);
    return Number.isFinite(ours - theirs) ? Math.max(most, Math.abs(ours - theirs)) : most;
  }, 0);
  return (
    `median ${median(speeds).toFixed(2)}× PyTorch's speed, least ${Math.min(...speeds).toFixed(2)}×; ` +
    `losses differ by ${difference.toExponential(1)} at most`
  );
}

/** The middle value, or the mean of the two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [low = NaN, high = NaN] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return (low + high) / 2;
}

function lossesOf({ losses: [ours, theirs] }: Row): [number, number] {
  const step = Math.min(lossStep, ours.length - 1, theirs.length - 1);
  return [ours[step] ?? NaN, theirs[step] ?? NaN];
}

function pair(ours: number, theirs: number, format: (value: number) => string): string {
  return [ours, theirs].map((value) => (Number.isFinite(value) ? format(value) : '–')).join(' / ');
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(columns[0]) : cell.padStart(columns[i] ?? 0)))
    .join('')
    .trimEnd();
}
