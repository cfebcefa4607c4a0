/** Runs side by side: the page and the table of a comparison. */
import { absent, bytesText, durationText } from '../figures.ts';
import { html, type Markup } from '../markup.ts';
import { renderPage } from '../page.ts';
import { bandChart, bandFile, type BandChart } from './band-chart.ts';
import type { Band, ComparedGroup, ComparedKey, Comparison, GroupRound } from './compare-runs.ts';
import { figureRow, shortText } from './lab-report.ts';
import { coloursOf } from './palette.ts';

/** A figure of a comparison by what it shows. */
interface FigureForm {
  readonly title: string;
  readonly y: ComparedKey;
  /** Null: as the tasks of the runs have it. */
  readonly yLabel: string | null;
  readonly isLogY: boolean;
  readonly x: 'round' | 'bytes' | 'timeMs';
}

const figures: readonly FigureForm[] = [
  {
    title: 'Error by round',
    y: 'error',
    yLabel: 'error above the best model',
    isLogY: true,
    x: 'round',
  },
  {
    title: 'Error by traffic',
    y: 'error',
    yLabel: 'error above the best model',
    isLogY: true,
    x: 'bytes',
  },
  {
    title: 'Error by time',
    y: 'error',
    yLabel: 'error above the best model',
    isLogY: true,
    x: 'timeMs',
  },
  {
    title: 'Distance of the nodes',
    y: 'consensus',
    yLabel: 'mean squared distance to the mean',
    isLogY: true,
    x: 'round',
  },
  {
    title: 'Contraction of an exchange',
    y: 'contraction',
    yLabel: 'distance after over before',
    isLogY: false,
    x: 'round',
  },
  {
    title: 'Error on held-out samples',
    y: 'testError',
    yLabel: null,
    isLogY: false,
    x: 'round',
  },
  {
    title: 'Unequal service',
    y: 'unfairness',
    yLabel: 'standard deviation of own losses',
    isLogY: false,
    x: 'round',
  },
  {
    title: 'Error of the victim',
    y: 'victimError',
    yLabel: 'error above the best model',
    isLogY: true,
    x: 'round',
  },
  {
    title: 'Distance of the victim',
    y: 'victimDistance',
    yLabel: 'squared distance to the mean of the other honest',
    isLogY: true,
    x: 'round',
  },
];
const xLabels = {
  round: 'round',
  bytes: 'bytes sent by all nodes',
  timeMs: 'virtual time, s',
} as const;

/** The page of a comparison. @param failed runs whose models grew beyond all bounds */
export function renderComparison(comparison: Comparison, failed: readonly string[]): string {
  const { groups, keys } = comparison;
  const seeds = Math.max(0, ...groups.map((group) => group.seeds.length));
  const band = seeds > 1 ? '; bands hold the mean at 95 % confidence (Student) over the seeds' : '';
  return renderPage({
    title: 'Annulus laboratory: comparison',
    heading: 'Runs side by side',
    summary: `${groups.length} kinds of runs${keys.length > 0 ? ` that differ in ${keys.join(', ')}` : ''}, up to ${seeds} seeds each${band}.`,
    stamp: '',
    sections: html`<section class="wide">
        <h2>At the end</h2>
        <div class="body">
          <div class="scroll">${table(comparison)}</div>
          ${failed.length > 0 && html`<p class="bad">Diverged: ${failed.join(', ')}</p>`}
        </div>
      </section>
      <section class="wide">
        <h2>On the way<small>Errors and distances are means of the logarithms.</small></h2>
        <div class="row" style="${figureRow}">
          ${chartsOf(comparison).map(({ chart }) => bandChart(chart))}
        </div>
      </section>`,
    footer: 'Annulus laboratory. Nodes in virtual time; nothing here depends on the machine.',
  });
}

/** Figures of a comparison, as SVG files by name. */
export function comparisonFigures(comparison: Comparison): Map<string, string> {
  return new Map(chartsOf(comparison).map(({ name, chart }) => [`${name}.svg`, bandFile(chart)]));
}

/** The table as text: a line for each group. */
export function comparisonText({ groups }: Comparison): string {
  const heads = ['error', 'distance', 'contraction', 'traffic', 'virtual time', 'seeds', ''];
  const rows = groups.map(({ name, final, seeds }) => [
    bandText(final.error),
    bandText(final.consensus),
    bandText(final.contraction),
    final.bytes === null ? absent : bytesText(final.bytes.middle),
    final.timeMs === null ? absent : durationText(final.timeMs.middle),
    String(seeds.length),
    name,
  ]);
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const lineOf = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[heads, ...rows].map(lineOf).join('\n')}\n`;
}

function chartsOf({
  groups,
  heldOutUnit,
}: Comparison): { readonly name: string; readonly chart: BandChart }[] {
  const colours = coloursOf(groups.map(({ name }) => name));
  const isMoved = (key: ComparedKey): boolean =>
    groups.some(({ rounds }) => rounds.some((round) => (round[key]?.middle ?? 0) !== 0));
  return figures
    .filter(({ y, x }) => isMoved(y) && (x === 'round' || isMoved(x)))
    .map(({ title, y, yLabel, isLogY, x }) => ({
      name: `${y}-by-${x}`,
      chart: {
        ...{ title, yLabel: yLabel ?? heldOutUnit, isLogY, xLabel: xLabels[x] },
        curves: groups.map((group, at) => ({
          name: group.name,
          colour: colours[at] ?? '',
          points: group.rounds.flatMap((round) => {
            const band = round[y];
            return band === null ? [] : [{ x: xOf(round, x), ...band }];
          }),
        })),
      },
    }));
}

function xOf(round: GroupRound, x: FigureForm['x']): number {
  if (x === 'round') return round.round;
  return x === 'bytes' ? (round.bytes?.middle ?? 0) : (round.timeMs?.middle ?? 0) / 1000;
}

/** Columns of the table; one that no group has a value for is left out. */
const columns: readonly {
  readonly head: string;
  readonly key: ComparedKey;
  readonly text: (band: Band) => string;
}[] = [
  { head: 'error', key: 'error', text: bandText },
  { head: 'of the mean model', key: 'errorOfMean', text: bandText },
  { head: 'of the worst node', key: 'errorMax', text: bandText },
  { head: 'distance', key: 'consensus', text: bandText },
  { head: 'contraction', key: 'contraction', text: bandText },
  { head: 'held-out', key: 'testError', text: bandText },
  { head: 'traffic', key: 'bytes', text: ({ middle }) => bytesText(middle) },
  { head: 'virtual time', key: 'timeMs', text: ({ middle }) => durationText(middle) },
  { head: 'caught', key: 'caught', text: bandText },
  { head: 'error of the victim', key: 'victimError', text: bandText },
  { head: 'its distance', key: 'victimDistance', text: bandText },
  { head: "attackers' share of what it heard", key: 'victimShare', text: bandText },
];

function table({ keys, groups }: Comparison): Markup {
  const shown = columns.filter(({ key }) => groups.some(({ final }) => final[key] !== null));
  const row = ({ values, final, seeds, name }: ComparedGroup): Markup =>
    html`<tr>
      ${keys.length === 0 ? html`<th>${name}</th>` : values.map((value) => html`<th>${value}</th>`)}
      ${shown.map(({ key, text }) => {
        const band = final[key];
        return html`<td>${band === null ? absent : text(band)}</td>`;
      })}
      <td>${seeds.length}</td>
    </tr>`;
  return html`<table class="tight">
    <thead>
      <tr>
        ${keys.length === 0 ? html`<th></th>` : keys.map((key) => html`<th class="left">${key}</th>`)}
        ${shown.map(({ head }) => html`<th>${head}</th>`)}
        <th>seeds</th>
      </tr>
    </thead>
    <tbody>
      ${groups.map(row)}
    </tbody>
  </table>`;
}

/** 0.0123 (0.0119–0.0127) */
function bandText(band: Band | null): string {
  if (band === null) return absent;
  const middle = shortText(band.middle);
  if (!(band.high > band.low)) return middle;
  return `${middle} (${shortText(band.low)}–${shortText(band.high)})`;
}
