/** Curves with their confidence bands, as a figure that may go into a paper: all that it needs stands in the drawing. */
import { linearScale, px } from '../axis.ts';
import { html, type Markup } from '../markup.ts';
import type { Band } from './compare-runs.ts';

/** A point of a curve. */
export interface BandPoint extends Band {
  readonly x: number;
}

/** A curve with its band. */
export interface BandCurve {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly BandPoint[];
}

/** What is drawn on one pair of axes. */
export interface BandChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Powers of ten on the axis; values of 0 and below are left out. */
  readonly isLogY: boolean;
  readonly isLogX?: boolean;
  readonly curves: readonly BandCurve[];
}

const width = 460;
const height = 300;
const left = 58;
const right = 12;
const top = 12;
const bottom = 42;
/** Of curves that have one colour, the first is drawn whole, the next ones with these dashes. */
const dashes = [
  '',
  ';stroke-dasharray:6 3',
  ';stroke-dasharray:2 2.5',
  ';stroke-dasharray:9 3 2 3',
];
/** A line of the key. */
const keyHeight = 15;
const font = 'font-family:Helvetica,Arial,sans-serif';
const ink = 'fill:var(--ink,#17222c)';
const quiet = 'fill:var(--quiet,#5d6b77)';
const grid = 'stroke:var(--rule,#d5dce1)';

interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

/** The figure with its caption; the key stands below the axes. */
export function bandChart(chart: BandChart): Markup {
  return html`<figure class="chart">
    <figcaption>${chart.title}</figcaption>
    ${bandSvg(chart)}
  </figure>`;
}

/** The drawing alone: with `xmlns`, so that it is a file of its own as well. */
export function bandSvg({
  title,
  xLabel,
  yLabel,
  isLogY,
  isLogX = false,
  curves,
}: BandChart): Markup {
  // Rounding of a large number is no small one: what is 16 powers of ten below the largest says nothing.
  const largest = curves
    .flatMap(({ points }) => points)
    .reduce((most, { middle }) => Math.max(most, middle), 0);
  const isSeen = ({ x, middle }: BandPoint): boolean =>
    Number.isFinite(middle) && (!isLogY || middle > 1e-16 * largest) && (!isLogX || x > 0);
  const drawn = curves.map((curve, at) => ({
    ...curve,
    stroke: strokeOf(curves, at),
    points: curve.points.filter(isSeen),
  }));
  const all = drawn.flatMap(({ points }) => points);
  const bottomOf = ({ low, middle }: BandPoint): number => (isLogY && low <= 0 ? middle : low);
  const y = axis(
    [...all.map(({ high }) => high), ...all.map(bottomOf)],
    height - bottom,
    top,
    isLogY,
  );
  const x = axis(
    all.map((point) => point.x),
    left,
    width - right,
    isLogX,
  );
  const total = height + keyHeight * curves.length;
  const inPlot = (value: number): number => Math.min(height - bottom, Math.max(top, y.at(value)));
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${width} ${total}"
    role="img"
    aria-label="${title}: ${yLabel} over ${xLabel}, ${drawn.map(({ name }) => name).join('; ')}"
    style="${font}"
  >
    ${axes(x, y, xLabel, yLabel)}
    ${drawn.map(({ colour, stroke, points }) => {
      const upper = points.map((point) => `${px(x.at(point.x))} ${px(inPlot(point.high))}`);
      const lower = points.map((point) => `${px(x.at(point.x))} ${px(inPlot(bottomOf(point)))}`);
      const line = points.map((point) => `${px(x.at(point.x))} ${px(y.at(point.middle))}`);
      const isBand = points.some(({ low, high }) => high > low);
      return html`${
          isBand &&
          html`<path
            d="M${[...upper, ...lower.reverse()].join('L')}Z"
            style="fill:${colour};opacity:.18"
          />`
        }
        <path
          d="M${line.join('L')}"
          style="fill:none;${stroke};stroke-width:1.8;stroke-linejoin:round"
        />`;
    })}
    ${drawn.map(keyLine)}
  </svg>`;
}

/** A line of the key. */
function keyLine(
  { name, stroke }: { readonly name: string; readonly stroke: string },
  at: number,
): Markup {
  const middle = height + keyHeight * at + 4;
  return html`<line
      x1="${left}"
      x2="${left + 18}"
      y1="${middle}"
      y2="${middle}"
      style="${stroke};stroke-width:3"
    />
    <text x="${left + 24}" y="${middle + 4}" style="font-size:11px;${ink}">${name}</text>`;
}

/** Colour of a curve, and dashes where one before it has the same. */
function strokeOf(curves: readonly BandCurve[], at: number): string {
  const colour = curves[at]?.colour ?? '';
  const before = curves.slice(0, at).filter((curve) => curve.colour === colour).length;
  return `stroke:${colour}${dashes[before % dashes.length] ?? ''}`;
}

/** A file of its own. */
export function bandFile(chart: BandChart): string {
  return `${bandSvg(chart).text}\n`;
}

function axes(x: Axis, y: Axis, xLabel: string, yLabel: string): Markup {
  const small = `font-size:10.5px;${quiet}`;
  const label = `font-size:11.5px;${ink}`;
  const middle = (top + height - bottom) / 2;
  return html`${y.ticks.map(
      ({ value, text }) =>
        html`<line
            x1="${left}"
            x2="${width - right}"
            y1="${px(y.at(value))}"
            y2="${px(y.at(value))}"
            style="${grid}"
          />
          <text x="${left - 6}" y="${px(y.at(value) + 3.5)}" text-anchor="end" style="${small}"
            >${text}</text
          >`,
    )}
    ${x.ticks.map(
      ({ value, text }) =>
        html`<line
            x1="${px(x.at(value))}"
            x2="${px(x.at(value))}"
            y1="${height - bottom}"
            y2="${height - bottom + 4}"
            style="stroke:var(--quiet,#5d6b77)"
          />
          <text
            x="${px(x.at(value))}"
            y="${height - bottom + 16}"
            text-anchor="middle"
            style="${small}"
            >${text}</text
          >`,
    )}
    <path
      d="M${left} ${top}V${height - bottom}H${width - right}"
      style="fill:none;stroke:var(--quiet,#5d6b77)"
    />
    <text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle" style="${label}"
      >${xLabel}</text
    >
    <text
      x="14"
      y="${middle}"
      text-anchor="middle"
      transform="rotate(-90 14 ${middle})"
      style="${label}"
      >${yLabel}</text
    >`;
}

function axis(values: readonly number[], start: number, end: number, isLog: boolean): Axis {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (isLog) return logAxis(low === Infinity ? 1 : low, high === -Infinity ? 10 : high, start, end);
  const scale = linearScale(
    values.length === 0 ? [0, 1] : [Math.min(0, low), high],
    [start, end],
    6,
  );
  const ticks = scale.ticks.map((value) => ({ value, text: shortNumber(value, scale.digits) }));
  return { at: scale.at, ticks };
}

/** Ends at the values and not at powers of ten, which would leave half of a figure empty; at least one decade. */
function logAxis(low: number, high: number, start: number, end: number): Axis {
  const middle = (Math.log10(low) + Math.log10(high)) / 2;
  const half = Math.max(0.5, (1.04 * (Math.log10(high) - Math.log10(low))) / 2);
  const [from, to] = [middle - half, middle + half];
  const at = (value: number): number =>
    start + ((Math.log10(value) - from) / (to - from)) * (end - start);
  const decades = Math.floor(to) - Math.ceil(from);
  const step = Math.max(1, Math.ceil(decades / 7));
  const powers = Array.from({ length: decades + 1 }, (_, index) => Math.ceil(from) + index);
  const factors = decades < 2 ? [1, 2, 5] : [1];
  const ticks = [Math.ceil(from) - 1, ...powers]
    .filter((power) => power % step === 0)
    .flatMap((power) => factors.map((factor) => ({ value: factor * 10 ** power, power, factor })))
    .filter(({ value }) => Math.log10(value) >= from && Math.log10(value) <= to)
    .map(({ value, power, factor }) => ({ value, text: powerText(power, factor) }));
  return { at, ticks };
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function powerText(power: number, factor: number): string {
  if (power >= -2 && power <= 3) return String(Number((factor * 10 ** power).toPrecision(3)));
  const digits = Array.from(String(Math.abs(power)))
    .map((digit) => superscripts[Number(digit)] ?? '')
    .join('');
  const ten = `10${power < 0 ? '⁻' : ''}${digits}`;
  return factor === 1 ? ten : `${factor}·${ten}`;
}

function shortNumber(value: number, digits: number): string {
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(4))} M`;
  return Math.abs(value) >= 1e4
    ? `${Number((value / 1e3).toPrecision(4))} k`
    : value.toFixed(digits);
}
