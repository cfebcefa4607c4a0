/** The consortium as a ring with nothing at its centre: this node at the top, and its link to each other member. */
import type { MemberStatus } from '../member-status.ts';
import { element, svg } from './elements.ts';

const centre = 160;
const radius = 92;
const dot = 15;
/** With more members the words would lie on each other; the table has them. */
const wordsMax = 16;

/** The drawing, with the same in words for who cannot see it. */
export function ring(members: readonly MemberStatus[]): Element {
  const present = members.filter(({ isMember }) => isMember);
  const own = Math.max(
    0,
    present.findIndex(({ isSelf }) => isSelf),
  );
  const ordered = [...present.slice(own), ...present.slice(0, own)];
  const places = ordered.map((member, index) => ({ member, ...placeOf(index, ordered.length) }));
  const [self] = places;
  if (self === undefined) return element('p', { class: 'quiet' }, 'no members are known yet');
  const size = Math.min(1, 14 / Math.max(14, ordered.length) + 0.25);
  const words = ordered.map(
    ({ id, state, isSelf, link }) => `${id}: ${isSelf ? 'this node' : link}, ${state}`,
  );
  return svg(
    'svg',
    { viewBox: '0 18 320 290', role: 'img', 'aria-label': `Ring of members. ${words.join('; ')}` },
    svg('circle', { class: 'ring', cx: centre, cy: centre, r: radius }),
    ...places
      .slice(1)
      .map(({ member, x, y }) =>
        svg('path', { class: `link ${member.link}`, d: chord(self, { x, y }) }),
      ),
    ...places.map((place) => site(place, size, ordered.length <= wordsMax)),
  );
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly cosine: number;
  readonly sine: number;
}

function placeOf(index: number, count: number): Place {
  const angle = (index / count) * 2 * Math.PI - Math.PI / 2;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return { x: rounded(centre + radius * cosine), y: rounded(centre + radius * sine), cosine, sine };
}

/** A line between two places that bends towards the centre, so that neighbours' links do not lie on the ring. */
function chord(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const bend = (a: number, b: number): number =>
    rounded((a + b) / 2 + (centre - (a + b) / 2) * 0.35);
  return `M${from.x} ${from.y}Q${bend(from.x, to.x)} ${bend(from.y, to.y)} ${to.x} ${to.y}`;
}

function site(
  { member, x, y, cosine, sine }: Place & { readonly member: MemberStatus },
  size: number,
  withWord: boolean,
): Element {
  const { id, state, isSelf, link } = member;
  const word = isSelf
    ? state
    : link === 'connected'
      ? state
      : link === 'unknown'
        ? 'not heard'
        : link;
  const anchor = Math.abs(cosine) < 0.3 ? '' : cosine > 0 ? 'start' : 'end';
  const away = dot + 7;
  return svg(
    'g',
    { class: `site ${state}` },
    // The fills let light through: no link shows below them.
    svg('circle', { class: 'back', cx: x, cy: y, r: rounded(dot * size) }),
    svg('circle', { class: 'dot', cx: x, cy: y, r: rounded(dot * size) }),
    isSelf ? svg('circle', { class: 'own', cx: x, cy: y, r: rounded(dot * size + 3.5) }) : null,
    svg('text', { class: 'id', x, y: y + 3.5 }, id.length <= 4 ? id : `${id.slice(0, 3)}…`),
    withWord
      ? svg(
          'text',
          {
            class: `word ${anchor}`,
            x: rounded(x + away * cosine * (anchor === '' ? 0 : 1)),
            y: rounded(
              y + (anchor === '' ? (dot + 13) * Math.sign(sine) + 3.5 : away * sine + 3.5),
            ),
          },
          word,
        )
      : null,
    svg('title', {}, `${id}: ${member.reason}`),
  );
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
