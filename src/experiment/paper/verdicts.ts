/**
 * The paper's claims as questions with an answer: the same rules on our medians, over all seeds and for each, and on the
 * paper's. Medians count a missed point as farther than any.
 */
import type {
  ClientGroup,
  DownstreamFigures,
  GroupFigures,
  PaperMedian,
  VerdictRecord,
} from '../../report/index.ts';
import { tasks, type TaskId } from '../../data/index.ts';
import { arms, type Arm } from './experiments.ts';

/** A median and, where it is ours, how many points it leaves out. */
interface Reading {
  /** `null`: half of the points missed, or half of the segmentations without any overlap. */
  readonly median: number | null;
  readonly missRate: number | null;
}

type Readings = (arm: Arm['id'], task: TaskId, group: ClientGroup) => Reading | null;

interface Answer {
  readonly holds: boolean | null;
  readonly figures: string;
}

interface Claim {
  readonly id: string;
  readonly claim: string;
  readonly answer: (readings: Readings) => Answer;
}

const student: Arm['id'] = 'swin-distilled';
const teacher: Arm['id'] = 'unet-federated';
/** Differences that count as none: the paper's claim for hps, and that one student replaces three teachers. */
const nearBest = 0.1;
const nearTeacher = 0.15;

/**
 * Whether each claim holds: over all seeds, for each seed, and by the paper's own medians.
 *
 * @param taught tasks that somebody labelled; claims about others are left out
 */
export function verdictsOf(
  taught: readonly TaskId[],
  seeds: readonly number[],
  groups: readonly GroupFigures[],
  paper: readonly PaperMedian[],
): VerdictRecord[] {
  return claimsOf(taught).map(({ id, claim, answer }) => ({
    ...{ id, claim, ...answer(ourReadings(groups, null)) },
    bySeed: seeds.map((seed) => ({ seed, ...answer(ourReadings(groups, seed)) })),
    paper: answer(paperReadings(paper)),
  }));
}

/** Stated by the paper, without a median that could be read off. */
export function downstreamVerdict(
  seeds: readonly number[],
  figures: readonly DownstreamFigures[],
): VerdictRecord {
  const answer = (seed: number | null): Answer => {
    const readingOf = (arm: Arm['id']): Reading | null => {
      const one = figures.find((found) => found.arm === arm && found.seed === seed);
      return one === undefined ? null : { median: one.medianWithMissed, missRate: one.missRate };
    };
    const [own, other] = [readingOf(student), readingOf(teacher)];
    if (own === null || other === null) return nothing;
    return {
      holds: compare('hps', own, other) < 0,
      figures: `student's backbone ${textOf('hps', own)}, teacher's ${textOf('hps', other)}`,
    };
  };
  return {
    id: 'downstream-student-better',
    claim:
      "A probe finds a landmark that no task taught better on the student's frozen backbone than on the federated U-Net's",
    ...answer(null),
    bySeed: seeds.map((seed) => ({ seed, ...answer(seed) })),
    paper: { holds: true, figures: 'stated, without a median to read off' },
  };
}

function claimsOf(taught: readonly TaskId[]): Claim[] {
  const claims: Claim[] = [
    {
      id: 'distilled-best-ms',
      claim: 'The distilled SwinUNETR is the best of all arms in ms on other clients',
      answer: (readings) => againstBest(readings, 'ms', 0),
    },
    {
      id: 'distilled-near-best-hps',
      claim: 'The distilled SwinUNETR is within 10 % of the best arm in hps on other clients',
      answer: (readings) => againstBest(readings, 'hps', nearBest),
    },
  ];
  return [
    ...claims.filter(({ id }) => taught.some((task) => id.endsWith(task))),
    ...taught.map((task) => ({
      id: `local-swin-worst-${task}`,
      claim: `The local SwinUNETR is the worst of all arms in ${task} on other clients`,
      answer: (readings: Readings) => isWorst(readings, task),
    })),
    ...taught.flatMap((task) =>
      (['other', 'training'] as const).map((group) => ({
        id: `student-replaces-teacher-${task}-${group}`,
        claim: `The one student is within 15 % of the federated U-Net of ${task} on ${group} clients`,
        answer: (readings: Readings) => againstTeacher(readings, task, group),
      })),
    ),
  ];
}

/** The student against the best of the other arms; `tolerance` is the share by which it may be worse. */
function againstBest(readings: Readings, task: TaskId, tolerance: number): Answer {
  const own = readings(student, task, 'other');
  const ranked = ranking(readings, task).filter(({ id }) => id !== student);
  const [best] = ranked;
  if (own === null || best === undefined) return nothing;
  return {
    holds: isWithin(task, own, best.reading, tolerance),
    figures: `${textOf(task, own)}; best of the others: ${best.title} ${textOf(task, best.reading)}`,
  };
}

function isWorst(readings: Readings, task: TaskId): Answer {
  const ranked = ranking(readings, task);
  const own = ranked.find(({ id }) => id === 'swin-local');
  const worst = ranked.filter(({ id }) => id !== 'swin-local').at(-1);
  if (own === undefined || worst === undefined) return nothing;
  return {
    holds: compare(task, own.reading, worst.reading) > 0,
    figures: `${textOf(task, own.reading)}; worst of the others: ${worst.title} ${textOf(task, worst.reading)}`,
  };
}

function againstTeacher(readings: Readings, task: TaskId, group: ClientGroup): Answer {
  const own = readings(student, task, group);
  const other = readings(teacher, task, group);
  if (own === null || other === null) return nothing;
  return {
    holds: isWithin(task, own, other, nearTeacher),
    figures: `student ${textOf(task, own)}, teacher ${textOf(task, other)}`,
  };
}

const nothing: Answer = { holds: null, figures: 'nothing measured' };

/** Arms that were measured on other clients, best first. */
function ranking(readings: Readings, task: TaskId): (Arm & { readonly reading: Reading })[] {
  return arms
    .flatMap((arm) => {
      const reading = readings(arm.id, task, 'other');
      return reading === null ? [] : [{ ...arm, reading }];
    })
    .sort((a, b) => compare(task, a.reading, b.reading));
}

/** Below 0 when `a` is better: nearer, or of higher Dice. Half of the points missed is worse than any distance. */
function compare(task: TaskId, a: Reading, b: Reading): number {
  const [x, y] = [cost(task, a), cost(task, b)];
  return x === y ? 0 : x - y;
}

function cost(task: TaskId, { median }: Reading): number {
  if (median === null) return Infinity;
  return isPoints(task) ? median : -median;
}

/** Whether `own` is at most a share `tolerance` worse than `other`. */
function isWithin(task: TaskId, own: Reading, other: Reading, tolerance: number): boolean {
  if (own.median === null) return false;
  if (other.median === null) return true;
  return isPoints(task)
    ? own.median <= other.median * (1 + tolerance)
    : own.median >= other.median * (1 - tolerance);
}

function ourReadings(groups: readonly GroupFigures[], seed: number | null): Readings {
  return (arm, task, group) => {
    const found = groups.find(
      (one) => one.arm === arm && one.task === task && one.group === group && one.seed === seed,
    );
    if (found === undefined || (found.n === 0 && found.missRate === null)) return null;
    const { medianWithMissed: median, missRate } = found;
    return { median: !isPoints(task) && median === 0 ? null : median, missRate };
  };
}

function paperReadings(paper: readonly PaperMedian[]): Readings {
  return (arm, task, group) => {
    const found = paper.find((one) => one.arm === arm && one.task === task && one.group === group);
    return found === undefined ? null : { median: found.median, missRate: null };
  };
}

function textOf(task: TaskId, { median, missRate }: Reading): string {
  if (median === null)
    return isPoints(task) ? 'half or more missed' : 'half or more without overlap';
  const value = isPoints(task) ? `${median.toFixed(2)} mm` : `Dice ${median.toFixed(3)}`;
  const percents = (missRate ?? 0) * 100;
  return percents > 0 ? `${value} (${percents.toFixed(1)} % missed)` : value;
}

function isPoints(task: TaskId): boolean {
  return tasks[task].kind === 'points';
}
