/** Box plots: quartiles, whiskers to the last value within 1.5 box lengths, and single values: all of few, else those beyond. */
import { linearScale, px, type Scale } from './axis.ts';
import { fixed, quantile } from './figures.ts';
import { html, type Markup } from './markup.ts';

/** One box with its name below it. */
export interface Box {
  readonly label: string;
  readonly values: readonly number[];
  /** Class of the box: `student`, `teacher`; `student open` is without filling. */
  readonly tone: string;
  /** Further lines under the label. */
  readonly notes: readonly string[];
}

/** Boxes to draw on one axis. */
export interface BoxPlot {
  readonly title: string;
  readonly unit: string;
  /** Boxes with a wider gap between groups. */
  readonly groups: readonly { readonly title: string; readonly boxes: readonly Box[] }[];
  /**
   * End of the axis where it is fixed (1 for Dice); else the largest whisker decides, unless it is more than twice the usual
   * one. Values beyond are counted at the top.
   */
  readonly to: number | null;
  /** Of the drawing; 340 when absent, a third of the page. */
  readonly width?: number;
}

/** Of more values only those beyond the whiskers are drawn: a cloud of a thousand hides its box. */
const dotsMax = 160;
const height = 262;
const left = 38;
const top = 12;
const bottom = 72;

/** The drawing with its title, and the figures in words for who cannot see it. */
export function boxPlot({ title, unit, groups, to, width = 340 }: BoxPlot): Markup {
  const values = groups.flatMap(({ boxes }) => boxes.flatMap((box) => box.values));
  const y = linearScale([0, to ?? axisEnd(groups)], [height - bottom, top], 6);
  const slot = (width - left - 8) / Math.max(1, groups.length);
  return html`<figure class="chart">
    <figcaption>${title} <span class="quiet">${unit}</span></figcaption>
    <svg
      viewBox="0 0 ${width} ${height}"
      role="img"
      aria-label="${title}: ${describe(groups, unit)}"
    >
      ${y.ticks.map(
        (tick) =>
          html`<line
              class="grid"
              x1="${left}"
              x2="${width - 8}"
              y1="${px(y.at(tick))}"
              y2="${px(y.at(tick))}"
            />
            <text class="tick" x="${left - 6}" y="${px(y.at(tick) + 3.5)}" text-anchor="end"
              >${tick.toFixed(y.digits)}</text
            >`,
      )}
      ${groups.map(({ title: groupTitle, boxes }, group) => {
        const from = left + group * slot;
        const step = slot / (boxes.length + 0.2);
        return html`${boxes.map((box, index) => drawBox(box, from + step * (index + 0.6), Math.min(30, step * 0.6), y))}
          <text class="group" x="${px(from + slot / 2)}" y="${height - 6}" text-anchor="middle"
            >${groupTitle}</text
          >`;
      })}
      ${values.length === 0 ? html`<text class="tick" x="${width / 2}" y="100" text-anchor="middle">nothing measured</text>` : null}
    </svg>
  </figure>`;
}

function drawBox({ label, values, tone, notes }: Box, x: number, thick: number, y: Scale): Markup {
  const names = html`<text
      class="tick"
      x="${px(x)}"
      y="${height - bottom + 14}"
      text-anchor="middle"
      >${label}</text
    >
    ${notes.map((note, row) => html`<text class="tick small" x="${px(x)}" y="${height - bottom + 27 + 12 * row}" text-anchor="middle">${note}</text>`)}`;
  const q1 = quantile(values, 0.25);
  const middle = quantile(values, 0.5);
  const q3 = quantile(values, 0.75);
  if (q1 === null || middle === null || q3 === null) return names;
  const { low, high } = whiskers(values, q1, q3);
  // What lies beyond the axis is drawn at its end.
  const at = (value: number): number => y.at(Math.min(value, y.to));
  const y1 = at(q3);
  const half = thick / 2;
  const beyond = values.filter((value) => value > y.to).length;
  const single =
    values.length > dotsMax ? values.filter((value) => value < low || value > high) : values;
  return html`<g class="box ${tone}">
      ${single
        .filter((value) => value <= y.to)
        .map(
          (value, index) =>
            html`<circle
              class="value"
              cx="${px(x + jitter(index) * half)}"
              cy="${px(y.at(value))}"
              r="1.5"
            />`,
        )}
      <line class="whisker" x1="${px(x)}" x2="${px(x)}" y1="${px(at(high))}" y2="${px(y1)}" />
      <line class="whisker" x1="${px(x)}" x2="${px(x)}" y1="${px(at(q1))}" y2="${px(at(low))}" />
      <rect
        x="${px(x - half)}"
        y="${px(y1)}"
        width="${px(thick)}"
        height="${px(Math.max(1, at(q1) - y1))}"
        rx="1.5"
      />
      <line
        class="median"
        x1="${px(x - half)}"
        x2="${px(x + half)}"
        y1="${px(at(middle))}"
        y2="${px(at(middle))}"
      />
      <title>
        ${label}: median ${fixed(middle, 2)}, quartiles ${fixed(q1, 2)} to ${fixed(q3, 2)}, n
        ${values.length}
      </title>
    </g>
    ${beyond > 0 ? html`<text class="tick" x="${px(x)}" y="${top - 2}" text-anchor="middle">+${beyond}</text>` : null}${names}`;
}

function whiskers(
  values: readonly number[],
  q1: number,
  q3: number,
): { low: number; high: number } {
  const reach = 1.5 * (q3 - q1);
  const near = values.filter((value) => value >= q1 - reach && value <= q3 + reach);
  return { low: Math.min(...near, q1), high: Math.max(...near, q3) };
}

/** The tallest whisker with some room, but at most twice the usual one: one long tail must not flatten the others. */
function axisEnd(groups: BoxPlot['groups']): number {
  const ends = groups.flatMap(({ boxes }) =>
    boxes.flatMap(({ values }) => {
      const q1 = quantile(values, 0.25);
      const q3 = quantile(values, 0.75);
      return q1 === null || q3 === null ? [] : [whiskers(values, q1, q3).high];
    }),
  );
  const usual = quantile(ends, 0.5) ?? 1;
  return Math.max(1, Math.min(Math.max(...ends, 1), 2 * usual)) * 1.05;
}

/** The golden ratio's multiples: spread evenly, and the same on every drawing. */
function jitter(index: number): number {
  return 2 * ((index * 0.618034) % 1) - 1;
}

function describe(groups: BoxPlot['groups'], unit: string): string {
  return groups
    .flatMap(({ title, boxes }) =>
      boxes.map(
        ({ label, values }) =>
          `${label}, ${title}: median ${fixed(quantile(values, 0.5), 2)} ${unit} of ${values.length}`,
      ),
    )
    .join('; ');
}
