/** The table of a reproduction and its verdicts as text, for a terminal and for `table.txt`. */
import { absent, fixed, percent } from './figures.ts';
import type {
  ArmRecord,
  ClientGroup,
  Figures,
  GroupFigures,
  ReproductionRecord,
  VerdictRecord,
} from './reproduction-record.ts';
import type { TaskRecord } from './run-record.ts';

const groups = ['training', 'other'] as const;
const widths = { arm: 18, median: 20, missed: 8, n: 6, paper: 13, calibration: 15 };
const gap = '  ';

/** Errors, calibration, the probe and what became of the paper's claims; ends with a line break. */
export function reproductionText(record: ReproductionRecord): string {
  return `${[...reproductionTable(record), '', ...verdictLines(record)].join('\n')}\n`;
}

/** A block of lines for every task. */
function reproductionTable(record: ReproductionRecord): string[] {
  const { seeds, tasks } = record;
  return [
    `Errors on held-out cases: median [95 % interval over patients], missed, n; seeds ${seeds.join(', ')}`,
    ...tasks.flatMap((task) => ['', ...taskBlock(task, record)]),
    '',
    ...calibrationBlock(record),
    '',
    ...downstreamBlock(record),
  ];
}

/** What became of the paper's claims. */
function verdictLines({ verdicts }: ReproductionRecord): string[] {
  return ["The paper's claims", ...verdicts.flatMap(verdictBlock)];
}

function taskBlock(task: TaskRecord, record: ReproductionRecord): string[] {
  const isPoints = task.kind === 'points';
  const columns = [
    'median'.padEnd(widths.median),
    ...(isPoints ? ['missed'.padStart(widths.missed)] : []),
    'n'.padStart(widths.n),
  ].join('');
  const heads = groups.map((group) => `${group} clients`.padEnd(columns.length));
  return [
    `${task.id}: ${task.title}, ${isPoints ? 'mm' : 'Dice'}`,
    [''.padEnd(widths.arm), ...heads, 'paper'].join(gap).trimEnd(),
    ['arm'.padEnd(widths.arm), columns, columns, 'train / other'].join(gap).trimEnd(),
    ...record.arms.map((arm) => {
      const cells = groups.map((group) =>
        figureCells(figureOf(record, arm, task, group), task.kind),
      );
      return [arm.title.padEnd(widths.arm), ...cells, paperCell(record, arm, task)].join(gap);
    }),
  ];
}

/** One line for each arm: how far its probabilities are from how often they are right. */
function calibrationBlock(record: ReproductionRecord): string[] {
  const { arms, tasks } = record;
  const cell = (arm: ArmRecord, task: TaskRecord): string =>
    groups
      .map((group) => fixed(figureOf(record, arm, task, group)?.calibrationError ?? null, 3))
      .join(' / ')
      .padEnd(widths.calibration);
  return [
    'Expected calibration error of voxels predicted or truly labelled, training / other clients',
    ['arm'.padEnd(widths.arm), ...tasks.map(({ id }) => id.padEnd(widths.calibration))]
      .join(gap)
      .trimEnd(),
    ...arms.map((arm) =>
      [arm.title.padEnd(widths.arm), ...tasks.map((task) => cell(arm, task))].join(gap).trimEnd(),
    ),
  ];
}

function downstreamBlock({ downstream, arms }: ReproductionRecord): string[] {
  const { landmark, trainingCases, steps, figures } = downstream;
  const pooled = figures.filter(({ seed }) => seed === null);
  return [
    `Downstream: ${landmark}, which no task taught, by a probe on a frozen backbone`,
    `(${trainingCases} cases, ${steps} steps), mm`,
    ...pooled.map(({ arm, ...one }) => {
      const title = arms.find(({ id }) => id === arm)?.title ?? arm;
      return [title.padEnd(widths.arm), figureCells(one, 'points')].join(gap);
    }),
  ];
}

function figureOf(
  record: ReproductionRecord,
  arm: ArmRecord,
  task: TaskRecord,
  group: ClientGroup,
): GroupFigures | undefined {
  return record.groups.find(
    (one) => one.arm === arm.id && one.task === task.id && one.group === group && one.seed === null,
  );
}

function figureCells(
  figures: Pick<Figures, 'median' | 'interval' | 'missRate' | 'n'> | undefined,
  kind: TaskRecord['kind'],
): string {
  const digits = kind === 'points' ? 2 : 3;
  const interval = figures?.interval ?? null;
  const range =
    interval === null ? '' : ` [${fixed(interval.low, digits)}, ${fixed(interval.high, digits)}]`;
  const median = `${fixed(figures?.median ?? null, digits)}${range}`.padEnd(widths.median);
  const missed = percent(figures?.missRate ?? null).padStart(widths.missed);
  const n = String(figures?.n ?? 0).padStart(widths.n);
  return [median, kind === 'points' ? missed : '', n].join('');
}

function paperCell({ paper }: ReproductionRecord, arm: ArmRecord, task: TaskRecord): string {
  const texts = groups.map((group) => {
    const found = paper.find(
      (one) => one.arm === arm.id && one.task === task.id && one.group === group,
    );
    return found === undefined ? absent : fixed(found.median, task.kind === 'points' ? 1 : 2);
  });
  return texts.join(' / ').padStart(widths.paper).trimEnd();
}

function verdictBlock({ claim, holds, figures, bySeed, paper }: VerdictRecord): string[] {
  const seeds = bySeed.map((one) => `seed ${one.seed} ${wordOf(one.holds)} (${one.figures})`);
  return [
    '',
    `  ${wordOf(holds).toUpperCase()}: ${claim}`,
    `    ${figures}`,
    ...seeds.map((line) => `    ${line}`),
    `    the paper's medians: ${wordOf(paper.holds)} (${paper.figures})`,
  ];
}

function wordOf(holds: VerdictRecord['holds']): string {
  if (holds === null) return 'undecided';
  return holds ? 'holds' : 'does not hold';
}
