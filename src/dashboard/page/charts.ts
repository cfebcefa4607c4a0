/** Loss and error over the rounds, drawn by uPlot, with a legend in words and the same as a table. */
import type uPlotClass from 'uplot';
import type { NodeStatus } from '../node-status.ts';
import { element, patch, svg } from './elements.ts';
import { absent, fixed } from './figures.ts';

/** One line: a task, with its value by round. */
interface Series {
  readonly name: string;
  readonly values: ReadonlyMap<number, number>;
}

interface ChartData {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

const lineCount = 5;
const dashes: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [10, 3, 2, 3], [5, 5]];
const height = 190;
const tableRows = 50;

/** What the status has to draw: the loss by task, and each kind of error by task. */
export function chartsOf({ losses, errors, consortium }: NodeStatus): readonly ChartData[] {
  const lossSeries = seriesOf(
    losses.map(({ stage, round, loss }) => ({
      name: consortium.stages.find(({ id }) => id === stage)?.task ?? stage,
      round,
      value: loss,
    })),
  );
  // A teacher's error and the student's are of two models: two lines.
  const stageOf = new Map(losses.map(({ round, stage }) => [round, stage]));
  const nameOf = (task: string, round: number): string => {
    const stage = consortium.stages.find(({ id }) => id === stageOf.get(round));
    return stage === undefined ? task : `${task}, ${stage.task === null ? 'student' : 'teacher'}`;
  };
  const measured = (unit: string): readonly Series[] =>
    seriesOf(
      errors
        .filter((error) => error.unit === unit)
        .map(({ task, round, value }) => ({ name: nameOf(task, round), round, value })),
    );
  return [
    { id: 'loss', title: 'Training loss', unit: 'mean of the round', series: lossSeries },
    { id: 'mm', title: 'Error of points', unit: 'mm, own held-out cases', series: measured('mm') },
    { id: 'dice', title: 'Dice', unit: 'own held-out cases, 1 is best', series: measured('dice') },
    { id: 'holdout', title: 'Loss held out', unit: 'own held-out cases', series: measured('loss') },
  ].filter(({ id, series }) => id === 'loss' || series.length > 0);
}

function seriesOf(
  points: readonly { name: string; round: number; value: number }[],
): readonly Series[] {
  const byName = new Map<string, Map<number, number>>();
  for (const { name, round, value } of points) {
    const values = byName.get(name) ?? new Map<number, number>();
    byName.set(name, values.set(round, value));
  }
  return [...byName].map(([name, values]) => ({ name, values }));
}

interface Drawn {
  readonly figure: HTMLElement;
  readonly plot: HTMLElement;
  readonly legend: HTMLElement;
  readonly rows: HTMLElement;
  readonly heads: HTMLElement;
  chart: uPlotClass | null;
  names: string;
  data: ChartData;
}

/** Keeps the charts of one container drawn. */
export class Charts {
  readonly #container: HTMLElement;
  readonly #drawn = new Map<string, Drawn>();

  constructor(container: HTMLElement) {
    this.#container = container;
    const redraw = (): void => {
      for (const drawn of this.#drawn.values()) draw(drawn, true);
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    new ResizeObserver(() => {
      for (const { chart, plot } of this.#drawn.values())
        chart?.setSize({ width: plot.clientWidth, height });
    }).observe(container);
  }

  show(status: NodeStatus): void {
    for (const data of chartsOf(status)) {
      const drawn = this.#drawn.get(data.id) ?? this.#add(data);
      drawn.data = data;
      draw(drawn, false);
    }
  }

  #add(data: ChartData): Drawn {
    const plot = element('div', { class: 'plot' });
    const legend = element('ul', { class: 'legend' });
    const heads = element('tr');
    const rows = element('tbody');
    const table = element('table', {}, element('thead', {}, heads), rows);
    const label = `${data.title} by round`;
    const scroll = element(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label },
      table,
    );
    const figure = element(
      'figure',
      { class: 'chart' },
      element('figcaption', {}, `${data.title} `, element('span', { class: 'quiet' }, data.unit)),
      ...[plot, legend],
      element('details', {}, element('summary', {}, `${data.title} as a table`), scroll),
    );
    const drawn: Drawn = { figure, plot, legend, rows, heads, chart: null, names: '', data };
    this.#drawn.set(data.id, drawn);
    this.#container.append(figure);
    return drawn;
  }
}

function draw(drawn: Drawn, isAnew: boolean): void {
  const { plot, data, legend, rows, heads } = drawn;
  const { series, title, unit } = data;
  const rounds = [...new Set(series.flatMap(({ values }) => [...values.keys()]))].sort(
    (a, b) => a - b,
  );
  const columns = series.map(({ values }) => rounds.map((round) => values.get(round) ?? null));
  const names = JSON.stringify(series.map(({ name }) => name));
  patch(legend, legendItems(series));
  patch(
    heads,
    ['round', ...series.map(({ name }) => name)].map((name) =>
      element('th', { scope: 'col' }, name),
    ),
  );
  patch(rows, tableRowsOf(rounds, series));
  plot.setAttribute('role', 'img');
  plot.setAttribute('aria-label', `${title}, ${unit}: ${spoken(series)}`);
  if (rounds.length === 0) {
    plot.replaceChildren(element('p', { class: 'quiet' }, 'no round is sealed yet'));
    return;
  }
  const table = [rounds, ...columns] as unknown as uPlotClass.AlignedData;
  if (drawn.chart !== null && drawn.names === names && !isAnew) {
    drawn.chart.setData(table);
    return;
  }
  drawn.chart?.destroy();
  plot.replaceChildren();
  drawn.names = names;
  const { uPlot } = globalThis as unknown as { readonly uPlot: typeof uPlotClass };
  drawn.chart = new uPlot(optionsOf(plot, series), table, plot);
}

function optionsOf(plot: HTMLElement, series: readonly Series[]): uPlotClass.Options {
  const style = getComputedStyle(plot);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const font = `11px ${style.fontFamily}`;
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--rule'), width: 1 },
    ticks: { stroke: colour('--rule'), width: 1, size: 4 },
    font,
  };
  return {
    ...{ width: plot.clientWidth, height },
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: {
        time: false,
        range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]),
      },
    },
    axes: [
      { ...axis, size: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      { ...axis, size: 46 },
    ],
    series: [
      {},
      ...series.map((_, index) => ({
        stroke: colour(`--line-${(index % lineCount) + 1}`),
        ...{ width: 2, spanGaps: true, points: { show: true, size: 5 } },
        dash: [...(dashes[index % dashes.length] ?? [])],
      })),
    ],
  };
}

function legendItems(series: readonly Series[]): Element[] {
  return series.map(({ name, values }, index) => {
    const dash = (dashes[index % dashes.length] ?? []).join(' ');
    const line = svg('line', {
      ...{ x1: 0, x2: 26, y1: 4, y2: 4, class: `line-${(index % lineCount) + 1}` },
      'stroke-dasharray': dash === '' ? null : dash,
    });
    const sample = svg('svg', { viewBox: '0 0 26 8', 'aria-hidden': 'true' }, line);
    return element('li', {}, sample, `${name} ${fixed([...values.values()].at(-1) ?? null, 3)}`);
  });
}

function tableRowsOf(rounds: readonly number[], series: readonly Series[]): Element[] {
  return rounds
    .slice(-tableRows)
    .reverse()
    .map((round) =>
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, round),
        ...series.map(({ values }) => {
          const value = values.get(round);
          return element('td', {}, value === undefined ? absent : fixed(value, 3));
        }),
      ),
    );
}

function spoken(series: readonly Series[]): string {
  if (series.length === 0) return 'nothing yet';
  return series
    .map(({ name, values }) => {
      const all = [...values.values()];
      return `${name} from ${fixed(all[0] ?? null, 2)} to ${fixed(all.at(-1) ?? null, 2)} in ${all.length} rounds`;
    })
    .join('; ');
}
