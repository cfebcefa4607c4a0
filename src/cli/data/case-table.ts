/** Cases of a site as a table for a terminal: what each is, and below those that wait why and what to do. */
import { printableLine } from '../../base/index.ts';
import type { SiteLook } from '../../hospital/index.ts';
import { wrapped } from '../wrapped.ts';

/** A line of the table. */
export interface CaseRow {
  readonly name: string;
  /** `ready`, `new`, `QUARANTINED`, …: those in capitals wait for somebody. */
  readonly state: string;
  readonly look: Pick<SiteLook, 'problem' | 'labels' | 'shape' | 'spacingMm' | 'notes'>;
}

const nameMax = 36;
const columnsMax = 120;

/** The head, a line for each case, and below it its rule, what came and the fix, or its notes. */
export function caseTable(rows: readonly CaseRow[], columns: number): string {
  const width = Math.min(columnsMax, Math.max(60, columns));
  const names = rows.map(({ name }) => shortened(printableLine(name)));
  const nameWidth = Math.max(4, ...names.map((name) => name.length)) + 2;
  const stateWidth = Math.max(5, ...rows.map(({ state }) => state.length)) + 2;
  const grids = rows.map(({ look }) => gridText(look));
  const gridWidth = Math.max(6, ...grids.map((grid) => grid.length)) + 2;
  const head = `${'case'.padEnd(nameWidth)}${'state'.padEnd(stateWidth)}${'voxels'.padEnd(gridWidth)}labels`;
  const lines = rows.flatMap(({ state, look }, n) => {
    const labels = look.labels.length === 0 ? '-' : look.labels.join(' ');
    const first = `${(names[n] ?? '').padEnd(nameWidth)}${state.padEnd(stateWidth)}${(grids[n] ?? '').padEnd(gridWidth)}${labels}`;
    return [first, ...below(look, width)];
  });
  return [head, ...lines].map((line) => `${line.trimEnd()}\n`).join('');
}

/** `512 x 512 x 300 of 0.4 x 0.4 x 0.5 mm`, along the rows, the columns and the slices. */
function gridText({ shape, spacingMm }: CaseRow['look']): string {
  if (shape === null || spacingMm === null) return '-';
  const mm = [...spacingMm].reverse().map((one) => Number(one.toFixed(2)));
  return `${[...shape].reverse().join(' x ')} of ${mm.join(' x ')} mm`;
}

function below({ problem, notes }: CaseRow['look'], width: number): string[] {
  const entries: [string, string][] =
    problem === null
      ? notes.map((note) => ['note', note])
      : [
          ['rule', problem.rule],
          ['found', problem.text],
          ['fix', problem.fix],
        ];
  return entries.flatMap(([word, text]) =>
    wrapped(text, width - 10).map((line, n) => `    ${(n === 0 ? word : '').padEnd(6)}${line}`),
  );
}

function shortened(name: string): string {
  if (name.length <= nameMax) return name;
  // Which of several examinations it is.
  const [end] = /#\d+$/.exec(name) ?? [''];
  return `${name.slice(0, nameMax - 1 - end.length)}…${end}`;
}
