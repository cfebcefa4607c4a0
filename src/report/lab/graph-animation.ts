/** The graph over the rounds: who heard whom, and how far each node is. Moves without any script. */
import { px } from '../axis.ts';
import { html, type Markup } from '../markup.ts';
import type { LabFrame } from './lab-record.ts';

const size = 420;
const middle = size / 2;
const radius = 172;
const secondsPerFrame = 0.7;
/** From few errors to many: light to dark, on paper as on a screen. */
const steps = [
  '#fff3d6',
  '#fbd79a',
  '#f4ae67',
  '#e37b4c',
  '#bd4b46',
  '#862b4d',
  '#4a1942',
] as const;

/** The drawing, one turn for all frames. @param attackers nodes with a red ring */
export function graphAnimation(
  frames: readonly LabFrame[],
  attackers: ReadonlySet<number>,
): Markup {
  const count = frames[0]?.errors.length ?? 0;
  const place = (node: number): readonly [number, number] => {
    const angle = (2 * Math.PI * node) / count - Math.PI / 2;
    return [middle + radius * Math.cos(angle), middle + radius * Math.sin(angle)];
  };
  const colour = scaleOf(frames);
  const seconds = frames.length * secondsPerFrame;
  const isStill = frames.every(
    ({ edges }) => pathOf(edges, place) === pathOf(frames[0]?.edges ?? [], place),
  );
  const dot = Math.max(3.5, Math.min(11, (2.2 * radius) / count));
  return html`<svg
    viewBox="0 0 ${size} ${size}"
    role="img"
    aria-label="Graph of ${count} nodes by round"
  >
    ${(isStill ? frames.slice(0, 1) : frames).map(
      ({ edges }, at) =>
        html`<path
          d="${pathOf(edges, place)}"
          style="fill:none;stroke:var(--faint);stroke-width:${count > 32 ? 0.5 : 1}"
          opacity="${isStill || at === 0 ? 1 : 0}"
          >${!isStill && blink(frames.length, at, seconds)}</path
        >`,
    )}
    ${Array.from({ length: count }, (_, node) => {
      const [x, y] = place(node);
      const fills = frames.map(({ errors }) => colour(errors[node] ?? 0));
      const ring = attackers.has(node) ? 'var(--bad)' : 'var(--ink)';
      return html`<circle
        cx="${px(x)}"
        cy="${px(y)}"
        r="${px(dot)}"
        fill="${fills[0] ?? ''}"
        style="stroke:${ring};stroke-width:${attackers.has(node) ? 2.5 : 0.6}"
        ><title>node ${node}${attackers.has(node) ? ', an attacker' : ''}</title
        >${turn('fill', fills, seconds)}</circle
      >`;
    })}
    ${frames.map(
      ({ round }, at) =>
        html`<text
          x="${middle}"
          y="${middle}"
          text-anchor="middle"
          style="font-size:15px"
          opacity="${at === 0 ? 1 : 0}"
          >round ${round}${blink(frames.length, at, seconds)}</text
        >`,
    )}
    ${legend(frames)}
  </svg>`;
}

/** Shown while its frame is on. */
function blink(count: number, at: number, seconds: number): Markup | null {
  const values = Array.from({ length: count }, (_, frame) => (frame === at ? '1' : '0'));
  return turn('opacity', values, seconds);
}

function turn(name: string, values: readonly string[], seconds: number): Markup | null {
  if (new Set(values).size < 2) return null;
  return html`<animate
    attributeName="${name}"
    values="${values.join(';')}"
    dur="${px(seconds)}s"
    calcMode="discrete"
    repeatCount="indefinite"
  />`;
}

function pathOf(
  edges: LabFrame['edges'],
  place: (node: number) => readonly [number, number],
): string {
  const seen = new Set<string>();
  return edges
    .map(([from, to]) => {
      const key = `${Math.min(from, to)}-${Math.max(from, to)}`;
      if (seen.has(key)) return '';
      seen.add(key);
      const [a, b] = [place(from), place(to)];
      return `M${px(a[0])} ${px(a[1])}L${px(b[0])} ${px(b[1])}`;
    })
    .join('');
}

/** Colours by the logarithm of the error, over all frames. */
function scaleOf(frames: readonly LabFrame[]): (error: number) => string {
  const [low, high] = ends(frames);
  return (error) => {
    const share =
      high > low ? (Math.log(Math.max(error, Number.MIN_VALUE)) - low) / (high - low) : 0;
    const at = Math.min(steps.length - 1, Math.max(0, Math.floor(share * steps.length)));
    return steps[at] as string;
  };
}

function ends(frames: readonly LabFrame[]): readonly [number, number] {
  const logs = frames.flatMap(({ errors }) => errors.filter((error) => error > 0).map(Math.log));
  const low = logs.reduce((least, value) => Math.min(least, value), Infinity);
  const high = logs.reduce((most, value) => Math.max(most, value), -Infinity);
  return logs.length === 0 ? [0, 0] : [low, high];
}

function legend(frames: readonly LabFrame[]): Markup {
  const [low, high] = ends(frames);
  const width = 16;
  const left = middle - (steps.length * width) / 2;
  const y = middle + 22;
  const text = (value: number): string => Math.exp(value).toPrecision(2);
  return html`${steps.map(
      (fill, at) =>
        html`<rect x="${left + at * width}" y="${y}" width="${width}" height="9" fill="${fill}" />`,
    )}
    <text class="tick" x="${left - 5}" y="${y + 8}" text-anchor="end">error ${text(low)}</text>
    <text class="tick" x="${left + steps.length * width + 5}" y="${y + 8}">${text(high)}</text>`;
}
