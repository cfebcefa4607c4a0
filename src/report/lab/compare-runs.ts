/** Runs that differ in their seed alone are one group; groups side by side, with intervals over the seeds. */
import { heldOutWords } from './held-out.ts';
import type { LabRecord, LabRound, LabSettingsTree } from './lab-record.ts';

/** A run with what it measured. */
export interface ComparedRun {
  readonly name: string;
  readonly record: LabRecord;
  readonly rounds: readonly LabRound[];
}

/** A value with the interval that holds it at 95 % confidence; both ends the value, for one seed. */
export interface Band {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/** Measurements that groups are compared by. */
export type ComparedKey =
  | 'error'
  | 'errorMax'
  | 'errorOfMean'
  | 'testError'
  | 'consensus'
  | 'contraction'
  | 'unfairness'
  | 'timeMs'
  | 'steps'
  | 'lost'
  | 'late'
  | 'caught'
  | 'falselyCaught'
  | 'victimError'
  | 'victimDistance'
  | 'victimShare'
  | 'bytes';

/** One measurement over the seeds of a group. */
export type Bands = Readonly<Record<ComparedKey, Band | null>>;

/** A group after one round. */
export interface GroupRound extends Bands {
  readonly round: number;
}

/** Runs of one kind. */
export interface ComparedGroup {
  /** What tells it from the others, such as `topology.kind ring`. */
  readonly name: string;
  /** Where groups differ: the value of each setting, in the order of `Comparison.keys`. */
  readonly values: readonly string[];
  readonly seeds: readonly number[];
  readonly rounds: readonly GroupRound[];
  readonly final: GroupRound;
}

/** Groups side by side. */
export interface Comparison {
  /** Settings in which groups differ. */
  readonly keys: readonly string[];
  readonly groups: readonly ComparedGroup[];
  /** Of `testError`; several words where tasks differ in it. */
  readonly heldOutUnit: string;
}

const comparedKeys: readonly ComparedKey[] = [
  ...(['error', 'errorMax', 'errorOfMean', 'testError', 'consensus', 'contraction'] as const),
  ...([
    'unfairness',
    'timeMs',
    'steps',
    'lost',
    'late',
    'caught',
    'falselyCaught',
    'bytes',
  ] as const),
  ...(['victimError', 'victimDistance', 'victimShare'] as const),
];

/** What spans powers of ten: means and intervals are those of the logarithms. */
const logarithmic: ReadonlySet<ComparedKey> = new Set([
  'error',
  'errorMax',
  'errorOfMean',
  'consensus',
  'victimError',
  'victimDistance',
]);

/** Quantiles of Student's t at 97.5 % for 1 to 30 degrees of freedom. */
const studentT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];

/** Groups in the order in which their first runs came. */
export function compareRuns(runs: readonly ComparedRun[]): Comparison {
  const flat = runs.map(({ record }) => flattened(record));
  const all = [...new Set(flat.flatMap((settings) => [...settings.keys()]))];
  const keys = all
    .filter(
      (key) => key !== 'seed' && new Set(flat.map((settings) => settings.get(key) ?? '')).size > 1,
    )
    // A preset's name says nothing that its other settings do not.
    .filter((key, _, differing) => key !== 'name' || differing.length === 1);
  const members = new Map<string, { values: string[]; runs: ComparedRun[] }>();
  runs.forEach((run, at) => {
    const values = keys.map((key) => flat[at]?.get(key) ?? '');
    const id = JSON.stringify(values);
    const group = members.get(id) ?? { values, runs: [] };
    members.set(id, group);
    group.runs.push(run);
  });
  const groups = [...members.values()].map((group) => groupOf(keys, group.values, group.runs));
  const units = new Set(runs.map(({ record }) => heldOutWords(record.settings).unit));
  return { keys, groups, heldOutUnit: [...units].join(', or ') };
}

/** Mean of values over seeds, with Student's interval; of the logarithms where `isLog` and all are above 0. */
export function bandOf(values: readonly number[], isLog: boolean): Band | null {
  if (values.length === 0) return null;
  const inLogs = isLog && values.every((value) => value > 0);
  const scaled = inLogs ? values.map(Math.log) : values;
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const squares = scaled.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const freedom = scaled.length - 1;
  const half =
    freedom === 0
      ? 0
      : (studentT[freedom - 1] ?? 1.96) * Math.sqrt(squares / freedom / scaled.length);
  const [middle, low, high] = [mean, mean - half, mean + half];
  return inLogs
    ? { middle: Math.exp(middle), low: Math.exp(low), high: Math.exp(high) }
    : { middle, low, high };
}

function groupOf(
  keys: readonly string[],
  values: readonly string[],
  runs: readonly ComparedRun[],
): ComparedGroup {
  const counts = new Map<number, number>();
  for (const { rounds } of runs) {
    for (const { round } of rounds) counts.set(round, (counts.get(round) ?? 0) + 1);
  }
  const shared = [...counts].filter(([, count]) => count === runs.length).map(([round]) => round);
  const byRound = runs.map(({ rounds }) => new Map(rounds.map((one) => [one.round, one])));
  const rounds = shared.map((round) => {
    return groupRound(
      round,
      byRound.flatMap((one) => one.get(round) ?? []),
    );
  });
  const last = Math.max(...runs.map(({ record }) => record.untilRound));
  const name = keys.map((key, at) => `${key} ${values[at] ?? ''}`).join(', ');
  return {
    name: name === '' ? (runs[0]?.name ?? '') : name,
    values,
    seeds: runs.map(({ record }) => Number(record.settings.seed)),
    rounds,
    final: groupRound(
      last,
      runs.map(({ record }) => record.final),
    ),
  };
}

function groupRound(round: number, measured: readonly LabRound[]): GroupRound {
  const bands = comparedKeys.map((key): [ComparedKey, Band | null] => {
    const values = measured.flatMap((one) => valueOf(one, key) ?? []);
    return [key, bandOf(values, logarithmic.has(key))];
  });
  return { round, ...(Object.fromEntries(bands) as unknown as Bands) };
}

function valueOf(round: LabRound, key: ComparedKey): number | null {
  return key === 'bytes' ? round.modelBytes + round.headerBytes : round[key];
}

/** Settings by their paths, as text, with where a fork began. */
function flattened({ settings, fork }: LabRecord): Map<string, string> {
  const flat = new Map<string, string>();
  const walk = (tree: LabSettingsTree, path: string): void => {
    for (const [key, value] of Object.entries(tree)) {
      const inner = path === '' ? key : `${path}.${key}`;
      if (typeof value === 'object' && !Array.isArray(value)) walk(value as LabSettingsTree, inner);
      else flat.set(inner, String(value as string | number));
    }
  };
  walk(settings, '');
  if (fork !== null) flat.set('fork', String(fork.round));
  return flat;
}
