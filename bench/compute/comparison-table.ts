/** What a comparison found, as lines of text. */
import type { Agreement } from './agreement.ts';
import { flopsOf, type Case } from './cases.ts';

/** One case; pairs are ours, then PyTorch's. */
export interface Row {
  readonly given: Case;
  /** Times of the measured repeats. */
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
  const losses = loss === 0 ? '' : `, losses to ${loss.toExponential(0)}`;
  return `  the same on both sides: ${id}: outputs to ${output.toExponential(0)}${losses}`;
}

/** The median of the speeds and the least, and how far the nets' losses are apart. */
export function summaryLine(rows: readonly Row[]): string {
  const speeds = rows
    .map(({ ms: [ours, theirs] }) => median(theirs) / median(ours))
    .filter((speed) => Number.isFinite(speed));
  if (speeds.length === 0) return 'nothing was measured on both sides';
  const differences = rows
    .filter(({ given }) => given.kind === 'net')
    .map((row) => lossesOf(row))
    .map(([ours, theirs]) => Math.abs(ours - theirs))
    .filter((difference) => Number.isFinite(difference));
  const losses = `; losses differ by ${Math.max(...differences).toExponential(1)} at most`;
  const [middle, least] = [median(speeds), Math.min(...speeds)].map((speed) => speed.toFixed(2));
  return (
    `median ${middle ?? ''}× PyTorch's speed, least ${least ?? ''}×` +
    (differences.length === 0 ? '' : losses)
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
