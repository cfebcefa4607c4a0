/** Lines over rounds: one faint line for each hospital and a strong one for their mean. */
import { linearScale, px, type Scale } from './axis.ts';
import { fixed } from './figures.ts';
import { html, type Markup } from './markup.ts';

/** Values of one name, one for each round of the chart. */
export interface Line {
  readonly name: string;
  /** `null`, where there was no value, leaves a gap; `undefined`, where nobody looked, does not. */
  readonly values: readonly (number | null | undefined)[];
  /** Class of the stroke: `faint`, `student`, `teacher`, `other`. */
  readonly tone: string;
}

/** Lines to draw on one axis. */
export interface LineChart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
  /** Round numbers below the axis. */
  readonly rounds: readonly number[];
  readonly fromZero: boolean;
}

const width = 340;
const height = 190;
const left = 38;
const right = 34;
const top = 14;
const bottom = 26;

function isThere(value: number | null | undefined): value is number {
  return typeof value === 'number';
}

/** The drawing with its title, and the first and last values in words for who cannot see it. */
export function lineChart({ title, unit, lines, rounds, fromZero }: LineChart): Markup {
  const all = lines.flatMap(({ values }) => values.filter(isThere));
  const low = fromZero ? 0 : Math.min(...all);
  const y = linearScale(all.length === 0 ? [0, 1] : [low, Math.max(...all)], [
    height - bottom,
    top,
  ]);
  const last = Math.max(1, rounds.length - 1);
  const x = (index: number): number => left + (index / last) * (width - left - right);
  const summary = lines
    .filter(({ tone }) => tone !== 'faint')
    .map(({ name, values }) => `${name} from ${ends(values)}`)
    .join('; ');
  return html`<figure class="chart">
    <figcaption>${title} <span class="quiet">${unit}</span></figcaption>
    <svg
      viewBox="0 0 ${width} ${height}"
      role="img"
      aria-label="${title}, ${unit}, by round: ${summary}"
    >
      ${yAxis(y)}
      ${rounds.map((round, index) =>
        isLabelled(index, rounds.length)
          ? html`<text class="tick" x="${px(x(index))}" y="${height - 8}" text-anchor="middle"
              >${round}</text
            >`
          : null,
      )}
      ${lines.map((line) => drawLine(line, x, y))} ${endLabels(lines, x, y)}
    </svg>
  </figure>`;
}

function yAxis(y: Scale): Markup[] {
  return y.ticks.map(
    (tick) =>
      html`<line
          class="grid"
          x1="${left}"
          x2="${width - right}"
          y1="${px(y.at(tick))}"
          y2="${px(y.at(tick))}"
        />
        <text class="tick" x="${left - 6}" y="${px(y.at(tick) + 3.5)}" text-anchor="end"
          >${tick.toFixed(y.digits)}</text
        >`,
  );
}

function drawLine({ name, values, tone }: Line, x: (index: number) => number, y: Scale): Markup {
  let path = '';
  let isDown = false;
  values.forEach((value, index) => {
    if (value === undefined) return;
    if (value !== null) path += `${isDown ? 'L' : 'M'}${px(x(index))} ${px(y.at(value))}`;
    isDown = value !== null;
  });
  const dots = values.map((value, index) =>
    !isThere(value) || (tone === 'faint' && values.length > 1)
      ? null
      : html`<circle class="dot ${tone}" cx="${px(x(index))}" cy="${px(y.at(value))}" r="2.4"
          ><title>${name}: ${fixed(value, 3)}</title></circle
        >`,
  );
  return html`<path class="line ${tone}" d="${path}"><title>${name}</title></path>${dots}`;
}

/** Names at the right ends of the strong lines, pushed apart until none covers another. */
function endLabels(lines: readonly Line[], x: (index: number) => number, y: Scale): Markup[] {
  const labels = lines
    .filter(({ tone }) => tone !== 'faint')
    .flatMap(({ name, values, tone }) => {
      const index = values.findLastIndex(isThere);
      const value = values[index];
      return typeof value === 'number' ? [{ name, tone, x: x(index), y: y.at(value) }] : [];
    })
    .sort((a, b) => a.y - b.y);
  const gap = 10;
  const room = (height - bottom - top) / Math.max(1, labels.length - 1);
  let above = -Infinity;
  const placed = labels.map((label) => {
    above = Math.max(label.y, above + Math.min(gap, room));
    return { ...label, at: above };
  });
  const excess = Math.max(0, above - (height - bottom));
  return placed.map(
    ({ name, tone, x: labelX, at }) =>
      html`<text class="end ${tone}" x="${px(labelX + 6)}" y="${px(at - excess + 3)}"
        >${name}</text
      >`,
  );
}

function isLabelled(index: number, count: number): boolean {
  const stride = Math.ceil(count / 12);
  return index % stride === 0;
}

function ends(values: Line['values']): string {
  const known = values.filter(isThere);
  return `${fixed(known.at(0) ?? null, 2)} to ${fixed(known.at(-1) ?? null, 2)}`;
}
